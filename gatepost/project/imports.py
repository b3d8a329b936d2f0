"""Which tests a project can keep: those that look at the project alone.

A test that imports the inside of gatepost proves gatepost, and changes with it; a project has
gatepost as a package, of which only PUBLIC is promised. So such a test stays here, by what it
imports or names as a path, and so does what is only there for it. Nobody keeps a list.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

PUBLIC: Final = ("gatepost", "gatepost.emulator.testing", "gatepost.emulator.pytest_plugin")
"""What tests of a project may import; docs/how-to/test-your-handlers.md."""

_OURS: Final = ("gatepost", "benchmarks")
_OUR_PATHS: Final = (
    *(
        "benchmarks/",
        "gatepost/gateway/",
        "gatepost/emulator/",
        "tests/conformance/",
        "tests/e2e/",
        "tests/fixtures/",
    ),
    *("tests/gatepost/", "tests/target/"),
)


def kept_tests(files: Mapping[str, str]) -> set[str]:
    """Choose from the Python files of tests/, by path with their text, those that work elsewhere.

    Kept are tests and conftest.py files, and what these import, unless any of it needs what is
    not there. Raises SyntaxError.
    """
    needs = {path: set(_needs(path, text, files)) for path, text in files.items()}
    left = {path for path, needed in needs.items() if None not in needed}
    while broken := {path for path in left if not needs[path] <= left}:
        left -= broken
    kept: set[str] = set()
    reached = {path for path in left if PurePosixPath(path).name.startswith("test_")}
    while reached:
        kept |= reached
        reached = {str(each) for path in reached for each in needs[path]} - kept
    return kept


def _needs(path: str, text: str, files: Mapping[str, str]) -> Iterator[str | None]:
    """Give the files that a file of tests needs; None for what a project does not have."""
    for parent in PurePosixPath(path).parents:
        conftest = str(parent / "conftest.py")
        if conftest in files and conftest != path:
            yield conftest
    tree = ast.parse(text)
    if any(f"{each}/".startswith(_OUR_PATHS) for each in _strings(tree)):
        yield None
    for module in _imported(tree):
        package = module.partition(".")[0]
        if package == "tests":
            yield from _files_of(module, files)
        elif package in _OURS and module not in PUBLIC:
            yield None


def _strings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _imported(tree: ast.Module) -> Iterator[str]:
    """Give each module that is imported; what is imported from a package may be one too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.partition(".")[0] == "tests":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def _files_of(module: str, files: Mapping[str, str]) -> Iterator[str | None]:
    """Give the file of `tests.a.b.name`, whether `name` is a module or stands in one."""
    whole = PurePosixPath(*module.split("."))
    for stem in (whole, whole.parent):
        for path in (f"{stem}.py", f"{stem}/__init__.py"):
            if path in files:
                yield path
                return
    yield None
