"""What the Store over DynamoDB does about faults of the service, and about rows left half done."""

from functools import partial
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from msgspec import structs

from functions.adapters import (
    dynamodb,
    dynamodb_subscriptions,
    dynamodb_table,
)
from functions.adapters import dynamodb_items as items
from functions.adapters.dynamodb_client import DynamoDBError
from functions.core import limits
from functions.core.permissions import Identity
from functions.core.ports import Conflict, Connection, Store, Subscription
from tests.contract.conftest import AIOBOTOCORE, OURS, open_table
from tests.contract.fault_proxy import CancelTransaction, LeaveUnprocessed, LoseAnswer, Refuse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiobotocore.session import AioSession

    from tests.contract.conftest import TableCase

NOW = 1_800_000_000
CONNECTION = Connection(
    connection_id="c1=",
    identity=Identity("ann"),
    connected_at_ms=NOW * 1000,
    lease_until=NOW,
    expires_at=NOW + 7500,
)


@pytest.fixture(params=[OURS, AIOBOTOCORE])
async def table(
    request: pytest.FixtureRequest,
    moto_endpoint: str,
    aws_session: "AioSession",
    fake_credentials: dict[str, str],
) -> "AsyncIterator[TableCase]":
    """Give a Store over a table on moto through each client: what one does the other does too."""
    async with open_table(moto_endpoint, aws_session, request.param) as case:
        yield case


def subscription(connection_id: str, shard: int) -> Subscription:
    """Make a subscription to one channel."""
    return Subscription(connection_id, "chat:a", "ann", shard, None, CONNECTION.expires_at)


async def open_with(table: "TableCase", *channels: str) -> None:
    """Open a connection that is subscribed to some channels."""
    await table.store.connections.open(CONNECTION, now=NOW)
    await subscribe(table, *channels)


async def subscribe(table: "TableCase", *channels: str) -> None:
    """Subscribe it to more."""
    await table.store.subscriptions.add(CONNECTION, channels, subscriptions_max=100, now=NOW)


async def close(store: Store, connection_id: str) -> None:
    """Close a connection, as core/closing.py does."""
    await store.subscriptions.remove(await store.connections.remove(connection_id))


async def count(table: "TableCase") -> int:
    """Read how many subscriptions the connection's row says it has."""
    [row] = [item for item in await table.items() if item["sk"] == {"S": "META"}]
    return int(row["subscriptions"]["N"])


async def test_a_conflict_that_lasts_changes_nothing(table: "TableCase") -> None:
    """Tried four times, then it is the caller's."""
    await open_with(table)
    table.proxy.requests.clear()
    table.proxy.inject(
        "TransactWriteItems", *[CancelTransaction()] * dynamodb_table.CONFLICT_ATTEMPTS
    )
    with pytest.raises(Conflict):
        await subscribe(table, "chat:a")
    assert table.proxy.requests["TransactWriteItems"] == 4
    assert await count(table) == 0


async def test_a_conflict_of_a_single_write_is_repeated_too(table: "TableCase") -> None:
    """A row that a transaction holds refuses other writes as well."""
    await open_with(table)
    table.proxy.inject("UpdateItem", *[Refuse("TransactionConflictException")] * 3)
    await table.store.connections.renew_lease("c1=", lease_until=NOW + 99, now=NOW)
    table.proxy.inject("UpdateItem", *[Refuse("TransactionConflictException")] * 4)
    with pytest.raises(Conflict):
        await table.store.connections.renew_lease("c1=", lease_until=NOW + 99, now=NOW)


async def test_a_transaction_still_under_way_is_waited_for(table: "TableCase") -> None:
    """What follows a lost answer; botocore repeats it twice a call, and then we do."""
    await open_with(table)
    table.proxy.inject("TransactWriteItems", *[Refuse("TransactionInProgressException")] * 4)
    await subscribe(table, "chat:a")
    assert await count(table) == 1


async def test_a_subscribe_whose_answer_was_lost_is_counted_once(table: "TableCase") -> None:
    """It took effect; its repetition finds that and is content."""
    await open_with(table)
    table.proxy.inject("TransactWriteItems", LoseAnswer())
    await subscribe(table, "chat:a", "chat:b")
    assert table.proxy.requests["TransactWriteItems"] == 3
    assert await count(table) == 2


async def test_a_subscribe_that_hangs_after_it_took_effect_is_counted_once(
    table: "TableCase",
) -> None:
    """The caller's patience ends, and the repetition finds what is there."""
    await open_with(table)
    table.proxy.inject("TransactWriteItems", LoseAnswer(hang=True))
    await subscribe(table, "chat:a")
    assert await count(table) == 1


