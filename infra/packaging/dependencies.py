"""Installing what a requirements file pins, for the machine that will run it.

uv and not pip, which evaluates markers for the machine that builds. Where packages come from is
the matter of whoever runs it: uv reads its own environment and configuration.
"""

import subprocess
import sys
from pathlib import Path

from infra.packaging.errors import PackagingError, UsageError
from infra.packaging.target import Target


def install(requirements: Path, folder: Path, target: Target) -> None:
    """Install the pinned wheels into a folder, each checked by its hash; nothing is built.

    Raises PackagingError with what uv says, UsageError without uv.
    """
    if not requirements.is_file():
        raise UsageError(f"{requirements} is not there: run this in the project's folder")
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet"),
        *("--python", sys.executable, "--no-python-downloads"),
        *("--target", str(folder)),
        *("--python-platform", target.platform, "--python-version", target.python),
        *("--only-binary", ":all:", "--require-hashes"),
        *("--link-mode", "copy"),  # the files are changed afterwards, and uv's cache must not be
        *("--requirements", str(requirements)),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if "No module named uv" in finished.stderr:
        raise UsageError(f"uv is not installed for {sys.executable}: `make package` sees to it")
    if finished.returncode != 0:
        said = finished.stderr.strip() or f"exit code {finished.returncode}"
        raise PackagingError(f"{requirements.name} could not be installed; uv says:\n{said}")
