"""`history` as a request."""

import pytest

from tests.functions.actions.conftest import Ask, code, result


async def fill(ask: Ask, count: int, *, data: object = "x") -> dict[str, object]:
    """Publish so many; give the last position."""
    for _ in range(count):
        last = result(await ask("publish", channel="log:a", data=data))
    return last


def offsets(reply: dict[str, object]) -> list[int]:
    """Read which publications a page holds."""
    publications = result(reply)["publications"]
    assert isinstance(publications, list)
    return [each["offset"] for each in publications]


async def test_a_page_has_publications_and_where_to_go_on(ask: Ask) -> None:
    """Exactly these fields; publications are as they were sent."""
    last = await fill(ask, 3)
    reply = await ask("history", channel="log:a", limit=2)
    assert set(result(reply)) == {"publications", "epoch", "offset", "more"}
    assert (offsets(reply), result(reply)["offset"], result(reply)["more"]) == ([1, 2], 2, True)
    since = {"epoch": last["epoch"], "offset": 2}
    reply = await ask("history", channel="log:a", since=since)
    assert (offsets(reply), result(reply)["offset"], result(reply)["more"]) == ([3], 3, False)


async def test_a_page_backwards_begins_at_the_newest(ask: Ask) -> None:
    """`since` is then the one to come before."""
    last = await fill(ask, 3)
    assert offsets(await ask("history", channel="log:a", reverse=True, limit=2)) == [3, 2]
    reply = await ask("history", channel="log:a", reverse=True, since={**last, "offset": 2})
    assert offsets(reply) == [1]


async def test_a_page_is_cut_before_a_reply_is_full(ask: Ask) -> None:
    """96 KiB hold three publications of 28."""
    await fill(ask, 4, data="x" * 28_000)
    reply = await ask("history", channel="log:a")
    assert (offsets(reply), result(reply)["more"]) == ([1, 2, 3], True)
    reply = await ask("history", channel="log:a", reverse=True)
    assert (offsets(reply), result(reply)["more"]) == ([4, 3, 2], True)


async def test_what_is_not_kept_any_more_is_112(ask: Ask) -> None:
    """And what never was."""
    last = await fill(ask, 12)
    assert code(await ask("history", channel="log:a", since={**last, "offset": 1})) == 112
    assert code(await ask("history", channel="log:a", since={"epoch": "e", "offset": 5})) == 112
    assert code(await ask("history", channel="log:a", since={**last, "offset": 13})) == 112


async def test_without_history_there_is_none(ask: Ask) -> None:
    """108."""
    assert code(await ask("history", channel="plain:a")) == 108


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "9"},
        {"since": 5},
        {"since": {"epoch": "e"}},
        {"since": {"epoch": "e", "offset": -1}},
        {"reverse": 1},
        {"channel": None},
    ],
)
async def test_a_malformed_request_is_refused(ask: Ask, fields: dict[str, object]) -> None:
    """107; a limit of 1,000 is fine, and gives what a page holds."""
    assert code(await ask("history", **{"channel": "log:a", **fields})) == 107
    assert offsets(await ask("history", channel="log:a", limit=1000)) == []
