"""`gatepost new`, from the wheel that would be published, to a project that runs and passes."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml
from websockets.asyncio.client import connect

from gatepost.emulator.cli import main
from tests.e2e.conversation import ask, receive
from tests.e2e.own_project import build_wheel, environment, lend_packages, prepare_venv, run
from tests.optional_tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def of_every_machine() -> str:
    """Give pytest's expression for tests without a marker: they need no other program.

    The same files run the others in this repository.
    """
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    markers = settings["tool"]["pytest"]["ini_options"]["markers"]
    return f"not ({' or '.join(each.partition(':')[0] for each in markers)})"


async def first_of(lines: asyncio.StreamReader, pattern: str) -> str:
    """Read on until a line has the pattern, and give its group."""
    seen = []
    while line := (await asyncio.wait_for(lines.readline(), 60)).decode():
        seen.append(line)
        if found := re.search(pattern, line):
            return found[1]
    pytest.fail(f"no {pattern} in: {''.join(seen)}")


async def publishes_to_itself(url: str) -> object:
    """Subscribe to a channel, publish there, and give what arrives."""
    async with connect(url) as client:
        assert (await ask(client, action="subscribe", channel="chat:own"))["ok"]
        await client.send(
            json.dumps({"action": "publish", "id": "2", "channel": "chat:own", "data": "hello"})
        )
        return (await receive(client, "publication"))["data"]


async def runs(project: "Path", env: dict[str, str]) -> None:
    """`make run` says that it is ready, serves the demo, carries a message and ends by Ctrl-C."""
    process = await asyncio.create_subprocess_exec(
        *("make", "run", "ARGS=--port 0 --http-port 0"),
        cwd=project,
        env=env | {"PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        url = await first_of(process.stdout, r"(ws://\S+)")
        await first_of(process.stdout, r"(Ready after)")
        assert await publishes_to_itself(url) == "hello"
        os.killpg(process.pid, signal.SIGINT)
        output, _ = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()
    assert b"Traceback" not in output
    assert process.returncode in {0, -signal.SIGINT}  # the second where make itself hears it first


@pytest.mark.timeout(900)
async def test_a_project_from_the_wheel_runs_and_passes_its_own_tests(tmp_path: "Path") -> None:
    """Name, region and version are its own; nothing comes from this checkout or from an index."""
    env = environment(build_wheel(tmp_path / "wheels").parent)
    lent = lend_packages(tmp_path / "lent")
    (tmp_path / "tool").mkdir()
    tool = prepare_venv(tmp_path / "tool", lent)
    run(
        str(tool / "python"), "-m", "pip", "install", "--no-deps", "gatepost", cwd=tmp_path, env=env
    )
    said = run(
        *(str(tool / "gatepost"), "new", "Team_Chat", "--region", "eu-central-1"),
        cwd=tmp_path,
        env=env,
    )
    assert "it is: --name team-chat --region eu-central-1 --demo chat --no-terraform" in said
    project = tmp_path / "Team_Chat"
    programs = prepare_venv(project, lent)
    run("make", "setup", cwd=project, env=env)
    found = run(
        *(str(programs / "python"), "-c", "import gatepost; print(gatepost.__file__)"),
        cwd=tmp_path,
        env=env,
    )
    assert str(project / ".venv") in found
    await runs(project, env)
    output = await asyncio.to_thread(
        run, "make", "test", f"ARGS=-q -m '{of_every_machine()}'",
        cwd=project, env=env, within_s=700,
    )  # fmt: skip
    assert re.search(r"^\d{3,} passed", output, re.MULTILINE), output
    assert "Contracts: 5 kept, 0 broken" in output


@pytest.mark.node
@pytest.mark.timeout(600)
def test_a_project_of_another_name_passes_its_infrastructure_tests(tmp_path: "Path") -> None:
    """The longest name, another region, no demo, Terraform beside it."""
    project = tmp_path / "own"
    flags = ("--name", "abcdefghij-123456789", "--region", "ap-southeast-2", "--demo", "none")
    assert main(["new", str(project), *flags, "--terraform"]) == 0
    (project / "node_modules").symlink_to(ROOT / "node_modules")
    (project / ".venv").symlink_to(sys.prefix)
    output = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("-m", "node", "tests/infra"),
        cwd=project,
        env=environment(tmp_path),
        within_s=500,
    )
    assert re.search(r"^\d+ passed", output, re.MULTILINE), output
    packaged = subprocess.run(
        ["node", str(ROOT / "node_modules/osls/bin/serverless.js"), "print"],  # noqa: S607 - node is where PATH says
        cwd=project,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    printed = yaml.safe_load(packaged.stdout)
    assert printed["service"] == "abcdefghij-123456789"
    assert printed["provider"]["region"] == "ap-southeast-2"