async def test_an_unsubscribe_whose_answer_was_lost_is_counted_once(table: "TableCase") -> None:
    """The same the other way round."""
    await open_with(table, "chat:a", "chat:b")
    table.proxy.inject("TransactWriteItems", LoseAnswer())
    await table.store.subscriptions.end("c1=", "chat:a")
    assert await count(table) == 1


async def test_throttling_through_every_attempt_reaches_the_caller(table: "TableCase") -> None:
    """Botocore repeats it; what lasts is an error like any other, and nothing was changed."""
    await open_with(table)
    table.proxy.inject("TransactWriteItems", *[Refuse("ThrottlingException")] * 9)
    with pytest.raises((ClientError, DynamoDBError), match="ThrottlingException"):
        await subscribe(table, "chat:a")
    assert await count(table) == 0


async def test_rows_left_unprocessed_are_removed_in_the_end(table: "TableCase") -> None:
    """One batch is left undone wholly, then in part."""
    await open_with(table, "chat:a", "chat:b", "chat:c")
    table.proxy.inject("BatchWriteItem", LeaveUnprocessed(3), LeaveUnprocessed(1))
    await close(table.store, "c1=")
    assert await table.items() == []


async def test_rows_left_unprocessed_for_ever_are_an_error_and_found_again(
    table: "TableCase",
) -> None:
    """The rows that lead to the others go last, so a second close finishes the work."""
    await open_with(table, "chat:a", "chat:b")
    table.proxy.inject(
        "BatchWriteItem", *[LeaveUnprocessed(1)] * dynamodb_table.UNPROCESSED_ATTEMPTS
    )
    with pytest.raises(dynamodb_table.Unprocessed):
        await close(table.store, "c1=")
    await close(table.store, "c1=")
    assert await table.items() == []


@pytest.mark.parametrize("kept", range(5))
async def test_a_close_that_died_on_the_way_can_be_done_again(
    table: "TableCase", kept: int
) -> None:
    """Closing removes rows in one order; `kept` of them are still there when it is repeated."""
    await open_with(table, "chat:a", "chat:b")
    in_order = [
        items.connection_key("c1="),
        items.user_key("ann", "c1="),
        *(items.by_channel_key("c1=", channel, 0) for channel in ("chat:a", "chat:b")),
        *(items.by_connection_key("c1=", channel) for channel in ("chat:a", "chat:b")),
    ]
    for key in in_order[: len(in_order) - kept]:
        await table.delete(key)
    await close(table.store, "c1=")
    assert await table.items() == []


async def test_an_unsubscribe_during_a_close_removes_its_rows(table: "TableCase") -> None:
    """The connection's row is gone already, so there is nothing to count on."""
    await open_with(table, "chat:a")
    await table.delete(items.connection_key("c1="))
    await table.delete(items.user_key("ann", "c1="))
    await table.store.subscriptions.end("c1=", "chat:a")
    assert await table.items() == []


async def test_readers_go_through_every_shard(table: "TableCase") -> None:
    """The count is data; a channel without one has a single shard."""
    for shard in range(4):
        await table.put(items.by_channel_item(subscription(f"c{shard}=", shard)))
    assert await ids(table) == ["c0="]
    await table.put({**items.shards_key("chat:a"), "shards": items.number(3)})
    assert await ids(table) == ["c0=", "c1=", "c2="]


async def test_what_is_in_another_shard_is_unsubscribed_there(table: "TableCase") -> None:
    """The row beside the connection knows the shard of the row in the channel."""
    await open_with(table, "chat:a")
    await table.delete(items.by_channel_key("c1=", "chat:a", 0))
    moved = subscription("c1=", 5)
    await table.put(items.by_channel_item(moved))
    await table.put(items.by_connection_item(moved))
    await table.store.subscriptions.end("c1=", "chat:a")
    assert sorted(item["sk"]["S"] for item in await table.items()) == ["CONN#c1=", "META"]


async def test_a_channel_larger_than_a_page_is_read_whole(table: "TableCase") -> None:
    """One row more than a page holds."""
    total = dynamodb_table.PAGE_ROWS + 1
    rows = [items.by_channel_item(subscription(f"{number:05}=", 0)) for number in range(total)]
    for start in range(0, total, 25):
        await table.client.batch_write_item(
            RequestItems={
                table.table_name: [
                    {"PutRequest": {"Item": row}} for row in rows[start : start + 25]
                ]
            }
        )
    store = dynamodb.store_over(table.client, table.table_name)  # moto takes its time here
    pages = [page async for page in store.subscriptions.of_channel("chat:a", now=NOW)]
    assert [len(page) for page in pages] == [dynamodb_table.PAGE_ROWS, 1]


