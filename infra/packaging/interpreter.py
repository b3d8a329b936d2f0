"""Finding the interpreter that compiles for a runtime: bytecode is of one minor version only."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from infra.packaging.errors import UsageError

VARIABLE: Final = "PACKAGE_PYTHON"
"""Names the interpreter, whatever else there is."""

_ASK: Final = "import sys; print('%s %d.%d' % (sys.implementation.name, *sys.version_info[:2]))"
_TIMEOUT_S: Final = 20


def find_interpreter(version: str, environ: Mapping[str, str]) -> Path:
    """Give a CPython of this minor version: PACKAGE_PYTHON, this one, of PATH or of pyenv.

    Raises UsageError where there is none, or the variable names another.
    """
    named = environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise UsageError(f"{VARIABLE} is {named}, which can't be run")
        if _version(found) != version:
            raise UsageError(
                f"{VARIABLE} is {named}, Python {_version(found) or 'of an unknown version'}; "
                f"the runtime is {version}"
            )
        return Path(found)
    for candidate in _candidates(version, environ):
        if _version(candidate) == version:
            return Path(candidate)
    raise UsageError(
        f"Python {version}, the runtime's own, is not found: bytecode can be made by no other. "
        f"Install it (python{version} on PATH, or `pyenv install {version}`), name it in "
        f"{VARIABLE}, or go on with --no-bytecode, for slower cold starts"
    )


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[str]:
    yield sys.executable
    on_path = shutil.which(f"python{version}", path=environ.get("PATH", os.defpath))
    if on_path:
        yield on_path
    root = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv")
    for folder in sorted((root / "versions").glob(f"{version}.*"), reverse=True):
        yield str(folder / "bin" / "python")


def _version(interpreter: str) -> str | None:
    """Ask an interpreter; a shim of pyenv may be there and have none behind it."""
    try:
        asked = subprocess.run(  # noqa: S603 - what the user has as Python
            [interpreter, "-I", "-c", _ASK],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    name, _, version = asked.stdout.strip().partition(" ")
    return version if name == "cpython" else None
