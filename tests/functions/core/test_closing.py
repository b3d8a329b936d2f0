"""The end of connections: nothing of them stays, and those who stay are told."""

import asyncio
import itertools
import json
from collections.abc import Sequence

import pytest
from msgspec import structs

from functions.core import channels, closing, limits
from functions.core.channels import Wanted
from functions.core.context import Context, Services
from functions.core.errors import EXPIRED
from functions.core.happenings import Happening
from functions.core.ports import Failed, Gone, Subscription
from tests.conftest import Eventually
from tests.dying import Died, Life
from tests.fake_rows import Rows
from tests.fakes import MemoryConnections, MemoryTransport
from tests.functions.conftest import START, MakeContext

CHANNELS = ("chat:a", "chat:b", "told:a", "plain:a")


async def subscribe(context: Context, *names: str) -> None:
    """Subscribe a connection."""
    await channels.subscribe(context, [Wanted(name) for name in names])


def with_connections(services: Services, connections: MemoryConnections) -> Services:
    """Give the same surroundings with another part of the Store."""
    return structs.replace(services, store=structs.replace(services.store, connections=connections))


async def test_a_connection_that_closed_left_nothing(
    services: Services, make_context: MakeContext, rows: Rows
) -> None:
    """Neither rows nor presence, and others keep theirs; closing again is fine."""
    await subscribe(make_context("a=", user="ann"), *CHANNELS)
    await subscribe(make_context("b=", user="bob"), *CHANNELS)
    await closing.close_connection(services, "a=")
    await closing.close_connection(services, "a=")
    await closing.close_connection(services, "nobody=")
    assert list(rows.connections) == ["b="]
    assert sorted(rows.subscriptions) == sorted((channel, "b=") for channel in CHANNELS)
    assert {user for _, user in rows.presence} == {"bob"}


async def test_those_who_stay_are_told(
    services: Services, make_context: MakeContext, transport: MemoryTransport
) -> None:
    """Once a channel, where joins and leaves are wanted."""
    await subscribe(make_context("a=", user="ann"), *CHANNELS)
    await subscribe(make_context("b=", user="bob"), *CHANNELS)
    transport.sent.clear()
    await closing.close_connection(services, "a=")
    told = [(to, json.loads(payload)) for to, payload in transport.sent]
    leaving = {"user": "ann", "connection": "a="}
    assert told == [
        ("b=", {"type": "leave", "channel": channel, "from": leaving})
        for channel in ("chat:a", "chat:b")
    ]


async def test_a_hook_is_told_of_the_last_who_left(
    services: Services, make_context: MakeContext, happenings: list[Happening]
) -> None:
    """The first occupies a channel, the last one vacates it."""
    await subscribe(make_context("a=", user="ann"), "told:a")
    await subscribe(make_context("b=", user="ann"), "told:a")
    await closing.close_connection(services, "a=")
    await closing.close_connection(services, "b=")
    kinds = [happening.kind for happening in happenings]
    assert kinds == ["occupied", "joined", "left", "vacated"]


async def test_a_closing_that_was_killed_is_done_again(
    services: Services, make_context: MakeContext, rows: Rows
) -> None:
    """From whatever it had left; a subscribe in between can't bring the connection back."""
    for moment in itertools.count():
        context = make_context("a=", user="ann")
        await subscribe(context, *CHANNELS)
        try:
            await closing.close_connection(Life(moment).live(services), "a=")
        except Died:
            await closing.close_connection(services, "a=")
        else:
            break
        assert (rows.connections, rows.subscriptions, rows.presence) == ({}, {}, {})
    assert moment > 12


async def test_subscriptions_to_what_is_no_namespace_any_more_are_removed(
    services: Services, rows: Rows
) -> None:
    """A deployment may take one away."""
    rows.subscriptions["old:a", "a="] = Subscription("a=", "old:a", "ann", 0, None, 2**40)
    await closing.close_connection(services, "a=")
    assert rows.count() == 0


async def test_who_is_ended_is_told_why(
    services: Services, make_context: MakeContext, rows: Rows, transport: MemoryTransport
) -> None:
    """In a message, as the gateway's end can carry no code; then he is forgotten."""
    await subscribe(make_context("a="), "chat:a")
    await closing.end_connection(services, "a=", EXPIRED)
    assert json.loads(transport.sent[-1][1]) == {
        "type": "closing",
        "code": 3005,
        "message": "expired",
        "reconnect": True,
    }
    assert transport.closed == ["a="]
    assert (rows.connections, rows.subscriptions, rows.presence) == ({}, {}, {})


async def test_who_cant_be_ended_is_not_forgotten(
    services: Services, make_context: MakeContext, rows: Rows, transport: MemoryTransport
) -> None:
    """A socket that nobody knows of could be ended by nobody; another try finds it."""
    for name in ("a=", "b="):
        make_context(name, user="ann")
    transport.outcomes = {"a=": Failed("403"), "b=": Gone()}
    with pytest.raises(closing.NotEnded, match="connection=a= reason=403"):
        await closing.kick_user(services, "ann", block_s=60)
    assert list(rows.connections) == ["a="]
    transport.outcomes.clear()
    assert await closing.kick_user(services, "ann", block_s=60) == 1
    assert rows.connections == {}


