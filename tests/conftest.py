"""What tests of every kind share: a DynamoDB to talk to, a table, and waiting without sleeping.

Fixtures of one kind of test live in the conftest.py of its folder. A test module that wants the
type of a fixture imports it under TYPE_CHECKING (`from tests.conftest import Eventually`).
"""

import asyncio
import inspect
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar, cast, overload

import pytest
from hypothesis import settings

from tests.optional_tools import REQUIRE_ALL, dynoxide, missing_tools

T = TypeVar("T")

REGION = "us-east-1"
FAKE_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


# A busy machine makes no test of behaviour fail.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


def pytest_configure() -> None:
    """Refuse to start where everything is asked for and something is missing."""
    missing = [tool for tool in missing_tools() if tool.required]
    if os.environ.get(REQUIRE_ALL) and missing:
        needed = "; ".join(f"{tool.marker}: {tool.needs}" for tool in missing)
        raise pytest.UsageError(f"{REQUIRE_ALL} is set, and these are missing: {needed}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a tool that this machine lacks."""
    for tool in missing_tools():
        for item in items:
            if item.get_closest_marker(tool.marker):
                item.add_marker(pytest.mark.skip(reason=f"needs {tool.needs}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line a tool what was skipped for want of it."""
    for tool in missing_tools():
        terminalreporter.write_line(f"Skipped: tests marked {tool.marker}, which need {tool.needs}")


class Eventually(Protocol):
    """What the fixture `eventually` gives."""

    @overload
    async def __call__(self, check: Callable[[], Awaitable[T]], *, within_s: float = 5.0) -> T: ...

    @overload
    async def __call__(self, check: Callable[[], T], *, within_s: float = 5.0) -> T: ...


@pytest.fixture(scope="session", autouse=True)
def _heed_interrupts() -> None:
    """Let processes that tests start heed Ctrl-C: what a shell runs in its background does not."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Call `check` (sync or async) until what it returns is true; give that back, or fail."""

    async def wait(check: Callable[[], object], *, within_s: float = 5.0) -> object:
        deadline = time.monotonic() + within_s
        while True:
            result = check()
            value = await result if inspect.isawaitable(result) else result
            if value:
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"did not become true within {within_s} s: {check}, last {value!r}")
            await asyncio.sleep(0.01)

    return cast("Eventually", wait)


@pytest.fixture
def fake_credentials(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Put obviously fake AWS credentials and a region into the environment; no profile is read."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in FAKE_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return FAKE_CREDENTIALS


@contextmanager
def moto_server() -> Iterator[str]:
    """Keep the emulator's own stand-in running; give its URL."""
    with server_process("gatepost.emulator.dynamodb_server") as endpoint:
        yield endpoint


@contextmanager
def server_process(module: str) -> Iterator[str]:
    """Keep a server running that says its port and ends with its standard input; give its URL."""
    with subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            port = process.stdout.readline().strip()
            assert port, "the moto server did not start; its error is above"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture(scope="session")
def dynoxide_endpoint() -> Iterator[str]:
    """Give the URL of a dynoxide of our own."""
    binary = dynoxide()
    assert binary, "tests that use dynoxide are marked so"
    with socket.socket() as probe:  # dynoxide can't say which port the system chose
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [binary, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert "listening" in process.stdout.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """Give the URL of a stand-in, one for the whole test run."""
    with moto_server() as endpoint:
        yield endpoint


@pytest.fixture
def table_name(moto_endpoint: str, fake_credentials: dict[str, str]) -> Iterator[str]:
    """Give the name of a fresh table on the moto server, with the schema of infra/."""
    with fresh_table(moto_endpoint) as name:
        yield name


@contextmanager
def fresh_table(endpoint: str) -> Iterator[str]:
    """Keep a table with the schema of infra/ on a DynamoDB endpoint; give its name."""
    import boto3  # noqa: PLC0415 - slow to import, and most tests need no table

    client = boto3.client("dynamodb", endpoint_url=endpoint)
    name = f"gatepost-{uuid.uuid4().hex[:12]}"
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    try:
        yield name
    finally:
        client.delete_table(TableName=name)
        client.close()
