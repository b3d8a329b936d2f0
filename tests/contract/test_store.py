"""The contract of Store (functions/core/ports.py): what holds for every implementation of it."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from functions.core.namespaces import Rate
from functions.core.permissions import Grant, Identity
from functions.core.ports import (
    Connection,
    ConnectionClosed,
    IdentityChanged,
    Store,
    SubscriptionsFull,
    UserBlocked,
)

if TYPE_CHECKING:
    from tests.contract.conftest import StoreCase, TableCase

NOW = 1_800_000_000
EXPIRES_AT = NOW + 7500
GRANT = Grant("chat:*", ("publish",))


def connection(connection_id: str = "c1=", user: str = "ann") -> Connection:
    """Make a connection that has just opened."""
    return Connection(
        connection_id=connection_id,
        identity=Identity(user, {"name": "Ann"}),
        connected_at_ms=NOW * 1000,
        lease_until=NOW + 720,
        expires_at=EXPIRES_AT,
    )


async def open_one(store: Store, connection_id: str = "c1=") -> None:
    """Open a connection."""
    await store.connections.open(connection(connection_id), now=NOW)


async def subscribe(
    store: Store, connection_id: str, *channels: str, limit: int = 100, now: int = NOW
) -> None:
    """Subscribe a connection to channels."""
    await store.subscriptions.add(
        connection(connection_id), channels, subscriptions_max=limit, now=now
    )


async def close(store: Store, connection_id: str) -> None:
    """Close a connection, as core/closing.py does."""
    await store.subscriptions.remove(await store.connections.remove(connection_id))


async def subscribers(store: Store, channel: str, now: int = NOW) -> list[str]:
    """Read all pages."""
    pages = [page async for page in store.subscriptions.of_channel(channel, now=now)]
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
    await case.store.subscriptions.end("c1=", "chat:a")
    await case.store.subscriptions.end("c1=", "chat:a")
    assert await subscribers(case.store, "chat:a") == []
    await subscribe(case.store, "c1=", "chat:c", limit=2)
    with pytest.raises(SubscriptionsFull):
        await subscribe(case.store, "c1=", "chat:d", limit=2)


async def test_unsubscribing_from_nothing_is_fine(case: "StoreCase") -> None:
    """Neither the connection nor the channel has to exist."""
    await case.store.subscriptions.end("nobody=", "chat:a")
    assert await case.rows() == 0


async def test_closing_leaves_no_row(case: "StoreCase") -> None:
    """More rows than one batch takes: 30 channels are 60 rows beside the connection's own."""
    await open_one(case.store)
    channels = [f"chat:{number}" for number in range(30)]
    await subscribe(case.store, "c1=", *channels[:20])
    await subscribe(case.store, "c1=", *channels[20:])
    await close(case.store, "c1=")
    assert await case.rows() == 0


async def test_closing_leaves_other_connections_alone(case: "StoreCase") -> None:
    """The same user and the same channel, another connection."""
    await open_one(case.store, "c1=")
    await open_one(case.store, "c2=")
    await subscribe(case.store, "c1=", "chat:a")
    await subscribe(case.store, "c2=", "chat:a")
    await close(case.store, "c1=")
    assert await subscribers(case.store, "chat:a") == ["c2="]
    await case.store.connections.renew_lease("c2=", lease_until=NOW + 900, now=NOW)


async def test_closing_twice_or_the_unknown_is_fine(case: "StoreCase") -> None:
    """The gateway may report one end twice, or the end of what never opened."""
    await open_one(case.store)
    await close(case.store, "c1=")
    await close(case.store, "c1=")
    await close(case.store, "nobody=")
    assert await case.rows() == 0


async def test_a_late_subscribe_cannot_bring_a_closed_connection_back(case: "StoreCase") -> None:
    """Messages of a connection run beside its $disconnect; the closing wins."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a")
    await close(case.store, "c1=")
    with pytest.raises(ConnectionClosed):
        await subscribe(case.store, "c1=", "chat:a", "chat:b")
    with pytest.raises(ConnectionClosed):
        await case.store.connections.renew_lease("c1=", lease_until=NOW + 900, now=NOW)
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
        await case.store.connections.renew_lease("c1=", lease_until=EXPIRES_AT + 9, now=EXPIRES_AT)


async def test_an_expired_connection_can_be_closed(case: "StoreCase") -> None:
    """Closing looks at rows whether they count or not."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a", now=EXPIRES_AT - 1)
    await close(case.store, "c1=")
    assert await case.rows() == 0


