"""Sending to a user."""

import json
from typing import TYPE_CHECKING

import pytest
from msgspec import Raw

from functions.core import channels, sending
from functions.core.broadcast import Tally
from functions.core.errors import ProtocolError
from functions.core.ports import Failed, Gone

if TYPE_CHECKING:
    from functions.core.context import Services
    from tests.fake_rows import Rows
    from tests.fakes import MemoryTransport
    from tests.functions.conftest import Clock, MakeContext


async def test_what_is_sent_says_what_it_is(
    services: "Services", transport: "MemoryTransport", make_context: "MakeContext", clock: "Clock"
) -> None:
    """A message with an id to drop repeats by, the data as it came, and the time."""
    make_context("a=", user="ann")
    assert await sending.send_to_user(services, "ann", Raw(b'{"n": 1.0}')) == Tally(1, 0, ())
    [(connection_id, payload)] = transport.sent
    assert connection_id == "a="
    assert b'{"n": 1.0}' in payload
    message = json.loads(payload)
    assert message == {
        "type": "message",
        "id": message["id"],
        "data": {"n": 1},
        "at": int(clock.now * 1000),
    }


async def test_those_gone_are_forgotten_with_all_they_had(
    services: "Services", transport: "MemoryTransport", make_context: "MakeContext", rows: "Rows"
) -> None:
    """410 says that the connection does not exist any more; nothing else does."""
    for connection_id in ("a=", "b=", "c="):
        context = make_context(connection_id, user="ann")
        await channels.subscribe(context, [channels.Wanted("plain:a")])
    transport.outcomes = {"a=": Gone(), "b=": Failed("throttled")}
    tally = await sending.send_to_user(services, "ann", Raw(b"1"))
    assert tally == Tally(1, 1, ("a=",))
    assert set(rows.connections) == {"b=", "c="}


async def test_no_more_run_at_a_time_than_the_transport_takes(
    services: "Services", transport: "MemoryTransport", make_context: "MakeContext"
) -> None:
    """A user may have any number of connections."""
    for number in range(10):
        make_context(f"{number}=", user="ann")
    await sending.send_to_user(services, "ann", Raw(b"1"))
    assert transport.running_max == transport.width


async def test_what_would_not_fit_a_frame_is_not_sent(
    services: "Services", transport: "MemoryTransport", make_context: "MakeContext"
) -> None:
    """106, as for a publication."""
    make_context("a=", user="ann")
    with pytest.raises(ProtocolError, match="106"):
        await sending.send_to_user(services, "ann", Raw(b'"' + b"x" * 28_671 + b'"'))
    assert transport.sent == []
