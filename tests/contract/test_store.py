"""The contract of Store (functions/core/ports.py): what holds for every implementation of it."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from functions.core.ports import (
    Connection,
    ConnectionClosed,
    Store,
    SubscriptionsFull,
    UserBlocked,
)

if TYPE_CHECKING:
    from tests.contract.conftest import StoreCase, TableCase

NOW = 1_800_000_000
EXPIRES_AT = NOW + 7500


def connection(connection_id: str = "c1=", user: str = "ann") -> Connection:
    """Make a connection that has just opened."""
    return Connection(
        connection_id=connection_id,
        user=user,
        info={"name": "Ann"},
        connected_at_ms=NOW * 1000,
        lease_until=NOW + 720,
        expires_at=EXPIRES_AT,
    )


async def open_one(store: Store, connection_id: str = "c1=") -> None:
    """Open a connection."""
    await store.open_connection(connection(connection_id), now=NOW)


async def subscribe(
    store: Store, connection_id: str, *channels: str, limit: int = 100, now: int = NOW
) -> None:
    """Subscribe a connection to channels."""
    await store.add_subscriptions(
        connection_id, channels, subscriptions_max=limit, expires_at=EXPIRES_AT, now=now
    )


async def subscribers(store: Store, channel: str, now: int = NOW) -> list[str]:
    """Read all pages."""
    pages = [page async for page in store.subscribers(channel, now=now)]
    return sorted(connection_id for page in pages for connection_id in page)


async def test_a_subscriber_is_found_in_its_channels_only(case: "StoreCase") -> None:
    """Both channels of one request, and no other."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a", "chat:b")
    assert await subscribers(case.store, "chat:a") == ["c1="]
    assert await subscribers(case.store, "chat:b") == ["c1="]
    assert await subscribers(case.store, "chat:") == []


async def test_subscribing_again_is_fine_and_counts_once(case: "StoreCase") -> None:
    """Channels subscribed to already are left alone, beside new ones too."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a", "chat:b", limit=3)
    await subscribe(case.store, "c1=", "chat:a", "chat:b", limit=3)
    await subscribe(case.store, "c1=", "chat:b", "chat:c", limit=3)
    assert await subscribers(case.store, "chat:b") == ["c1="]
    assert await subscribers(case.store, "chat:c") == ["c1="]


async def test_more_subscriptions_than_allowed_change_nothing(case: "StoreCase") -> None:
    """All of a request or none of it."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a", "chat:b", limit=3)
    with pytest.raises(SubscriptionsFull):
        await subscribe(case.store, "c1=", "chat:c", "chat:d", limit=3)
    assert await subscribers(case.store, "chat:c") == []
    await subscribe(case.store, "c1=", "chat:c", limit=3)


async def test_a_full_connection_may_repeat_what_it_has(case: "StoreCase") -> None:
    """The limit holds for what would be added."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a", limit=1)
    await subscribe(case.store, "c1=", "chat:a", limit=1)
    with pytest.raises(SubscriptionsFull):
        await subscribe(case.store, "c1=", "chat:a", "chat:b", limit=1)


async def test_unsubscribing_makes_room(case: "StoreCase") -> None:
    """The count goes down once, however often it is asked for."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a", "chat:b", limit=2)
    await case.store.remove_subscription("c1=", "chat:a")
    await case.store.remove_subscription("c1=", "chat:a")
    assert await subscribers(case.store, "chat:a") == []
    await subscribe(case.store, "c1=", "chat:c", limit=2)
    with pytest.raises(SubscriptionsFull):
        await subscribe(case.store, "c1=", "chat:d", limit=2)


async def test_unsubscribing_from_nothing_is_fine(case: "StoreCase") -> None:
    """Neither the connection nor the channel has to exist."""
    await case.store.remove_subscription("nobody=", "chat:a")
    assert await case.rows() == 0


async def test_closing_leaves_no_row(case: "StoreCase") -> None:
    """More rows than one batch takes: 30 channels are 60 rows beside the connection's own."""
    await open_one(case.store)
    channels = [f"chat:{number}" for number in range(30)]
    await subscribe(case.store, "c1=", *channels[:20])
    await subscribe(case.store, "c1=", *channels[20:])
    await case.store.close_connection("c1=")
    assert await case.rows() == 0