async def test_a_blocked_user_cannot_connect_until_the_block_ends(case: "StoreCase") -> None:
    """The block is checked together with the write: nothing of the connection is stored."""
    await case.block("ann", NOW + 60)
    with pytest.raises(UserBlocked):
        await case.store.connections.open(connection(), now=NOW)
    assert await case.rows() == 1
    await case.store.connections.open(connection(), now=NOW + 60)
    await case.store.connections.open(connection("c2=", user="bob"), now=NOW)


async def test_every_subscriber_is_given_once(case: "StoreCase") -> None:
    """Over as many pages as there are."""
    names = [f"c{number}=" for number in range(7)]
    for name in names:
        await open_one(case.store, name)
        await subscribe(case.store, name, "chat:a")
    assert await subscribers(case.store, "chat:a") == names


async def test_a_connection_is_read_as_it_was_stored(case: "StoreCase") -> None:
    """Identity and all; nothing of one that is closed or expired."""
    identity = Identity("ann", {"name": "Ann"}, (GRANT,), NOW + 60)
    stored = structs.replace(connection(), identity=identity)
    await case.store.connections.open(stored, now=NOW)
    assert await case.store.connections.read("c1=", now=NOW) == stored
    assert await case.store.connections.read("c1=", now=EXPIRES_AT) is None
    await close(case.store, "c1=")
    assert await case.store.connections.read("c1=", now=NOW) is None


async def test_a_new_identity_meets_every_subscription(case: "StoreCase") -> None:
    """Those that are there are given; one added under the old identity is refused."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a", "chat:b")
    new = Identity("ann", {"name": "Anna"}, (), NOW + 60)
    found = await case.store.connections.authorize("c1=", new, now=NOW)
    assert sorted(each.channel for each in found) == ["chat:a", "chat:b"]
    with pytest.raises(IdentityChanged):
        await subscribe(case.store, "c1=", "chat:c")
    renewed = structs.replace(connection(), identity=new)
    await case.store.subscriptions.add(renewed, ["chat:c"], subscriptions_max=3, now=NOW)
    read = await case.store.connections.read("c1=", now=NOW)
    assert read is not None
    assert read.identity == new
    with pytest.raises(ConnectionClosed):
        await case.store.connections.authorize("nobody=", new, now=NOW)


async def test_subscribers_past_their_authorization_are_left_out(case: "StoreCase") -> None:
    """From that second on, until it is set anew; one that has ended is not brought back."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a")
    [held] = await case.store.connections.authorize("c1=", Identity("ann"), now=NOW)
    await case.store.subscriptions.authorize(held, until=NOW + 60)
    assert await subscribers(case.store, "chat:a", now=NOW + 59) == ["c1="]
    assert await subscribers(case.store, "chat:a", now=NOW + 60) == []
    await case.store.subscriptions.authorize(held, until=None)
    assert await subscribers(case.store, "chat:a", now=NOW + 60) == ["c1="]
    await case.store.subscriptions.end("c1=", "chat:a")
    await case.store.subscriptions.authorize(held, until=None)
    assert await subscribers(case.store, "chat:a") == []


async def test_ending_a_subscription_says_whether_there_was_one(case: "StoreCase") -> None:
    """So that nobody is told twice."""
    await open_one(case.store)
    await subscribe(case.store, "c1=", "chat:a")
    first = await case.store.subscriptions.end("c1=", "chat:a")
    assert await case.store.subscriptions.end("c1=", "chat:a") is False
    assert first is True or case.repeats


async def test_the_connections_of_a_user_are_found(case: "StoreCase") -> None:
    """Those that are open, of that user alone."""
    await open_one(case.store, "c1=")
    await open_one(case.store, "c2=")
    await case.store.connections.open(connection("c3=", user="bob"), now=NOW)
    assert sorted(await case.store.connections.of_user("ann", now=NOW)) == ["c1=", "c2="]
    await close(case.store, "c1=")
    assert list(await case.store.connections.of_user("ann", now=NOW)) == ["c2="]
    assert list(await case.store.connections.of_user("ann", now=EXPIRES_AT)) == []


async def test_fewer_grants_for_the_same_time_are_another_identity(case: "StoreCase") -> None:
    """Whoever still believes in the old ones is told to read them."""
    await open_one(case.store)
    await case.store.connections.authorize("c1=", Identity("ann", {}, (GRANT,)), now=NOW)
    with pytest.raises(IdentityChanged):
        await subscribe(case.store, "c1=", "chat:a")


