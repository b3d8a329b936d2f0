"""Compiling, here with the interpreter that runs the tests."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.packaging.bytecode import compile_beside, compile_in_place
from infra.packaging.errors import PackagingError

HERE = Path(sys.executable)


def write(path: Path, source: str) -> Path:
    """Write a module."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return path


def run(folder: Path, program: str) -> str:
    """Run a program that finds modules in a folder; give what it prints."""
    script = f"import sys; sys.path.insert(0, {str(folder)!r}); {program}"
    ran = subprocess.run(
        [HERE, "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )
    return ran.stdout + ran.stderr


def test_beside_sources_bytecode_is_valid_whatever_their_times(tmp_path: Path) -> None:
    """It is not even compared with them: an archive has no times."""
    source = write(tmp_path / "functions/module.py", "print('compiled')")
    compile_beside(tmp_path, tmp_path / "functions", HERE)
    source.write_text("print('the source')", encoding="utf-8")
    assert run(tmp_path, "import functions.module") == "compiled\n"


def test_in_place_of_sources_bytecode_is_all_that_is_left(tmp_path: Path) -> None:
    """Tracebacks name the file where Lambda has it, and the line."""
    write(tmp_path / "package/module.py", "\n\nraise ValueError('here')")
    compile_in_place(tmp_path, HERE)
    assert [path.name for path in (tmp_path / "package").iterdir()] == ["module.pyc"]
    said = run(tmp_path, "import package.module")
    assert 'File "/var/task/package/module.py", line 3' in said
    assert str(tmp_path) not in said.replace(f"sys.path.insert(0, '{tmp_path}')", "")


def test_a_function_that_does_not_compile_stops_it(tmp_path: Path) -> None:
    """With the place."""
    write(tmp_path / "functions/broken.py", "def")
    with pytest.raises(PackagingError, match=r"functions does not compile:[\s\S]*broken\.py"):
        compile_beside(tmp_path, tmp_path / "functions", HERE)


def test_a_file_of_a_package_that_does_not_compile_stays(tmp_path: Path) -> None:
    """A template, or code for another Python."""
    source = write(tmp_path / "package/template.py", "class {{ name }}:")
    compile_in_place(tmp_path, HERE)
    assert source.is_file()


def test_modules_of_the_folder_hide_none_of_the_compilers(tmp_path: Path) -> None:
    """A package may be called as one of the standard library."""
    write(tmp_path / "compileall.py", "raise SystemExit('hidden')")
    compile_in_place(tmp_path, HERE)
    assert (tmp_path / "compileall.pyc").is_file()