async def test_closing_leaves_other_connections_alone(case: "StoreCase") -> None:
    """The same user and the same channel, another connection."""
    await open_one(case.store, "c1=")
    await open_one(case.store, "c2=")
    await subscribe(case.store, "c1=", "chat:a")
    await subscribe(case.store, "c2=", "chat:a")
    await case.store.close_connection("c1=")
    assert await subscribers(case.store, "chat:a") == ["c2="]
    await case.store.renew_lease("c2=", lease_until=NOW + 900, now=NOW)


async def test_closing_twice_or_the_unknown_is_fine(case: "StoreCase") -> None:
    """The gateway may report one end twice, or the end of what never opened."""
    await open_one(case.store)
    await case.store.close_connection("c1=")
    await case.store.close_connection("c1=")
    await case.store.close_connection("nobody=")
    assert await case.rows() == 0


async def test_a_late_subscribe_cannot_bring_a_closed_connection_back(case: "StoreCase") -> None:
    """Messages of a connection run beside its $disconnect; the closing wins."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a")
    await case.store.close_connection("c1=")
    with pytest.raises(ConnectionClosed):
        await subscribe(case.store, "c1=", "chat:a", "chat:b")
    with pytest.raises(ConnectionClosed):
        await case.store.renew_lease("c1=", lease_until=NOW + 900, now=NOW)
    assert await case.rows() == 0


async def test_what_expired_counts_as_absent(case: "StoreCase") -> None:
    """TTL removes rows up to days later, so every read filters."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a")
    assert await subscribers(case.store, "chat:a", now=EXPIRES_AT - 1) == ["c1="]
    assert await subscribers(case.store, "chat:a", now=EXPIRES_AT) == []
    with pytest.raises(ConnectionClosed):
        await subscribe(case.store, "c1=", "chat:b", now=EXPIRES_AT)
    with pytest.raises(ConnectionClosed):
        await case.store.renew_lease("c1=", lease_until=EXPIRES_AT + 9, now=EXPIRES_AT)


async def test_an_expired_connection_can_be_closed(case: "StoreCase") -> None:
    """Closing looks at rows whether they count or not."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a", now=EXPIRES_AT - 1)
    await case.store.close_connection("c1=")
    assert await case.rows() == 0


async def test_a_blocked_user_cannot_connect_until_the_block_ends(case: "StoreCase") -> None:
    """The block is checked together with the write: nothing of the connection is stored."""
    await case.block("ann", NOW + 60)
    with pytest.raises(UserBlocked):
        await case.store.open_connection(connection(), now=NOW)
    assert await case.rows() == 1
    await case.store.open_connection(connection(), now=NOW + 60)
    await case.store.open_connection(connection("c2=", user="bob"), now=NOW)


async def test_every_subscriber_is_given_once(case: "StoreCase") -> None:
    """Over as many pages as there are."""
    names = [f"c{number}=" for number in range(7)]
    for name in names:
        await open_one(case.store, name)
        await subscribe(case.store, name, "chat:a")
    assert await subscribers(case.store, "chat:a") == names


@pytest.mark.dynoxide
async def test_subscribes_at_the_same_time_keep_the_limit(fast_table: "TableCase") -> None:
    """Of 8 for one connection with room for 5, those that don't fit are refused, no count lost."""
    store = fast_table.store
    await open_one(store)
    results = await asyncio.gather(
        *(subscribe(store, "c1=", f"chat:{number}", limit=5) for number in range(8)),
        return_exceptions=True,
    )
    held = [number for number, result in enumerate(results) if result is None]
    assert len(held) <= 5
    assert [number for number in range(8) if await subscribers(store, f"chat:{number}")] == held
    for number in range(8, 8 + 5 - len(held)):
        await subscribe(store, "c1=", f"chat:{number}", limit=5)
    with pytest.raises(SubscriptionsFull):
        await subscribe(store, "c1=", "chat:last", limit=5)


@pytest.mark.dynoxide
async def test_closing_amid_subscribes_leaves_no_row(fast_table: "TableCase") -> None:
    """Whatever the order, each subscribe comes before the closing or is refused."""
    store = fast_table.store
    for _ in range(10):
        await open_one(store)
        await asyncio.gather(
            *(subscribe(store, "c1=", f"chat:{number}") for number in range(4)),
            store.close_connection("c1="),
            store.remove_subscription("c1=", "chat:0"),
            return_exceptions=True,
        )
        await store.close_connection("c1=")
        assert await fast_table.items() == []