async def test_a_block_is_set_and_ends(case: "StoreCase") -> None:
    """For one user, and to the second; a shorter one does not end it."""
    await case.store.connections.block("ann", until=NOW + 60)
    await case.store.connections.block("ann", until=NOW + 30)
    with pytest.raises(UserBlocked):
        await case.store.connections.open(connection(), now=NOW + 59)
    with pytest.raises(UserBlocked):
        await open_one(case.store)
    await case.store.connections.open(connection(), now=NOW + 60)


async def test_a_bucket_empties_and_fills(case: "StoreCase") -> None:
    """Three at once and one more every two seconds, each bucket by itself."""
    rate = Rate(burst=3, interval_s=2.0)
    await open_one(case.store)

    async def take(bucket: str, at: float) -> bool:
        return await case.store.connections.take("c1=", bucket, rate, now=at)

    if case.repeats:  # a lost answer takes twice
        assert await take("publish", NOW)
        return
    assert [await take("publish", NOW + 0.5) for _ in range(4)] == [True, True, True, False]
    assert await take("other", NOW + 0.5)
    assert not await take("publish", NOW + 2.4)
    assert await take("publish", NOW + 2.5)
    assert not await take("publish", NOW + 2.6)
    assert [await take("publish", NOW + 99) for _ in range(4)] == [True, True, True, False]


async def test_a_closed_connection_has_no_bucket(case: "StoreCase") -> None:
    """Nothing is written for it."""
    with pytest.raises(ConnectionClosed):
        await case.store.connections.take("c1=", "publish", Rate(1, 1.0), now=NOW)
    assert await case.rows() == 0


async def test_occupied_and_vacant_are_each_said_once(case: "StoreCase") -> None:
    """The first subscriber occupies, the last one gone vacates; not before."""
    await open_one(case.store)
    occupy = partial(case.store.subscriptions.occupy, "chat:a", expires_at=EXPIRES_AT, now=NOW)
    vacate = partial(case.store.subscriptions.vacate, "chat:a", now=NOW)
    assert await vacate() is False
    await subscribe(case.store, "c1=", "chat:a")
    first = await occupy()
    assert await occupy() is False
    assert await vacate() is False
    await case.store.subscriptions.end("c1=", "chat:a")
    last = await vacate()
    assert await vacate() is False
    assert (first, last) == (True, True)
    assert await occupy() is True


async def test_a_note_that_has_expired_counts_no_more(case: "StoreCase") -> None:
    """Nor does it stand in the way of the next; each visit renews it."""
    occupy = partial(case.store.subscriptions.occupy, "chat:a")
    assert await occupy(expires_at=NOW + 10, now=NOW) is True
    assert await occupy(expires_at=NOW + 20, now=NOW + 9) is False
    assert await occupy(expires_at=NOW + 30, now=NOW + 19) is False
    assert await case.store.subscriptions.vacate("chat:a", now=NOW + 30) is False
    assert await occupy(expires_at=NOW + 40, now=NOW + 30) is True
    assert await occupy(expires_at=NOW + 50, now=NOW + 31) is False


@pytest.mark.dynoxide
async def test_of_many_who_come_and_go_at_once_one_occupies_and_one_vacates(
    fast_table: "TableCase",
) -> None:
    """However they interleave, the channel ends as the last one told."""
    subscriptions = fast_table.store.subscriptions
    occupy = partial(subscriptions.occupy, "chat:a", expires_at=EXPIRES_AT, now=NOW)
    vacate = partial(subscriptions.vacate, "chat:a", now=NOW)
    assert sum(await asyncio.gather(*(occupy() for _ in range(20)))) == 1
    assert sum(await asyncio.gather(*(vacate() for _ in range(20)))) == 1
    calls = [call() for _ in range(20) for call in (occupy, vacate)]
    told = await asyncio.gather(*calls)
    assert sum(told[::2]) - sum(told[1::2]) == (not await occupy())


@pytest.mark.dynoxide
async def test_a_bucket_is_exact_under_concurrency(fast_table: "TableCase") -> None:
    """Of 30 at once, as many as it holds."""
    await open_one(fast_table.store)
    rate = Rate(burst=7, interval_s=60.0)
    take = fast_table.store.connections.take
    taken = await asyncio.gather(*(take("c1=", "publish", rate, now=NOW) for _ in range(30)))
    assert sum(taken) == 7


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
            close(store, "c1="),
            store.subscriptions.end("c1=", "chat:0"),
            return_exceptions=True,
        )
        await close(store, "c1=")
        assert await fast_table.items() == []