@pytest.mark.dynoxide
async def test_a_shard_that_grows_too_large_doubles_the_channels_shards(
    fast_table: "TableCase",
) -> None:
    """Whoever subscribes counts now and then; new subscribers are spread, and all are found."""
    table = dynamodb_table.Table(fast_table.client, fast_table.table_name)
    subscriptions = dynamodb_subscriptions.DynamoDBSubscriptions(
        table, chance=lambda: 0.0, clock=lambda: 0.0
    )
    for number in range(limits.SHARD_SUBSCRIBERS_MAX):
        await fast_table.put(items.by_channel_item(subscription(f"{number:05}=", 0)))
    late = [f"late{number}=" for number in range(8)]
    for connection_id in late:
        connection = structs.replace(CONNECTION, connection_id=connection_id)
        await fast_table.store.connections.open(connection, now=NOW)
        await subscriptions.add(connection, ["chat:a"], subscriptions_max=1, now=NOW)
    shards = {
        item["pk"]["S"]
        for item in await fast_table.items()
        if item["sk"]["S"].startswith("CONN#late") and item["pk"]["S"].startswith("CHAN#")
    }
    assert shards == {"CHAN#chat:a#0", "CHAN#chat:a#1"}
    pages = [page async for page in fast_table.store.subscriptions.of_channel("chat:a", now=NOW)]
    found = [connection_id for page in pages for connection_id in page]
    assert len(found) == limits.SHARD_SUBSCRIBERS_MAX + 8
    assert set(late) < set(found)


async def test_a_full_cache_of_shard_counts_loses_none_that_is_needed(table: "TableCase") -> None:
    """A request for one channel that is known and one that is not empties it on the way."""
    subscriptions = dynamodb_subscriptions.DynamoDBSubscriptions(
        dynamodb_table.Table(table.client, table.table_name), cached_max=1
    )
    await table.store.connections.open(CONNECTION, now=NOW)
    await subscriptions.add(CONNECTION, ["chat:a"], subscriptions_max=9, now=NOW)
    await subscriptions.add(CONNECTION, ["chat:a", "chat:b"], subscriptions_max=9, now=NOW)
    assert await ids(table) == [CONNECTION.connection_id]


async def ids(table: "TableCase") -> list[str]:
    """Read the subscribers of a channel."""
    pages = [page async for page in table.store.subscriptions.of_channel("chat:a", now=NOW)]
    return [connection_id for page in pages for connection_id in page]


class Watched(dynamodb_table.Table):
    """A table of which a test knows when it was queried."""

    def __init__(self, table: "TableCase", meanwhile: "Callable[[], Awaitable[object]]") -> None:
        super().__init__(table.client, table.table_name)
        self._meanwhile = meanwhile

    async def query_after(self, pk: str, sk: str) -> "AsyncIterator[list[items.Item]]":
        """Give the pages, and let the test act after the last."""
        async for page in super().query_after(pk, sk):
            yield page
        await self._meanwhile()


async def test_who_comes_after_the_last_look_keeps_the_channel_occupied(
    table: "TableCase",
) -> None:
    """Nobody is told that it is vacant, so nobody need be told that it is not."""
    subscriptions = table.store.subscriptions
    occupy = partial(subscriptions.occupy, "chat:a", expires_at=CONNECTION.expires_at, now=NOW)

    async def come() -> None:
        await open_with(table, "chat:a")
        assert await occupy() is False

    assert await occupy() is True
    looking = dynamodb_subscriptions.DynamoDBSubscriptions(Watched(table, come))
    assert await looking.vacate("chat:a", now=NOW) is False
    assert await subscriptions.vacate("chat:a", now=NOW) is False
    assert await occupy() is False


async def test_who_came_after_the_last_look_but_noted_it_late_occupies_anew(
    table: "TableCase",
) -> None:
    """`vacated` is told, and then `occupied`: the note ends as the channel is."""
    subscriptions = table.store.subscriptions
    occupy = partial(subscriptions.occupy, "chat:a", expires_at=CONNECTION.expires_at, now=NOW)
    assert await occupy() is True
    looking = dynamodb_subscriptions.DynamoDBSubscriptions(
        Watched(table, partial(open_with, table, "chat:a"))
    )
    assert await looking.vacate("chat:a", now=NOW) is True
    assert await occupy() is True
    assert await subscriptions.vacate("chat:a", now=NOW) is False


async def test_notes_whose_answer_is_lost_are_told_all_the_same(table: "TableCase") -> None:
    """The repeated write finds its own signature."""
    subscriptions = table.store.subscriptions
    table.proxy.inject("UpdateItem", LoseAnswer())
    assert await subscriptions.occupy("chat:a", expires_at=NOW + 10, now=NOW) is True
    table.proxy.inject("UpdateItem", LoseAnswer())
    assert await subscriptions.vacate("chat:a", now=NOW) is True