async def test_a_kicked_user_is_out_and_stays_out(
    services: Services, make_context: MakeContext, rows: Rows, transport: MemoryTransport
) -> None:
    """All connections, told not to come back, and no other user's; the block ends."""
    for name, user in (("a=", "ann"), ("b=", "ann"), ("c=", "bob")):
        make_context(name, user=user)
    assert await closing.kick_user(services, "ann", block_s=60) == 2
    assert list(rows.connections) == ["c="]
    assert rows.blocks == {"ann": int(START) + 60}
    assert sorted(transport.closed) == ["a=", "b="]
    assert json.loads(transport.sent[0][1])["code"] == 3503
    assert json.loads(transport.sent[0][1])["reconnect"] is False


async def test_a_kick_that_fails_for_one_ends_the_others(
    services: Services, make_context: MakeContext, rows: Rows
) -> None:
    """What was wrong is raised, so that it is done again: that finds the one left."""

    class Leaky(MemoryConnections):
        """A Store that can't close one connection."""

        async def remove(self, connection_id: str) -> Sequence[Subscription]:
            if connection_id == "a=":
                raise ConnectionError("the table is away")
            return await super().remove(connection_id)

    for name in ("a=", "b="):
        make_context(name, user="ann")
    with pytest.raises(ConnectionError):
        await closing.kick_user(with_connections(services, Leaky(rows)), "ann", block_s=60)
    assert list(rows.connections) == ["a="]
    assert await closing.kick_user(services, "ann", block_s=60) == 1


async def test_a_kick_does_not_wait_for_a_slow_connection_to_end_the_others(
    services: Services,
    make_context: MakeContext,
    rows: Rows,
    *,
    transport: MemoryTransport,
    eventually: Eventually,
) -> None:
    """They are ended side by side."""
    for name in ("a=", "b=", "c="):
        make_context(name, user="ann")
    transport.hanging["a="] = asyncio.Event()
    kick = asyncio.create_task(closing.kick_user(services, "ann", block_s=60))
    await eventually(lambda: list(rows.connections) == ["a="])
    transport.hanging["a="].set()
    assert await kick == 3


async def test_a_kick_may_leave_the_door_open(services: Services, rows: Rows) -> None:
    """Without a time there is no block; without connections there is nothing to do."""
    assert await closing.kick_user(services, "ann", block_s=0) == 0
    assert rows.count() == 0


async def test_the_block_comes_before_the_kick(
    services: Services, make_context: MakeContext, rows: Rows
) -> None:
    """Who opens meanwhile is among those ended, or meets the block."""
    blocked = []

    class Looking(MemoryConnections):
        """A Store that notes whether there was a block when connections were looked for."""

        async def of_user(self, user: str, *, now: int) -> Sequence[str]:
            blocked.append(user in rows.blocks)
            return await super().of_user(user, now=now)

    await closing.kick_user(with_connections(services, Looking(rows)), "ann", block_s=60)
    assert blocked == [True]


async def test_all_who_are_gone_are_closed(services: Services, rows: Rows) -> None:
    """More of them than are closed at a time."""
    gone = [f"{number}=" for number in range(limits.PRUNE_WIDTH * 3)]
    for each in gone:
        rows.subscriptions["plain:a", each] = Subscription(each, "plain:a", "u", 0, None, 2**40)
    await closing.prune(services, gone)
    assert rows.subscriptions == {}


async def test_a_prune_that_fails_fails_nobody(
    services: Services, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    """What stays behind is found by the next broadcast; the others are closed."""

    class Leaky(MemoryConnections):
        """A Store that can't close one connection."""

        async def remove(self, connection_id: str) -> Sequence[Subscription]:
            if connection_id == "a=":
                raise ConnectionError("the table is away")
            return await super().remove(connection_id)

    for each in ("a=", "b="):
        rows.subscriptions["plain:a", each] = Subscription(each, "plain:a", "u", 0, None, 2**40)
    await closing.prune(with_connections(services, Leaky(rows)), ["a=", "b="])
    assert list(rows.subscriptions) == [("plain:a", "a=")]
    assert "prune failed connection=a=" in caplog.text


async def test_closing_those_gone_ends_in_time(
    services: Services, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    """A thousand of them, or a slow table, don't keep the sender from its reply."""
    running = 0

    class Hanging(MemoryConnections):
        """A Store that never ends closing a connection."""

        async def remove(self, connection_id: str) -> Sequence[Subscription]:
            nonlocal running
            running += 1
            try:
                await asyncio.Event().wait()
            finally:
                running -= 1
            return ()

    gone = [f"{number}=" for number in range(limits.PRUNE_WIDTH + 5)]
    await closing.prune(with_connections(services, Hanging(rows)), gone, timeout_s=0.02)
    assert running == 0
    assert "prune stopped after 0.02 s, left=5" in caplog.text
