"""The domain over a real table: what only shows with real concurrency, and what a message costs.

Everything runs on dynoxide, which is atomic where moto is not, through a proxy that counts.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec import Raw, structs

from functions.actions import channels as actions
from functions.adapters import dynamodb
from functions.core import channels, closing, connections, history, presence, protocol, publishing
from functions.core.channels import Wanted
from functions.core.context import Context
from functions.core.namespaces import Namespace, Rate
from functions.core.protocol import Position
from tests.contract.opening import opened

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.contract.conftest import TableCase

pytestmark = pytest.mark.dynoxide

PLENTY = Rate(burst=10_000, interval_s=0.001)
NAMESPACES = {
    "chat": Namespace(
        history_size=1000,
        history_age_s=3600,
        presence=True,
        announces=True,
        signals=True,
        publish_rate=PLENTY,
        signal_rate=PLENTY,
    ),
}
LEASE_S = 12 * 60
PAGE = Path(__file__).parents[2] / "docs/explanation/delivery.md"


async def connect(table: "TableCase", connection_id: str, *, user: str = "ann") -> Context:
    """Open a connection; give what its requests are given."""
    return await opened(table, NAMESPACES, connection_id, user)


def publication(text: str, context: Context, *, key: str | None = None) -> publishing.Publish:
    """Make a publication of a connection."""
    sender = protocol.Sender(context.user, context.connection_id)
    return publishing.Publish("chat:a", Raw(f'"{text}"'.encode()), sender, key)


async def read_all(context: Context) -> Sequence[Raw]:
    """Read the whole log, page by page."""
    found: list[Raw] = []
    since: Position | None = None
    more = True
    while more:
        page = await history.page(context, "chat:a", since=since, limit=100, reverse=False)
        found += page.publications
        since, more = page.position, page.more
    return found


async def test_a_thousand_publishes_from_fifty_at_once_fill_offsets_without_gap(
    fast_table: "TableCase",
) -> None:
    """1 to 1,000 in one epoch: none missing, none twice, and all of them are read back."""
    # Not through the proxy: a busy machine would lose an answer, and a lost one leaves a hole.
    patient = dynamodb.store_over(fast_table.client, fast_table.table_name)
    contexts = [
        structs.replace(await connect(fast_table, f"c{number}="), store=patient)
        for number in range(50)
    ]

    async def publish_some(context: Context) -> list[Position | None]:
        return [
            await publishing.publish(context, publication(f"{number}", context))
            for number in range(20)
        ]

    answers = await asyncio.gather(*(publish_some(context) for context in contexts))
    positions = [position for some in answers for position in some if position is not None]
    assert sorted(position.offset for position in positions) == list(range(1, 1001))
    assert len({position.epoch for position in positions}) == 1
    assert len(await read_all(contexts[0])) == 1000


async def test_one_key_of_one_user_is_one_publication(fast_table: "TableCase") -> None:
    """From 20 connections at once; another user's same key is another publication."""
    tabs = [await connect(fast_table, f"c{number}=") for number in range(20)]
    other = await connect(fast_table, "other=", user="bob")
    answers = await asyncio.gather(
        *(publishing.publish(tab, publication("once", tab, key="k")) for tab in tabs),
        publishing.publish(other, publication("bob's", other, key="k")),
        return_exceptions=True,
    )
    assert [answer for answer in answers[:20] if isinstance(answer, BaseException)] == []
    assert len(set(map(str, answers[:20]))) == 1
    assert len(await read_all(other)) == 2


async def test_presence_is_right_after_drops_that_nobody_reported(
    fast_table: "TableCase",
) -> None:
    """100 connections vanish; once their leases are over those who ping are left."""
    dropped = [await connect(fast_table, f"d{n}=", user=f"user{n % 60}") for n in range(100)]
    stays = await connect(fast_table, "stays=", user="user7")
    for context in [*dropped, stays]:
        await channels.subscribe(context, [Wanted("chat:a")])
    assert await presence.stats(stays, "chat:a") == (101, 60)
    later = time.time() + LEASE_S + 1
    moved = structs.replace(stays, clock=lambda: later)
    await connections.renew_lease(moved.store, "stays=", now=int(later))
    assert await presence.stats(moved, "chat:a") == (1, 1)
    page = await presence.page(moved, "chat:a", limit=100, after=None)
    assert [(each.user, each.connections) for each in page.users] == [("user7", ["stays="])]


async def test_closing_amid_subscribes_leaves_nobody_present(fast_table: "TableCase") -> None:
    """Whatever the order of the steps: no subscriber, and nobody in the list."""
    watcher = await connect(fast_table, "watcher=", user="watcher")
    for round_number in range(8):
        context = await connect(fast_table, f"c{round_number}=")
        await asyncio.gather(
            channels.subscribe(context, [Wanted("chat:a")]),
            closing.close_connection(context, context.connection_id),
            return_exceptions=True,
        )
        await closing.close_connection(context, context.connection_id)
        assert await presence.stats(watcher, "chat:a") == (0, 0)
    pages = [page async for page in watcher.store.subscriptions.of_channel("chat:a", now=0)]
    assert [connection_id for page in pages for connection_id in page] == []


async def test_a_hole_is_closed_and_its_late_writer_goes_on(fast_table: "TableCase") -> None:
    """The log is read on after 5 s, and what comes late takes another place."""
    context = await connect(fast_table, "c1=")
    await publishing.publish(context, publication("one", context))
    lost = await context.store.log.next_position(
        "chat:a", new_epoch="x", expires_at=int(time.time()) + 3600, now=time.time()
    )
    await publishing.publish(context, publication("three", context))
    young = await history.page(context, "chat:a", since=None, limit=100, reverse=False)
    assert (young.position.offset, len(young.publications)) == (1, 2)
    later = time.time() + 6
    moved = structs.replace(context, clock=lambda: later)
    settled = await history.page(moved, "chat:a", since=None, limit=100, reverse=False)
    assert (settled.position.offset, len(settled.publications)) == (3, 2)
    assert lost.offset == 2


async def test_a_message_costs_the_requests_that_the_page_says(fast_table: "TableCase") -> None:
    """docs/explanation/delivery.md has this table: of a client that has done each before."""
    context = await connect(fast_table, "c1=")
    requests: dict[str, Callable[[], Awaitable[object]]] = {
        "subscribe": lambda: channels.subscribe(context, [Wanted("chat:a")]),
        "publish": lambda: actions.publish(context, actions.Publish("chat:a", Raw(b"1"))),
        "publish with key": lambda: actions.publish(
            context, actions.Publish("chat:a", Raw(b"1"), key=context.new_id())
        ),
        "signal": lambda: actions.signal(context, actions.Signal("chat:a", Raw(b"1"))),
        "unsubscribe": lambda: channels.unsubscribe(context, "chat:a"),
    }
    await requests["subscribe"]()
    await requests["unsubscribe"]()
    for action, request in requests.items():
        fast_table.proxy.requests.clear()
        await request()
        counted = ", ".join(
            f"{count} {name}" for name, count in sorted(fast_table.proxy.requests.items())
        )
        row = f"| `{action}` | {counted} |"
        assert row in PAGE.read_text(encoding="utf-8"), row
