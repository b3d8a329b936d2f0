"""The contract of SubscriptionStore (functions/core/ports.py) for channels of several shards."""

from typing import TYPE_CHECKING

from functions.core.permissions import Identity
from functions.core.ports import Connection, Store

if TYPE_CHECKING:
    from tests.contract.conftest import StoreCase

NOW = 1_800_000_000


async def shard(store: Store, number: int, after: str | None = None) -> list[str]:
    """Read a shard of `chat:a`, from a cursor on."""
    pages = store.subscriptions.of_shard("chat:a", number, now=NOW, after=after)
    return [connection_id async for page in pages for connection_id in page]


async def channel(store: Store, shards: int | None = None) -> list[str]:
    """Read `chat:a`."""
    pages = store.subscriptions.of_channel("chat:a", now=NOW, shards=shards)
    return sorted([connection_id async for page in pages for connection_id in page])


async def fill(case: "StoreCase", connections: int, *, shards: int) -> None:
    """Subscribe so many connections to `chat:a`, which has so many shards."""
    await case.split("chat:a", shards)
    for number in range(connections):
        one = Connection(f"c{number:02}=", Identity("ann"), NOW * 1000, NOW + 720, NOW + 7500)
        await case.store.connections.open(one, now=NOW)
        await case.store.subscriptions.add(one, ["chat:a"], subscriptions_max=100, now=NOW)


async def test_a_channels_shards_hold_all_its_subscribers_once(case: "StoreCase") -> None:
    """Each shard in ascending order, over the borders of pages."""
    await fill(case, 12, shards=4)
    assert await case.store.subscriptions.shard_count("chat:a") == 4
    shards = [await shard(case.store, number) for number in range(4)]
    assert sum(1 for each in shards if each) > 1
    assert all(each == sorted(each) for each in shards)
    found = sorted(connection_id for each in shards for connection_id in each)
    assert found == await channel(case.store)
    assert len(found) == 12


async def test_a_channel_that_never_grew_has_one_shard(case: "StoreCase") -> None:
    """With subscribers and without."""
    assert await case.store.subscriptions.shard_count("chat:a") == 1
    await fill(case, 2, shards=1)
    assert await case.store.subscriptions.shard_count("chat:a", fresh=False) == 1
    assert await shard(case.store, 0) == ["c00=", "c01="]


async def test_a_shard_is_read_from_a_cursor_on(case: "StoreCase") -> None:
    """The cursor itself is not given, whether it is still subscribed or not."""
    await fill(case, 6, shards=1)
    assert await shard(case.store, 0, after="c03=") == ["c04=", "c05="]
    await case.store.subscriptions.end("c03=", "chat:a")
    assert await shard(case.store, 0, after="c03=") == ["c04=", "c05="]
    assert await shard(case.store, 0, after="c05=") == []


async def test_who_counted_the_shards_says_how_many_are_read(case: "StoreCase") -> None:
    """They are not counted again."""
    await fill(case, 12, shards=4)
    found = await channel(case.store, shards=2)
    assert found == sorted([*await shard(case.store, 0), *await shard(case.store, 1)])
    assert len(found) < 12
