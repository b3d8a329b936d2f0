"""A project that `gatepost new` makes from a built wheel, installed without an index.

What its .venv needs beside gatepost is lent to it from the environment of these tests: pip then
finds every pin of requirements/ satisfied, and installs gatepost alone, from the wheel.
"""

import os
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

from tests.optional_tools import REQUIRE_ALL, ROOT

_BINARIES = ("ruff", "uv")  # programs that no entry point names


def build_wheel(folder: Path) -> Path:
    """Build gatepost's wheel into a folder, as `make wheel` does; its path."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (wheel,) = folder.glob("gatepost-*.whl")
    return wheel


def lend_packages(folder: Path) -> Path:
    """Link everything that is installed here but gatepost into a folder, which is given back."""
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "gatepost" not in entry.name and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


def prepare_venv(folder: Path, lent: Path) -> Path:
    """Make the .venv of a project, with pip, the lent packages and their programs; its bin/."""
    run(sys.executable, "-m", "venv", str(folder / ".venv"), cwd=folder)
    (site,) = (folder / ".venv/lib").glob("python3*/site-packages")
    (site / "lent.pth").write_text(f"{lent}\n", encoding="utf-8")
    programs = folder / ".venv/bin"
    for entry in metadata.entry_points(group="console_scripts"):
        if entry.module.partition(".")[0] not in {"gatepost", "pip"}:
            _write_program(programs / entry.name, programs / "python", entry)
    for name in _BINARIES:
        binary = Path(sys.executable).parent / name
        if binary.exists() and not (programs / name).exists():
            (programs / name).symlink_to(binary)
    return programs


def _write_program(path: Path, python: Path, entry: metadata.EntryPoint) -> None:
    first = entry.attr.partition(".")[0]
    path.write_text(
        f"#!{python}\nimport sys\nfrom {entry.module} import {first}\nsys.exit({entry.attr}())\n",
        encoding="utf-8",
    )
    path.chmod(0o755)


def environment(wheels: Path) -> dict[str, str]:
    """What a developer has in a shell, and pip led to a folder of wheels and to no index."""
    ours = (REQUIRE_ALL, "MAKE", "MFLAGS", "PYTEST", "PYTHON", "VIRTUAL_ENV", "COV_", "PIP_")
    shell = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return shell | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "NO_COLOR": "1"}


def run(*command: str, cwd: Path, env: dict[str, str] | None = None, within_s: float = 300) -> str:
    """Run a command that succeeds; what it printed."""
    finished = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    return finished.stdout
