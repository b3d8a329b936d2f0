"""What a user may do where."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.errors import ProtocolError
from functions.core.permissions import EVERYTHING, Grant, Identity, allows, require


def matches(pattern: str, channel: str) -> bool:
    """Say whether a pattern names a channel."""
    return allows([Grant(pattern, ("publish",))], "publish", channel)


@pytest.mark.parametrize(
    ("pattern", "channel", "expected"),
    [
        ("chat:a", "chat:a", True),
        ("chat:a", "chat:ab", False),
        ("*", "chat:a", True),
        ("chat:*", "chat:a:b", True),
        ("chat:*", "chatter:a", False),
        ("*:a", "chat:a", True),
        ("chat:*:log", "chat:x:log", True),
        ("chat:*:log", "chat:log", False),
        ("a:b*b", "a:b", False),
        ("a:*x*x*", "a:x", False),
        ("a:*x*x*", "a:xx", True),
        ("chat:[ab]", "chat:a", False),
        ("chat:?", "chat:a", False),
        ("Chat:*", "chat:a", False),
    ],
)
def test_a_star_stands_for_any_characters_and_nothing_else_does(
    pattern: str, channel: str, *, expected: bool
) -> None:
    """Colons too; upper and lower case differ."""
    assert matches(pattern, channel) is expected


@given(st.text("ab:*", min_size=1, max_size=12), st.text("ab:", max_size=12))
def test_a_pattern_matches_exactly_what_it_says(pattern: str, channel: str) -> None:
    """Checked against a regular expression, which may take exponential time."""
    model = ".*".join(map(re.escape, pattern.split("*")))
    assert matches(pattern, channel) is bool(re.fullmatch(model, channel))


def test_matching_takes_no_time_to_speak_of() -> None:
    """A pattern comes with a token, and a channel from a client: neither may stop a function."""
    assert not matches("*a" * 63 + "b", "a" * 128)


def test_any_grant_will_do_and_each_for_its_own() -> None:
    """What one allows does not spill over to another's channels."""
    grants = (Grant("chat:*", ("subscribe", "history")), Grant("game:1", ("publish",)))
    assert allows(grants, "history", "chat:a")
    assert allows(grants, "publish", "game:1")
    assert not allows(grants, "publish", "chat:a")
    assert not allows(grants, "subscribe", "game:1")
    assert not allows((), "subscribe", "chat:a")
    assert all(
        allows(EVERYTHING, each, "x:y") for each in ("subscribe", "publish", "presence", "history")
    )


def test_what_is_not_allowed_is_refused_by_name() -> None:
    """103."""
    identity = Identity("ann", grants=(Grant("chat:a", ("subscribe",)),))
    require(identity, "subscribe", "chat:a")
    with pytest.raises(ProtocolError, match="103 you may not publish in chat:a"):
        require(identity, "publish", "chat:a")


def test_an_identity_is_over_from_its_second_on() -> None:
    """Or never."""
    assert not Identity("ann").is_expired(2**40)
    assert not Identity("ann", authorized_until=100).is_expired(99.9)
    assert Identity("ann", authorized_until=100).is_expired(100)
