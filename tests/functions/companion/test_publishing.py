"""Publications of servers: one, or a batch."""

import json
from typing import TYPE_CHECKING

import pytest

from functions.core.ports import Failed

if TYPE_CHECKING:
    from functions.core.happenings import Happening
    from tests.fakes import MemoryTransport
    from tests.functions.companion.conftest import Ask
    from tests.functions.conftest import Clock, MakeContext

from functions.core import channels


async def subscribe(make_context: "MakeContext", channel: str) -> None:
    """Open a connection and subscribe it to a channel."""
    await channels.subscribe(make_context("me="), [channels.Wanted(channel)])


async def test_a_publication_of_a_server_has_no_sender(
    ask: "Ask", make_context: "MakeContext", transport: "MemoryTransport"
) -> None:
    """It reaches who is subscribed, also where clients may not publish."""
    await subscribe(make_context, "ticker:a")
    answer = await ask("POST", "/v1/publish", {"channel": "ticker:a", "data": {"n": 1}})
    assert (answer.status, answer.json["offset"]) == (200, 1)
    [(connection_id, payload)] = transport.sent
    message = json.loads(payload)
    assert (connection_id, message["data"]) == ("me=", {"n": 1})
    assert (message["epoch"], message["offset"]) == (answer.json["epoch"], 1)
    assert "from" not in message


async def test_without_history_there_is_no_position(ask: "Ask") -> None:
    """The answer is an empty object."""
    answer = await ask("POST", "/v1/publish", {"channel": "plain:a", "data": None})
    assert (answer.status, answer.json) == (200, {})


async def test_the_same_key_publishes_once(ask: "Ask", happenings: "list[Happening]") -> None:
    """Alone, in a batch, and by another server."""
    one = {"channel": "told:a", "data": 1, "key": "k"}
    first = await ask("POST", "/v1/publish", one)
    again = await ask("POST", "/v1/publish", one)
    batch = await ask("POST", "/v1/batch", {"publications": [one, one]})
    assert first.json == again.json
    assert batch.json == {"results": [first.json, first.json]}
    kept = await ask("GET", "/v1/history", query="channel=told:a")
    assert len(kept.json["publications"]) == 1


async def test_an_unknown_namespace_is_not_found(ask: "Ask") -> None:
    """404 with error 102."""
    answer = await ask("POST", "/v1/publish", {"channel": "none:a", "data": 1})
    assert (answer.status, answer.json["code"]) == (404, 102)


async def test_a_batch_has_one_result_each_in_order(ask: "Ask") -> None:
    """What is wrong with one harms no other; those of one channel keep their order."""
    publications = [
        {"channel": "log:a", "data": "first"},
        {"channel": "none:a", "data": 0},
        {"channel": "plain:a", "data": 0},
        {"channel": "log:b", "data": "x" * 28_700},
        {"channel": "log:a", "data": "second"},
        {"channel": "log:b", "data": "only"},
    ]
    answer = await ask("POST", "/v1/batch", {"publications": publications})
    assert answer.status == 200
    results = answer.json["results"]
    assert [each.get("offset") for each in results] == [1, None, None, None, 2, 1]
    assert [each["error"]["code"] for each in results if "error" in each] == [102, 106]
    kept = await ask("GET", "/v1/history", query="channel=log:a")
    assert [each["data"] for each in kept.json["publications"]] == ["first", "second"]


@pytest.mark.parametrize("count", [0, 101])
async def test_a_batch_is_bounded(ask: "Ask", count: int) -> None:
    """1 to 100 publications."""
    publications = [{"channel": "log:a", "data": 1}] * count
    answer = await ask("POST", "/v1/batch", {"publications": publications})
    assert (answer.status, answer.json["code"]) == (400, 107)


async def test_a_batch_ends_in_time(
    ask: "Ask", make_context: "MakeContext", transport: "MemoryTransport", clock: "Clock"
) -> None:
    """What has not begun after 8 s is refused as temporary, and may be sent again."""
    await subscribe(make_context, "log:slow")

    async def take_long(connection_id: str, payload: bytes) -> Failed:
        clock.now += 8.0
        return Failed("timeout")

    transport.send = take_long  # type: ignore[method-assign]
    publications = [{"channel": "log:slow", "data": number} for number in range(3)]
    answer = await ask("POST", "/v1/batch", {"publications": publications})
    first, *others = answer.json["results"]
    assert first["offset"] == 1
    assert [each["error"]["code"] for each in others] == [111, 111]
    assert all(each["error"]["temporary"] for each in others)
