"""Compiling a folder with the runtime's own interpreter.

Each cold start would compile anew what has no valid bytecode, as Lambda's code is read-only. The
times of an archive say nothing, so validity is not looked at (`unchecked-hash`, PEP 552).
"""

import os
import subprocess
from pathlib import Path
from typing import Final

from infra.packaging.errors import PackagingError

LAMBDA_ROOT: Final = "/var/task"
"""Where Lambda unpacks the archive, as tracebacks name it."""

_COMPILE: Final = """
import compileall, py_compile, sys
root, folder, deployed, legacy = sys.argv[1:]
sys.exit(not compileall.compile_dir(
    folder, quiet=1, force=True, maxlevels=99, workers=1, legacy=bool(legacy),
    stripdir=root, prependdir=deployed,
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH))
"""


def compile_beside(root: Path, folder: Path, interpreter: Path) -> None:
    """Compile what is in a folder below the archive's root; sources stay, for tracebacks.

    Raises PackagingError with what does not compile.
    """
    finished = _compile(root, folder, interpreter, legacy="")
    if finished.returncode != 0:
        raise PackagingError(f"{folder.name} does not compile:\n{finished.stdout.strip()}")


def compile_in_place(root: Path, interpreter: Path) -> None:
    """Put bytecode in the place of all sources below the archive's root.

    What does not compile stays as it is: some packages carry templates, or code for other Pythons.
    """
    _compile(root, root, interpreter, legacy="legacy")
    for source in root.rglob("*.py"):
        if source.with_suffix(".pyc").is_file():
            source.unlink()


def _compile(
    root: Path, folder: Path, interpreter: Path, *, legacy: str
) -> "subprocess.CompletedProcess[str]":
    # One seed for hashes, or the order of sets would be of chance, and so the bytes. Nothing else
    # of the shell's settings, nor the folder (-P), has a say in what the interpreter imports.
    ours = {"PYTHONHASHSEED": "0"}
    others = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(  # noqa: S603 - the interpreter that was found or named
        [interpreter, "-P", "-s", "-c", _COMPILE, root, folder, LAMBDA_ROOT, legacy],
        env={**others, **ours},
        capture_output=True,
        text=True,
        check=False,
    )
