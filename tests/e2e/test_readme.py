"""The README's first action works as printed: the code, its line in the registry, its test."""

import ast
import asyncio
import json
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

from websockets.asyncio.client import connect

from tests.e2e.conftest import ROOT
from tests.optional_tools import REQUIRE_ALL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import RunningEmulator

COPIED = (
    *("functions", "infra", "web", "docs", "serverless.yml", "local.env", "pyproject.toml"),
    "README.md",
)
COPIED_TESTS = (
    *("conftest.py", "fake_log.py", "fake_outlets.py", "fake_rows.py"),
    *("fake_workers.py", "fakes.py", "optional_tools.py"),
    "functions",
)


def python_blocks() -> list[str]:
    """The README's Python, in order: the action, its line, its test."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def project_with_the_action(folder: "Path") -> "Path":
    """A copy of the template in which the README's steps were followed."""
    for name in (*COPIED, *(f"tests/{name}" for name in COPIED_TESTS)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    action, line, test = python_blocks()
    (folder / "functions/actions/shout.py").write_text(action)
    registry = folder / "functions/actions/registry.py"
    if line not in registry.read_text():  # else it is a reader's project, who followed the steps
        registry.write_text(
            registry.read_text()
            .replace("ping, presence\n", "ping, presence, shout\n")
            .replace('    "subscribe"', f'{line}    "subscribe"')
        )
    (folder / "tests/functions/actions/test_shout.py").write_text(test)
    return folder


def lines_of_code(text: str) -> int:
    """Lines that are neither blank nor documentation."""
    tree = ast.parse(text)
    docstrings = sum(
        1
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node)
    )
    return len([line for line in text.splitlines() if line.strip()]) - docstrings


async def passes(project: "Path", *command: str) -> str:
    """Run a tool of ours in the project; its output, once it passed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != REQUIRE_ALL},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_the_first_action_answers(
    gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path"
) -> None:
    """Eight lines, as printed."""
    project = project_with_the_action(tmp_path)
    assert lines_of_code(python_blocks()[0]) <= 8
    emulator = gatepost_dev("--env-file", "local.env", cwd=project)
    async with connect(emulator.url) as client:
        await client.send('{"action": "shout", "text": "hey", "id": 1}')
        reply = json.loads(await asyncio.wait_for(client.recv(), 20))
        assert reply.pop("result")["text"] == "HEY"
        assert reply == {"type": "reply", "id": 1, "ok": True}
        await client.send('{"action": "shout", "text": 5}')
        error = json.loads(await asyncio.wait_for(client.recv(), 20))["error"]
        assert error["code"] == 107
        assert "text" in error["message"]


async def test_the_first_action_passes_its_test_and_the_checks(tmp_path: "Path") -> None:
    """What the README prints is as clean as what is here."""
    project = project_with_the_action(tmp_path)
    new = ("functions/actions/shout.py", "tests/functions/actions/test_shout.py")
    pytest = ("pytest", "-q", "-p", "no:cacheprovider", "-n", "0")
    assert "1 passed" in await passes(project, *pytest, new[1])
    await passes(project, *pytest, "tests/functions/actions")
    await passes(project, "ruff", "check", "--no-cache", *new, "functions/actions/registry.py")
    await passes(project, "ruff", "format", "--no-cache", "--check", *new)
    await passes(project, "mypy", "--cache-dir", str(tmp_path / "mypy"), *new)
