"""The README's first action works as printed: the code, its line in the registry, its test."""

import asyncio
import json
import re
import shutil
import sys
from typing import TYPE_CHECKING

from websockets.asyncio.client import connect

from tests.e2e.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import RunningEmulator

COPIED = ("functions", "infra", "web", "serverless.yml", "local.env", "pyproject.toml", "README.md")
COPIED_TESTS = ("conftest.py", "fakes.py", "optional_tools.py", "functions/conftest.py")


def python_blocks() -> list[str]:
    """The README's Python, in order: the action, its line, its test."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def project_with_the_action(folder: "Path") -> "Path":
    """A copy of the template in which the README's steps were followed."""
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for name in COPIED_TESTS:
        (folder / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests" / name, folder / "tests" / name)
    action, line, test = python_blocks()
    (folder / "functions/actions/roll.py").write_text(action)
    registry = folder / "functions/actions/registry.py"
    registry.write_text(
        registry.read_text()
        .replace("import channels, echo, ping", "import channels, echo, ping, roll")
        .replace('    "subscribe"', f'{line}    "subscribe"')
    )
    (folder / "tests/functions/actions").mkdir(parents=True)
    (folder / "tests/functions/actions/test_roll.py").write_text(test)
    return folder


async def test_the_first_action_answers_and_its_test_passes(
    gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path"
) -> None:
    """Eight lines, as printed."""
    project = project_with_the_action(tmp_path)
    assert len([line for line in python_blocks()[0].splitlines() if line]) == 8
    emulator = gatepost_dev("--env-file", "local.env", cwd=project)
    async with connect(emulator.url) as client:
        await client.send('{"action": "roll", "sides": 20, "id": 1}')
        reply = json.loads(await asyncio.wait_for(client.recv(), 20))
        assert 1 <= reply.pop("result")["rolled"] <= 20
        assert reply == {"type": "reply", "id": 1, "ok": True}
        await client.send('{"action": "roll", "sides": "x"}')
        error = json.loads(await asyncio.wait_for(client.recv(), 20))["error"]
        assert error["code"] == 107
        assert "sides" in error["message"]
    tested = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        "tests/functions/actions/test_roll.py",
        cwd=project,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(tested.communicate(), 60)
    assert tested.returncode == 0, output.decode()
    assert b"1 passed" in output
