"""The table of errors."""

from functions.core.errors import BAD_REQUEST, ERRORS, ProtocolError


def test_the_table_is_that_of_the_protocol() -> None:
    """Codes and which of them are temporary, as docs/reference/protocol.md has them."""
    codes = [100, 101, 102, 103, 104, 106, 107, 108, 109, 111, 112]
    assert [kind.code for kind in ERRORS] == codes
    assert [kind.code for kind in ERRORS if kind.temporary] == [100, 111]


def test_an_error_without_a_message_is_told_by_its_name() -> None:
    """The client always gets words."""
    assert ProtocolError(BAD_REQUEST).message == "bad request"
    assert str(ProtocolError(BAD_REQUEST, "channel: odd")) == "107 channel: odd"
