"""The fan-out: nobody keeps anybody from a message."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from functions.core import limits
from functions.core.broadcast import Tally, broadcast, prune
from functions.core.context import Context
from functions.core.ports import Failed, Gone
from tests.fakes import MemoryStore, MemoryTransport

if TYPE_CHECKING:
    from tests.conftest import Eventually

Subscribe = Callable[..., None]


class BreakingStore(MemoryStore):
    """A Store whose second page can't be read."""

    async def subscribers(self, channel: str, *, now: int) -> AsyncIterator[Sequence[str]]:
        """Give one page and fail."""
        yield ["a=", "b="]
        raise ConnectionError("the table is away")


class LeakyStore(MemoryStore):
    """A Store that can't close connections."""

    async def close_connection(self, connection_id: str) -> None:
        """Fail."""
        raise ConnectionError("the table is away")


class HangingStore(MemoryStore):
    """A Store that never ends closing a connection."""

    closing = 0

    async def close_connection(self, connection_id: str) -> None:
        """Count, and hang."""
        self.closing += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.closing -= 1


@pytest.fixture
def subscribe(store: MemoryStore) -> Subscribe:
    """Put connections into the channel `chat:a`."""

    def put(*connection_ids: str) -> None:
        for connection_id in connection_ids:
            store.subscriptions["chat:a", connection_id] = 2**40

    return put


async def test_outcomes_are_counted_and_logged(
    context: Context,
    transport: MemoryTransport,
    subscribe: Subscribe,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line, with the reasons of failures."""
    caplog.set_level(logging.INFO)
    subscribe("a=", "b=", "c=", "d=")
    transport.outcomes = {"b=": Gone(), "c=": Failed("403"), "d=": Failed("timeout")}
    tally = await broadcast(context, "chat:a", b"x")
    assert tally == Tally(delivered=1, gone=1, failed=2)
    [line] = [record for record in caplog.records if "broadcast" in record.getMessage()]
    expected = "channel=chat:a delivered=1 gone=1 failed=2 reasons=403:1,timeout:1"
    assert expected in line.getMessage()
    assert line.levelno == logging.WARNING


async def test_only_who_is_gone_is_closed(
    context: Context, store: MemoryStore, transport: MemoryTransport, subscribe: Subscribe
) -> None:
    """A failure says nothing about the connection: 403 would empty the table."""
    subscribe("a=", "b=")
    transport.outcomes = {"a=": Gone(), "b=": Failed("403")}
    await broadcast(context, "chat:a", b"x")
    assert list(store.subscriptions) == [("chat:a", "b=")]


async def test_a_transport_that_raises_costs_one_recipient(
    context: Context, transport: MemoryTransport, subscribe: Subscribe
) -> None:
    """It breaks its contract; the others still get theirs."""
    subscribe("a=", "b=")
    transport.outcomes = {"a=": RuntimeError("bug")}
    assert await broadcast(context, "chat:a", b"x") == Tally(delivered=1, gone=0, failed=1)


async def test_a_prune_that_fails_fails_nobody(
    context: Context, transport: MemoryTransport
) -> None:
    """What stays behind is found by the next broadcast."""
    leaky = LeakyStore()
    leaky.subscriptions = {("chat:a", "a="): 2**40, ("chat:a", "b="): 2**40}
    transport.outcomes = {"a=": Gone()}
    tally = await broadcast(_with_store(context, leaky), "chat:a", b"x")
    assert tally == Tally(delivered=1, gone=1, failed=0)


async def test_a_page_that_cant_be_read_lets_running_sends_end(
    context: Context, transport: MemoryTransport
) -> None:
    """The error reaches the sender after everybody known got the message."""
    with pytest.raises(ConnectionError):
        await broadcast(_with_store(context, BreakingStore()), "chat:a", b"x")
    assert sorted(to for to, _ in transport.sent) == ["a=", "b="]


async def test_a_hanging_connection_holds_up_its_own_place_only(
    context: Context, transport: MemoryTransport, subscribe: Subscribe, eventually: "Eventually"
) -> None:
    """Those on later pages get their message before it ends."""
    subscribe(*(f"{number}=" for number in range(9)))
    transport.hanging["0="] = asyncio.Event()
    task = asyncio.create_task(broadcast(context, "chat:a", b"x"))
    await eventually(lambda: len(transport.sent) == 8)
    transport.hanging["0="].set()
    assert (await task).delivered == 9


async def test_no_more_sends_run_than_the_transport_is_wide(
    context: Context, transport: MemoryTransport, subscribe: Subscribe
) -> None:
    """And as many do."""
    subscribe(*(f"{number}=" for number in range(20)))
    await broadcast(context, "chat:a", b"x")
    assert transport.running_max == transport.width


async def test_an_empty_channel_is_fine(context: Context) -> None:
    """Nobody is nobody's fault."""
    assert await broadcast(context, "chat:a", b"x") == Tally(delivered=0, gone=0, failed=0)


async def test_a_broadcast_that_takes_too_long_begins_no_more_sends(
    context: Context,
    transport: MemoryTransport,
    subscribe: Subscribe,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its sender gets an error, the log who was reached, before the gateway gives up (B-181)."""
    caplog.set_level(logging.INFO)
    subscribe(*(f"{number}=" for number in range(9)))
    hold = asyncio.Event()
    transport.hanging = {f"{number}=": hold for number in range(9)}
    asyncio.get_running_loop().call_later(0.1, hold.set)
    with pytest.raises(TimeoutError):
        await broadcast(context, "chat:a", b"x", timeout_s=0.02)
    assert len(transport.sent) == transport.width
    assert f"delivered={transport.width}" in caplog.text


async def test_all_who_are_gone_are_closed(
    context: Context, transport: MemoryTransport, store: MemoryStore, subscribe: Subscribe
) -> None:
    """More of them than are closed at a time."""
    gone = [f"{number}=" for number in range(limits.PRUNE_WIDTH * 3)]
    subscribe(*gone)
    transport.outcomes = {name: Gone() for name in gone}
    assert (await broadcast(context, "chat:a", b"x")).gone == len(gone)
    assert store.subscriptions == {}


async def test_closing_those_gone_ends_in_time(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    """A thousand of them, or a slow table, don't keep the sender from its reply."""
    hanging = HangingStore()
    gone = [f"{number}=" for number in range(limits.PRUNE_WIDTH + 5)]
    await prune(_with_store(context, hanging), gone, timeout_s=0.02)
    assert hanging.closing == 0
    assert "prune stopped after 0.02 s, left=5" in caplog.text


def _with_store(context: Context, store: MemoryStore) -> Context:
    return Context(
        connection_id=context.connection_id,
        user=context.user,
        connected_at_ms=context.connected_at_ms,
        store=store,
        transport=context.transport,
        clock=context.clock,
        new_id=context.new_id,
    )
