"""Sending to users, and ending connections."""

import json
from typing import TYPE_CHECKING

import pytest

from functions.core.ports import Failed, Gone

if TYPE_CHECKING:
    from tests.fake_rows import Rows
    from tests.fakes import MemoryTransport
    from tests.functions.companion.conftest import Ask
    from tests.functions.conftest import Clock, MakeContext


@pytest.fixture
def open_connections(make_context: "MakeContext") -> None:
    """Two tabs of Ann, and Bob."""
    for connection_id, user in (("a=", "ann"), ("b=", "ann"), ("c=", "bob")):
        make_context(connection_id, user=user)


@pytest.mark.usefixtures("open_connections")
async def test_a_message_reaches_all_connections_of_a_user(
    ask: "Ask", transport: "MemoryTransport"
) -> None:
    """And nobody else's; what fails is counted, what is gone is forgotten."""
    answer = await ask("POST", "/v1/send", {"user": "ann", "data": {"n": 1}})
    assert answer.json == {"delivered": 2, "failed": 0}
    assert {connection_id for connection_id, _ in transport.sent} == {"a=", "b="}
    message = json.loads(transport.sent[0][1])
    assert (message["type"], message["data"]) == ("message", {"n": 1})
    transport.outcomes = {"a=": Failed("timeout"), "b=": Gone()}
    answer = await ask("POST", "/v1/send", {"user": "ann", "data": 2})
    assert answer.json == {"delivered": 0, "failed": 1}
    answer = await ask("POST", "/v1/send", {"user": "nobody", "data": 1})
    assert answer.json == {"delivered": 0, "failed": 0}


@pytest.mark.usefixtures("open_connections")
async def test_a_kicked_user_loses_every_connection_and_is_blocked(
    ask: "Ask", transport: "MemoryTransport", rows: "Rows", clock: "Clock"
) -> None:
    """Each is told 3503; the block lasts a minute unless the request says otherwise."""
    answer = await ask("POST", "/v1/kick", {"user": "ann"})
    assert answer.json == {"connections": 2}
    assert {json.loads(payload)["code"] for _, payload in transport.sent} == {3503}
    assert list(rows.connections) == ["c="]
    assert rows.blocks == {"ann": int(clock.now) + 60}
    await ask("POST", "/v1/kick", {"user": "bob", "block_s": 0, "code": 3001})
    assert json.loads(transport.sent[-1][1]) == {
        "type": "closing",
        "code": 3001,
        "message": "shutdown",
        "reconnect": True,
    }
    assert set(rows.blocks) == {"ann"}


@pytest.mark.usefixtures("open_connections")
async def test_a_connection_is_kicked_alone(
    ask: "Ask", transport: "MemoryTransport", rows: "Rows"
) -> None:
    """The user's other one stays, and nobody is blocked; an unknown one is ended as well."""
    answer = await ask("POST", "/v1/kick", {"connection": "a="})
    assert answer.json == {"connections": 1}
    assert list(rows.connections) == ["b=", "c="]
    assert rows.blocks == {}
    answer = await ask("POST", "/v1/kick", {"connection": "z="})
    assert answer.json == {"connections": 0}
    assert transport.sent[-1][0] == "z="


@pytest.mark.usefixtures("open_connections")
async def test_a_kick_that_ended_nobody_says_so(
    ask: "Ask", transport: "MemoryTransport", rows: "Rows"
) -> None:
    """Error 100, temporary: the connection is still known, so the same request may yet end it."""
    transport.outcomes = {"a=": Failed("broken")}
    answer = await ask("POST", "/v1/kick", {"connection": "a="})
    assert (answer.status, answer.json["temporary"]) == (500, True)
    assert "a=" in rows.connections


async def test_a_connection_that_never_was_is_no_failure(
    ask: "Ask", transport: "MemoryTransport"
) -> None:
    """The gateway may answer 403 for it (B-217): nobody was ended."""
    transport.outcomes = {"z=": Failed("403")}
    answer = await ask("POST", "/v1/kick", {"connection": "z="})
    assert (answer.status, answer.json) == (200, {"connections": 0})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user": "ann", "connection": "a="},
        {"user": ""},
        {"user": "ann", "code": 1000},
        {"user": "ann", "block_s": -1},
        {"connection": "a=", "block_s": 5},
    ],
)
async def test_a_kick_that_is_not_clear_ends_nobody(
    ask: "Ask", transport: "MemoryTransport", body: object
) -> None:
    """400 names the field."""
    answer = await ask("POST", "/v1/kick", body)
    assert (answer.status, answer.json["code"]) == (400, 107)
    assert transport.sent == []
