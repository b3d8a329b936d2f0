"""A running `gatepost dev`, started as a developer does: the console script, its own process."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from functions.core.context import Services
    from tests.e2e.guarded import Guarded

ROOT = Path(__file__).parent.parent.parent
GATEPOST = Path(sys.executable).parent / "gatepost"
PROJECTS = ROOT / "tests/fixtures/projects"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0


class RunningEmulator:
    """One `gatepost dev`; restarts on the ports it got first."""

    def __init__(self, *arguments: str, cwd: Path = ROOT) -> None:
        self._arguments = arguments
        self._cwd = cwd
        self._ports = ("0", "0")
        self._process: subprocess.Popen[str]
        self.lines: list[str] = []
        self.url = ""
        self.page_url = ""
        self._start()

    @property
    def pid(self) -> int:
        """The emulator's own process."""
        return self._process.pid

    @property
    def stage(self) -> str:
        """The stage that it runs, the path of its socket."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def port(self) -> int:
        """Where sockets and @connections are."""
        return int(self._ports[0])

    @property
    def management_url(self) -> str:
        """The endpoint for boto3's apigatewaymanagementapi."""
        return self.url.replace("ws://", "http://")

    @property
    def output(self) -> str:
        """All that it printed so far, errors too."""
        return "\n".join(self.lines)

    def children(self) -> list[psutil.Process]:
        """Every process that it started and that lives."""
        return psutil.Process(self.pid).children(recursive=True)

    def workers(self) -> list[psutil.Process]:
        """The processes that run functions."""
        return [child for child in self.children() if "bootstrap" in " ".join(child.cmdline())]

    def _start(self) -> None:
        port, http_port = self._ports
        self._process = subprocess.Popen(
            [GATEPOST, "dev", "--port", port, "--http-port", http_port, *self._arguments],
            cwd=self._cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._reader = threading.Thread(target=self._read, args=[self._process])
        self._reader.start()
        self.wait_for(lambda: "Ready after" in self.output, START_TIMEOUT_S)
        self.url = self._find(r"ws://\S+")
        self.page_url = self._find(r"pages\s+(http://\S+)")
        ports = re.findall(r":(\d+)/", f"{self.url}/ {self.page_url}")
        self._ports = (ports[0], ports[1])

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.lines.append(line.rstrip("\n"))

    def _find(self, pattern: str) -> str:
        found = re.search(pattern, self.output)
        assert found, f"no {pattern} in:\n{self.output}"
        return found[found.lastindex or 0]

    def wait_for(self, check: Callable[[], object], within_s: float = 10.0) -> None:
        """Wait until `check()` is true; fail with the emulator's output when it ends or lasts."""
        deadline = time.monotonic() + within_s
        while not check():
            ended = self._process.poll() is not None
            assert not ended, f"gatepost ended with {self._process.returncode}:\n{self.output}"
            assert time.monotonic() < deadline, f"not within {within_s} s:\n{self.output}"
            time.sleep(0.01)

    async def said(self, text: str, within_s: float = 10.0) -> None:
        """Wait until `text` stands in the output."""
        await asyncio.to_thread(self.wait_for, lambda: text in self.output, within_s)

    def stop_now(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it as Ctrl-C does (or by another signal) and wait; its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        code = self._process.wait(STOP_TIMEOUT_S)
        self._reader.join(STOP_TIMEOUT_S)
        return code

    async def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        await asyncio.to_thread(self.stop_now)

    async def restart(self) -> None:
        """Start it again on the same ports."""
        self.lines.clear()
        await asyncio.to_thread(self._start)


@pytest.fixture
def gatepost_dev() -> Iterator[Callable[..., RunningEmulator]]:
    """Start emulators with any arguments; they are stopped after the test."""
    started: list[RunningEmulator] = []

    def start(*arguments: str, cwd: Path = ROOT) -> RunningEmulator:
        started.append(RunningEmulator(*arguments, cwd=cwd))
        return started[-1]

    yield start
    for emulator in started:
        emulator.stop_now()


@pytest.fixture
def emulator(gatepost_dev: Callable[..., RunningEmulator]) -> RunningEmulator:
    """The template of this repository in an emulator of the test's own."""
    return gatepost_dev("--env-file", "local.env")


FROM_BOTH = {
    "test_chat": "shared_emulator",
    "test_http_api": "shared_emulator",
    "test_identity": "shared_emulator",
    "test_publish_from_a_server": "shared_emulator",
    "test_protocol": "template_over_moto",
    "test_protocol_history": "template_over_moto",
    "test_protocol_limits": "template_over_moto",
    "test_protocol_presence": "template_over_moto",
}
"""Modules whose tests run on the template, and on what the framework packages of it."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of some modules with an emulator of each."""
    fixture = FROM_BOTH.get(metafunc.module.__name__.rsplit(".", 1)[-1])
    if fixture in metafunc.fixturenames:
        sources = ["serverless.yml", pytest.param("packaged", marks=pytest.mark.node)]
        metafunc.parametrize(fixture, sources, indirect=True, scope="session")


@pytest.fixture(scope="session")
def shared_emulator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningEmulator]:
    """The template of this repository in one emulator for all tests that leave it whole."""
    running = running_from(request, tmp_path_factory, "dev", "--env-file", "local.env")
    yield running
    running.stop_now()


def running_from(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    stage: str,
    *arguments: str,
) -> RunningEmulator:
    """Start the template at a stage, or what `osls package` makes of it where a test asks so."""
    if getattr(request, "param", None) != "packaged":
        return RunningEmulator("--stage", stage, *arguments)
    from tests.infra.conftest import run_with_params  # noqa: PLC0415 - few tests need it

    # A template has no name; the folder's stands for the stack's, and begins the table's.
    folder = tmp_path_factory.mktemp("packaged") / f"gatepost-{stage}"
    template = run_with_params(folder, stage, {}).template_path
    shutil.copy(ROOT / "local.env", folder)
    return RunningEmulator("--template", str(template), *arguments, cwd=folder)


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> "Iterator[Guarded]":
    """The template where tokens are needed, in one emulator for all tests that leave it whole."""
    from tests.e2e.guarded import Guarded  # noqa: PLC0415 - it is made of what stands here

    running = Guarded(tmp_path_factory.mktemp("guarded"), moto_endpoint)
    yield running
    running.emulator.stop_now()


@pytest.fixture
async def services(
    guarded: "Guarded",
    moto_endpoint: str,
    fake_credentials: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> "AsyncIterator[Services]":
    """What functions have, over the table and gateway of `guarded`."""
    async with services_of(guarded.emulator, moto_endpoint, "dev", monkeypatch) as found:
        yield found


@pytest.fixture(scope="session")
def template_over_moto(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    moto_endpoint: str,
) -> Iterator[RunningEmulator]:
    """The template as `make run` has it, over a table that tests can reach as well.

    What is packaged is at a stage of its own: both emulators would share the table.
    """
    stage = "packed" if getattr(request, "param", None) == "packaged" else "shown"
    running = running_from(
        *(request, tmp_path_factory, stage, "--env-file", "local.env"),
        *("--dynamodb", moto_endpoint),
    )
    yield running
    running.stop_now()


@pytest.fixture
async def template_services(
    template_over_moto: RunningEmulator,
    moto_endpoint: str,
    fake_credentials: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> "AsyncIterator[Services]":
    """What functions have, over the table and gateway of `template_over_moto`."""
    async with services_of(
        template_over_moto, moto_endpoint, template_over_moto.stage, monkeypatch
    ) as found:
        yield found


@asynccontextmanager
async def services_of(
    emulator: RunningEmulator, dynamodb_url: str, stage: str, monkeypatch: pytest.MonkeyPatch
) -> "AsyncIterator[Services]":
    """Work on the table and gateway of an emulator of this template, as its functions do."""
    from functions.runtime.wiring import Environment  # noqa: PLC0415 - few tests need it

    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", emulator.management_url)
    monkeypatch.setenv("TABLE_NAME", f"gatepost-{stage}-Table")
    environment = Environment()
    try:
        yield await environment.services()
    finally:
        await environment.close()
