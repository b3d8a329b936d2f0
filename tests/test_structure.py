"""The house rules that a machine can check: sizes, mirrors, docstrings, words.

Import directions are import-linter's (pyproject.toml); style is ruff's.
"""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
ENTRY_POINT_LINES_MAX = 40
SHIPPED = sorted(
    path for folder in ("functions", "gatepost", "infra") for path in (ROOT / folder).rglob("*.py")
)
PYTHON = SHIPPED + sorted(
    path
    for folder in ("tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "fixtures" not in path.parts
)
UNIT_TESTS = sorted(
    path
    for folder in ("functions", "gatepost")
    for path in (ROOT / "tests" / folder).rglob("test_*.py")
)
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "base", "manager"}


def relative(path: Path) -> str:
    """Name a test's case by its file."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_a_module_is_short_enough_to_read(path: Path) -> None:
    """Modules hold at most 400 lines, entry points at most 40."""
    entry_point = path.parent == ROOT / "functions"
    limit = ENTRY_POINT_LINES_MAX if entry_point else MODULE_LINES_MAX
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    """Functions hold at most 50 lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    long = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert long == []


@pytest.mark.parametrize("path", SHIPPED, ids=relative)
def test_a_module_says_what_it_is_responsible_for(path: Path) -> None:
    """Each module opens with a docstring; an empty package marker needs none."""
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", SHIPPED, ids=relative)
def test_a_module_is_named_for_what_it_does(path: Path) -> None:
    """A name that fits everything says nothing."""
    assert path.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("path", UNIT_TESTS, ids=relative)
def test_a_unit_test_mirrors_a_module(path: Path) -> None:
    """The tests of a module are where its path says."""
    mirrored = path.relative_to(ROOT / "tests").parent / path.name.removeprefix("test_")
    assert (ROOT / mirrored).is_file()


@pytest.mark.parametrize("core", ["functions/core", "gatepost/gateway/core"])
def test_each_module_of_a_core_has_its_unit_test(core: str) -> None:
    """What decides is tested alone; modules of plain data need no test of their own."""
    plain_data = {"__init__", "ports", "workers", "limits", "context", "settings", "deployment"}
    plain_data |= {"inputs", "commands", "closing", "connection", "faults"}
    modules = {path.stem for path in (ROOT / core).glob("*.py")} - plain_data
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / core).glob("test_*.py")}
    assert modules - tested == set()


def test_nothing_committed_names_a_registry_host() -> None:
    """Pinned files name packages and hashes; where they come from is the machine's business."""
    hosts = ("pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    named = re.compile("|".join(map(re.escape, hosts)))
    found = [
        name
        for name in listed
        if name
        and (ROOT / name).is_file()
        and named.search((ROOT / name).read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []
