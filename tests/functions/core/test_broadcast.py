"""The fan-out: nobody keeps anybody from a message."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from functions.core.broadcast import Tally, broadcast, fan_out
from functions.core.context import Context
from functions.core.ports import Failed, Gone, Subscription
from tests.fake_rows import Rows
from tests.fakes import MemorySubscriptions, MemoryTransport

if TYPE_CHECKING:
    from tests.conftest import Eventually

Subscribe = Callable[..., None]


class Breaking(MemorySubscriptions):
    """Subscriptions whose second page can't be read."""

    async def of_channel(
        self, channel: str, *, now: int, fresh: bool = True, shards: int | None = None
    ) -> AsyncIterator[Sequence[str]]:
        """Give one page and fail."""
        yield ["a=", "b="]
        raise ConnectionError("the table is away")


@pytest.fixture
def subscribe(rows: Rows) -> Subscribe:
    """Put connections into the channel `chat:a`."""

    def put(*connection_ids: str) -> None:
        for each in connection_ids:
            rows.subscriptions["chat:a", each] = Subscription(each, "chat:a", "u", 0, None, 2**40)

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
    assert tally == Tally(delivered=1, failed=2, gone=("b=",))
    [line] = [record for record in caplog.records if "broadcast" in record.getMessage()]
    expected = "channel='chat:a' delivered=1 gone=1 failed=2 reasons=403:1,timeout:1"
    assert expected in line.getMessage()
    assert line.levelno == logging.WARNING
    assert line.__dict__["channel"] == "chat:a"
    metrics = line.__dict__["metrics"]
    assert metrics.pop("BroadcastDuration") >= 0
    assert metrics == {"BroadcastDelivered": 1, "BroadcastGone": 1, "BroadcastFailed": 2}


async def test_only_who_is_gone_is_named_so(
    context: Context, transport: MemoryTransport, subscribe: Subscribe
) -> None:
    """A failure says nothing about the connection: 403 would empty the table."""
    subscribe("a=", "b=", "c=")
    transport.outcomes = {"a=": Gone(), "b=": Failed("403"), "c=": Failed("429")}
    assert (await broadcast(context, "chat:a", b"x")).gone == ("a=",)


async def test_who_is_left_out_gets_nothing(
    context: Context, transport: MemoryTransport, subscribe: Subscribe
) -> None:
    """One connection, which may not even be there."""
    subscribe("a=", "b=")
    assert (await broadcast(context, "chat:a", b"x", leave_out="a=")).delivered == 1
    assert (await broadcast(context, "chat:a", b"x", leave_out="c=")).delivered == 2
    assert [to for to, _ in transport.sent].count("a=") == 1


async def test_a_transport_that_raises_costs_one_recipient(
    context: Context, transport: MemoryTransport, subscribe: Subscribe
) -> None:
    """It breaks its contract; the others still get theirs."""
    subscribe("a=", "b=")
    transport.outcomes = {"a=": RuntimeError("bug")}
    assert await broadcast(context, "chat:a", b"x") == Tally(delivered=1, failed=1)


async def test_a_page_that_cant_be_read_lets_running_sends_end(
    context: Context, transport: MemoryTransport
) -> None:
    """The error reaches the sender after everybody known got the message."""
    store = structs.replace(context.store, subscriptions=Breaking(Rows(), page_rows=2))
    with pytest.raises(ConnectionError):
        await broadcast(structs.replace(context, store=store), "chat:a", b"x")
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


async def test_pages_that_come_one_by_one_are_sent_one_by_one(
    context: Context, transport: MemoryTransport
) -> None:
    """Whoever has sent a page serves the next one, however late it comes and however long it is."""
    names = [f"{number}=" for number in range(60)]

    async def pages() -> AsyncIterator[Sequence[str]]:
        for start, end in [(0, 1), (1, 1), (1, 30), (30, 33), (33, 60)]:
            yield names[start:end]
            for _ in range(start):  # sends of the page before end, or don't
                await asyncio.sleep(0)

    tally = await fan_out(context, pages(), b"x", about={})
    assert tally == Tally(delivered=60, failed=0)
    assert sorted(transport.sent) == sorted((name, b"x") for name in names)
    assert transport.running_max == transport.width


async def test_the_next_page_is_read_while_this_one_is_sent(
    context: Context, transport: MemoryTransport, eventually: "Eventually"
) -> None:
    """But no further ahead than there are places: an audience may be large."""
    read = []

    async def pages() -> AsyncIterator[Sequence[str]]:
        for page in range(9):
            read.append(page)
            yield [f"{page}.{number}=" for number in range(transport.width)]

    hold = asyncio.Event()
    transport.hanging = {f"{page}.{number}=": hold for page in range(9) for number in range(9)}
    task = asyncio.create_task(fan_out(context, pages(), b"x", about={}))
    await eventually(lambda: transport.running == transport.width)
    await eventually(lambda: read == [0, 1, 2])
    hold.set()
    assert (await task).delivered == 9 * transport.width


async def test_a_broadcast_that_is_cancelled_begins_no_more_sends(
    context: Context, transport: MemoryTransport, subscribe: Subscribe, eventually: "Eventually"
) -> None:
    """Its invocation has ended."""
    subscribe(*(f"{number}=" for number in range(9)))
    hold = asyncio.Event()
    transport.hanging = {f"{number}=": hold for number in range(9)}
    task = asyncio.create_task(broadcast(context, "chat:a", b"x"))
    await eventually(lambda: transport.running == transport.width)
    task.cancel()
    await asyncio.sleep(0)
    hold.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(transport.sent) == transport.width


async def test_an_empty_channel_is_fine(context: Context) -> None:
    """Nobody is nobody's fault."""
    assert await broadcast(context, "chat:a", b"x") == Tally(delivered=0, failed=0)


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
    pages = context.store.subscriptions.of_channel("chat:a", now=0)
    with pytest.raises(TimeoutError):
        await fan_out(context, pages, b"x", about={"channel": "chat:a"}, timeout_s=0.02)
    assert len(transport.sent) == transport.width
    assert f"delivered={transport.width}" in caplog.text
