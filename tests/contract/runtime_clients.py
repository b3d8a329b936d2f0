"""The runtime clients that the contract is tested with: all that this machine has.

One for each Python found, from 3.9 on; the real `awslambdaric`, where it is installed; Node with
both kinds of modules. A Python that is not here is no case.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest
from msgspec import Struct

from tests.optional_tools import ROOT

FIXTURES = ROOT / "tests/fixtures/runtime_clients"
OLDEST, NEWEST = 9, 14


class Client(Struct, frozen=True):
    """A runtime client: the folder of its handlers and what runs it.

    `real` asks for AWS's own client in that interpreter. `python` is ours for Node.
    """

    folder: str
    runtime: str
    python: Path = Path(sys.executable)
    real: bool = False

    @property
    def code_root(self) -> Path:
        """Where the handlers are."""
        return FIXTURES / self.folder


def pythons() -> dict[str, Path]:
    """Find an interpreter of each minor version: on the PATH, else pyenv's (its shims may lie)."""
    found = {}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(OLDEST, NEWEST + 1):
        name = f"python3.{minor}"
        on_path = shutil.which(name)
        candidates = [Path(on_path)] if on_path and "shims" not in Path(on_path).parts else []
        candidates += sorted(pyenv.glob(f"3.{minor}.*/bin/python"))
        if candidates:
            found[name] = candidates[0]
    return found


def all_clients() -> list[object]:
    """Give the parameters of the contract."""
    minor = f"python3.{sys.version_info.minor}"
    clients: list[object] = [
        pytest.param(Client("python", name, path), id=f"our client on {name}")
        for name, path in {**pythons(), minor: Path(sys.executable)}.items()
    ]
    if importlib.util.find_spec("awslambdaric"):
        clients.append(pytest.param(Client("python", minor, real=True), id="awslambdaric"))
    for folder in ("commonjs", "modules"):
        client = Client(folder, "nodejs22.x")
        clients.append(pytest.param(client, id=f"Node, {folder}", marks=pytest.mark.node))
    return clients


def interpreter(client: Client, folder: Path) -> Path:
    """Give what to start as `python`: for AWS's client a script that takes no notice of ours."""
    if not client.real:
        return client.python
    script = folder / "python"
    # Like ours, it imports from the code root; on Lambda the image's PYTHONPATH sees to that.
    command = f'{client.python} -m awslambdaric "$_HANDLER"'
    script.write_text(f'#!/bin/sh\nPYTHONPATH="$LAMBDA_TASK_ROOT" exec {command}\n')
    script.chmod(0o755)
    return script
