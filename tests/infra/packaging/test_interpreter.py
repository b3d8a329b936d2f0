"""Finding the interpreter of the runtime."""

import sys
from pathlib import Path

import pytest

from infra.packaging.errors import UsageError
from infra.packaging.interpreter import find_interpreter

OURS = f"{sys.version_info[0]}.{sys.version_info[1]}"
OTHER = "3.99"


def interpreter(path: Path, said: str) -> Path:
    """Write a program that says what a Python of a version says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{said}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_interpreter_that_runs_is_taken_where_it_fits() -> None:
    """None has to be looked for."""
    assert find_interpreter(OURS, {}) == Path(sys.executable)


def test_one_on_the_path_is_found(tmp_path: Path) -> None:
    """By the name with its version."""
    found = interpreter(tmp_path / "python3.99", "echo cpython 3.99")
    assert find_interpreter(OTHER, {"PATH": str(tmp_path)}) == found


def test_the_newest_of_pyenv_is_found_behind_a_shim_that_fails(tmp_path: Path) -> None:
    """Pyenv's shim is on the path for every version, also where it is not chosen."""
    interpreter(tmp_path / "shims/python3.99", "echo 'pyenv: command not found' >&2; exit 127")
    interpreter(tmp_path / "versions/3.99.0/bin/python", "echo cpython 3.99")
    newest = interpreter(tmp_path / "versions/3.99.1/bin/python", "echo cpython 3.99")
    environ = {"PATH": str(tmp_path / "shims"), "PYENV_ROOT": str(tmp_path)}
    assert find_interpreter(OTHER, environ) == newest


def test_without_one_the_command_stops_and_says_what_to_do(tmp_path: Path) -> None:
    """Another Python's bytecode would not be loaded; another implementation's neither."""
    interpreter(tmp_path / "python3.99", "echo pypy 3.99")
    with pytest.raises(UsageError, match=r"Python 3\.99.*PACKAGE_PYTHON.*--no-bytecode") as caught:
        find_interpreter(OTHER, {"PATH": str(tmp_path), "HOME": str(tmp_path)})
    assert caught.value.exit_code == 2


def test_the_one_that_is_named_is_taken(tmp_path: Path) -> None:
    """Whatever else there is."""
    named = interpreter(tmp_path / "my-python", f"echo cpython {OURS}")
    assert find_interpreter(OURS, {"PACKAGE_PYTHON": str(named)}) == named


@pytest.mark.parametrize(("name", "said"), [("python", "3.99; the"), ("missing", "can't be run")])
def test_one_that_is_named_wrongly_is_not_replaced(tmp_path: Path, name: str, said: str) -> None:
    """Who names one means it."""
    interpreter(tmp_path / "python", "echo cpython 3.99")
    with pytest.raises(UsageError, match=said):
        find_interpreter(OURS, {"PACKAGE_PYTHON": str(tmp_path / name)})
