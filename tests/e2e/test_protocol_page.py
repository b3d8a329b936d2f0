"""The tables of docs/reference/protocol.md against the tests: no row is left unshown."""

import ast
import re
from functools import cache

import pytest

from tests.e2e.conftest import ROOT

SECTIONS = ("Requests", "Messages to the client", "Errors", "Closing codes", "Namespaces")
NEVER_SENT = {"3001", "3507"}
"""Kept for servers that do; no request leads to them here."""


def rows() -> list[str]:
    """Give the first cell of every row, a name or several."""
    page = (ROOT / "docs/reference/protocol.md").read_text("utf-8")
    found = []
    for section in page.split("\n## ")[1:]:
        if section.splitlines()[0] in SECTIONS:
            cells = re.findall(r"^\| *([^|]+?) *\|", section, re.MULTILINE)
            found += [name for cell in cells[2:] for name in re.split(r"[`, ]+", cell) if name]
    return found


@cache
def docstrings() -> str:
    """Give what every test of the protocol says that it shows."""
    folder = ROOT / "tests/e2e"
    others = ("test_authorization.py", "test_http_api.py")
    paths = [*folder.glob("test_protocol*.py"), *(folder / name for name in others)]
    return "\n".join(
        ast.get_docstring(node) or ""
        for path in paths
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def test_the_tables_are_found() -> None:
    """Nothing is checked by a pattern that finds nothing."""
    assert {"subscribe", "ping", "publication", "leave", "100", "112", "3508", "game"} <= set(
        rows()
    )


@pytest.mark.parametrize("row", rows())
def test_each_row_is_shown_through_a_socket(row: str) -> None:
    """A test of the protocol names it: in backticks, a code as a number."""
    named = rf"\b{row}\b" if row.isdigit() else f"`{row}`"
    assert bool(re.search(named, docstrings())) is (row not in NEVER_SENT)
