"""The command that `make package` runs, where it stops."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.optional_tools import ROOT

if TYPE_CHECKING:
    from tests.conftest import Eventually

SERVERLESS = "provider: {runtime: python3.11, architecture: arm64}"
COMMAND = [sys.executable, "-m", "infra.package", "--no-bytecode"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a project without functions whose requirements exist nowhere."""
    (tmp_path / "serverless.yml").write_text(SERVERLESS, encoding="utf-8")
    (tmp_path / "functions").mkdir()
    (tmp_path / "requirements").mkdir()
    pinned = "nothing-of-this-name==1.0 --hash=sha256:" + "0" * 64
    for name in ("functions", "tokens"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(pinned, encoding="utf-8")
    (tmp_path / "build").mkdir()
    (tmp_path / "build/functions.zip").write_bytes(b"the last one")
    return tmp_path


def environ(**variables: str) -> dict[str, str]:
    """Set what the command finds its own modules by; packages come from nowhere."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "UV_OFFLINE": "1", **variables}


def run(project: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a project."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=project,
        env=environ(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


def leaves_all_as_it_was(project: Path) -> bool:
    """Say whether the last archive is the only one, whole."""
    [archive] = (project / "build").iterdir()
    return archive.read_bytes() == b"the last one"


def test_what_uv_says_is_shown_and_the_last_archives_stay(project: Path) -> None:
    """Nothing is replaced by half."""
    ran = run(project)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("package: functions.txt could not be installed; uv says:\n")
    assert "nothing-of-this-name" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert leaves_all_as_it_was(project)


def test_without_the_runtimes_interpreter_nothing_is_begun(project: Path) -> None:
    """Unless one goes on without bytecode."""
    command = [each for each in COMMAND if each != "--no-bytecode"]
    variables = environ(PATH="/nowhere", HOME="/nowhere", PYENV_ROOT="/nowhere")
    ran = subprocess.run(
        [*command, "--runtime", "python3.99"],
        cwd=project,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("package: Python 3.99, the runtime's own, is not found")
    assert leaves_all_as_it_was(project)


def test_a_folder_that_is_no_project_is_refused(tmp_path: Path) -> None:
    """With what to do."""
    ran = run(tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.endswith("run this in the project's folder\n")
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_can_not_be_made_is_named(project: Path) -> None:
    """It is a file, for instance."""
    ran = run(project, "--out", "serverless.yml/build")
    assert ran.returncode == 1
    assert "serverless.yml/build" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_run_leaves_nothing_behind(
    project: Path, eventually: "Eventually", number: signal.Signals
) -> None:
    """The archives are those of the last run."""
    waiting = "import time, pathlib; pathlib.Path('asked').touch(); time.sleep(60)"
    (project / "uv.py").write_text(waiting, encoding="utf-8")  # found before the package
    with subprocess.Popen(  # noqa: ASYNC220 - blocking starts harm no test
        COMMAND,
        cwd=project,
        env=environ(PYTHONPATH=f"{project}:{ROOT}"),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        await eventually((project / "asked").exists, within_s=30)
        os.killpg(process.pid, number)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "package: interrupted; no archive was touched\n")
    assert leaves_all_as_it_was(project)


def test_what_a_killed_run_left_goes_with_the_next(project: Path) -> None:
    """It is hidden, and never an archive."""
    (project / "build/.package-killed").mkdir()
    run(project)
    assert leaves_all_as_it_was(project)
