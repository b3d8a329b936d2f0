"""`presence` and `presenceStats` as requests."""

import pytest

from tests.functions.actions.conftest import Ask, Asking, code, result
from tests.functions.conftest import MakeContext


async def test_a_list_says_who_is_there_and_with_what(
    ask: Ask, asking: Asking, make_context: MakeContext
) -> None:
    """By user; no cursor where that is all."""
    for connection_id, user in (("a=", "ann"), ("b=", "ann"), ("c=", "bob")):
        asking.surroundings = make_context(connection_id, user=user)
        await ask("subscribe", channel="chat:a")
    assert result(await ask("presence", channel="chat:a")) == {
        "users": {
            "ann": {"connections": ["a=", "b="], "info": {"name": "N"}},
            "bob": {"connections": ["c="], "info": {"name": "N"}},
        }
    }
    assert result(await ask("presenceStats", channel="chat:a")) == {"connections": 3, "users": 2}


async def test_pages_lead_to_each_other(
    ask: Ask, asking: Asking, make_context: MakeContext
) -> None:
    """With the cursor of the one before."""
    for user in ("ann", "bob", "cat"):
        asking.surroundings = make_context(f"{user}=", user=user)
        await ask("subscribe", channel="quiet:a")
    first = result(await ask("presence", channel="quiet:a", limit=2))
    assert list(first["users"]) == ["ann", "bob"]  # type: ignore[call-overload]
    second = result(await ask("presence", channel="quiet:a", limit=2, cursor=first["cursor"]))
    assert list(second["users"]) == ["cat"]  # type: ignore[call-overload]
    assert "cursor" not in second


async def test_without_presence_there_is_none(ask: Ask) -> None:
    """108, for both."""
    assert code(await ask("presence", channel="log:a")) == 108
    assert code(await ask("presenceStats", channel="log:a")) == 108


@pytest.mark.parametrize(
    "fields", [{"limit": 0}, {"limit": 1001}, {"cursor": 5}, {"cursor": "x" * 129}, {"channel": 1}]
)
async def test_a_malformed_request_is_refused(ask: Ask, fields: dict[str, object]) -> None:
    """107."""
    assert code(await ask("presence", **{"channel": "chat:a", **fields})) == 107
