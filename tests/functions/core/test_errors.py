"""The table of errors."""

import re
from pathlib import Path

from functions.core.errors import BAD_REQUEST, CLOSINGS, ERRORS, ProtocolError


def test_the_table_is_that_of_the_protocol() -> None:
    """Codes and which of them are temporary, as docs/reference/protocol.md has them."""
    codes = [100, 101, 102, 103, 104, 106, 107, 108, 109, 111, 112]
    assert [kind.code for kind in ERRORS] == codes
    assert [kind.code for kind in ERRORS if kind.temporary] == [100, 111]


def test_an_error_without_a_message_is_told_by_its_name() -> None:
    """The client always gets words."""
    assert ProtocolError(BAD_REQUEST).message == "bad request"
    assert str(ProtocolError(BAD_REQUEST, "channel: odd")) == "107 channel: odd"


def test_both_tables_are_those_of_the_page() -> None:
    """docs/reference/protocol.md has every row, and no other."""
    page = (Path(__file__).parents[3] / "docs/reference/protocol.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| (yes|no) \|", page, re.MULTILINE)
    errors = [(kind.code, kind.name, kind.temporary) for kind in ERRORS]
    closings = [(kind.code, kind.name, kind.reconnect) for kind in CLOSINGS]
    assert rows == [
        (str(code), name, "yes" if flag else "no") for code, name, flag in errors + closings
    ]
