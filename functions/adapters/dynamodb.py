"""Store over DynamoDB: one table, and transactions where rows must agree.

Not here: the key scheme (dynamodb_items.py). Throttling and lost answers are repeated by botocore;
conflicts of transactions and unprocessed items, which it leaves to the caller, are repeated here.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from aiobotocore.config import AioConfig
from botocore.exceptions import ClientError

from functions.adapters import dynamodb_items as items
from functions.core.ports import (
    Conflict,
    Connection,
    ConnectionClosed,
    SubscriptionsFull,
    UserBlocked,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiobotocore.session import AioSession
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_dynamodb.type_defs import (
        DeleteTypeDef,
        PutTypeDef,
        TransactWriteItemTypeDef,
        WriteRequestOutputTypeDef,
        WriteRequestTypeDef,
    )

T = TypeVar("T")

# Botocore's legacy mode repeats throttled requests and lost answers after 50 and 100 ms for
# DynamoDB; its other modes wait up to a second before the first repetition.
CONFIG: Final = AioConfig(
    connect_timeout=2,
    read_timeout=3,  # three attempts fit into the 10 s of connect and disconnect
    max_pool_connections=50,
    retries={"mode": "legacy", "total_max_attempts": 3},
)
CONFLICT_ATTEMPTS: Final = 4
CLOSE_CONFLICT_ATTEMPTS: Final = 8
"""Closing is tried longer: nobody repeats a $disconnect (B-184)."""
UNPROCESSED_ATTEMPTS: Final = 8
BATCH_MAX: Final = 25
PAGE_ROWS: Final = 1000
_CONFLICTS: Final = frozenset(
    {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
)
_CONFLICT_ERRORS: Final = frozenset(
    # The second: what an earlier attempt, whose answer did not come, began is still under way.
    {"TransactionConflictException", "TransactionInProgressException"}
)
_REFUSED: Final = "ConditionalCheckFailed"


class Unprocessed(Exception):  # noqa: N818 - named for what happened
    """DynamoDB kept leaving rows of a batch undone; what is left is found by the next try."""


@asynccontextmanager
async def open_store(session: "AioSession", table_name: str) -> AsyncIterator["DynamoDBStore"]:
    """Open a Store on a table, with a client of its own."""
    async with session.create_client("dynamodb", config=CONFIG) as client:
        yield DynamoDBStore(client, table_name)


class DynamoDBStore:
    """Store (core/ports.py) over one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table = table_name

    async def open_connection(self, connection: Connection, *, now: int) -> None:
        """Store the connection and its user's row, unless a block holds (see Store)."""
        refused = await self._transact(
            [
                {
                    "ConditionCheck": {
                        "TableName": self._table,
                        "Key": items.block_key(connection.user),
                        "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
                        "ExpressionAttributeValues": {":now": items.number(now)},
                    }
                },
                self._put(items.connection_item(connection)),
                self._put(items.user_item(connection)),
            ]
        )
        if refused:
            raise UserBlocked

    async def close_connection(self, connection_id: str) -> None:
        """Remove the connection, then what a consistent query finds of it (see Store).

        Rows in channels go before the rows beside the connection that lead to them, so that a
        close that died on the way can be done again.
        """
        row = await self._get(items.connection_key(connection_id))
        if row is not None:
            user = items.read_connection(row).user
            await self._transact(
                [
                    self._delete(items.connection_key(connection_id)),
                    self._delete(items.user_key(user, connection_id)),
                ],
                attempts=CLOSE_CONFLICT_ATTEMPTS,
            )
        found = [
            items.read_subscription(item)
            async for page in self._query(
                items.connection_pk(connection_id), items.SUBSCRIPTION_PREFIX
            )
            for item in page
        ]
        await self._remove(found)

    async def renew_lease(self, connection_id: str, *, lease_until: int, now: int) -> None:
        """Set the lease of a connection that is open (see Store)."""
        try:
            await _through_conflicts(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key=items.connection_key(connection_id),
                    UpdateExpression="SET lease_until = :lease",
                    ConditionExpression="expires_at > :now",
                    ExpressionAttributeValues={
                        ":lease": items.number(lease_until),
                        ":now": items.number(now),
                    },
                )
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise ConnectionClosed from None

    async def add_subscriptions(
        self,
        connection_id: str,
        channels: Sequence[str],
        *,
        subscriptions_max: int,
        expires_at: int,
        now: int,
    ) -> None:
        """Write both rows of each channel and the count in one transaction (see Store).

        Every round but the last drops channels that were subscribed to already.
        """
        wanted = [
            items.Subscription(connection_id, channel, shard=0, expires_at=expires_at)
            for channel in channels
        ]
        while wanted:
            room = subscriptions_max - len(wanted)
            refused = await self._transact(
                [
                    self._count_up(connection_id, len(wanted), room=room, now=now),
                    *(
                        self._put(
                            items.by_connection_item(each), condition="attribute_not_exists(pk)"
                        )
                        for each in wanted
                    ),
                    *(self._put(items.by_channel_item(each)) for each in wanted),
                ]
            )
            if not refused:
                return
            if 0 in refused:
                row = await self._get(items.connection_key(connection_id))
                if row is None or not items.is_live(row, now):
                    raise ConnectionClosed
            missing = [each for place, each in enumerate(wanted, 1) if place not in refused]
            if len(missing) == len(wanted):
                raise SubscriptionsFull
            wanted = missing

    async def remove_subscription(self, connection_id: str, channel: str) -> None:
        """Remove both rows and count down in one transaction (see Store)."""
        by_connection = items.by_connection_key(connection_id, channel)
        row = await self._get(by_connection)
        if row is None:
            return
        subscription = items.read_subscription(row)
        refused = await self._transact(
            [
                self._count_down(connection_id),
                self._delete(by_connection, condition="attribute_exists(pk)"),
                self._delete(items.by_channel_key(connection_id, channel, subscription.shard)),
            ]
        )
        if refused == {0}:  # the connection is being closed: nothing is left to count on
            await self._remove([subscription])

    async def subscribers(self, channel: str, *, now: int) -> AsyncIterator[Sequence[str]]:
        """Read the shards of a channel one after the other, consistently (see Store).

        The shard count is read after the first shard, while its connections are being reached.
        """
        shard, shards = 0, 1
        while shard < shards:
            async for page in self._query(items.channel_pk(channel, shard), items.CONNECTION):
                yield [items.subscriber(item) for item in page if items.is_live(item, now)]
            if shard == 0:
                shards = items.read_shards(await self._get(items.shards_key(channel)))
            shard += 1

    async def _get(self, key: "items.Key") -> "items.Item | None":
        answer = await self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return answer.get("Item")

    async def _query(self, pk: str, sk_prefix: str) -> "AsyncIterator[list[items.Item]]":
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={":pk": {"S": pk}, ":prefix": {"S": sk_prefix}},
            ConsistentRead=True,
            PaginationConfig={"PageSize": PAGE_ROWS},
        )
        async for page in pages:
            yield page["Items"]

    async def _transact(
        self, writes: "list[TransactWriteItemTypeDef]", *, attempts: int = CONFLICT_ATTEMPTS
    ) -> set[int]:
        """Write all or nothing; give the places in `writes` whose condition refused it."""
        try:
            await _through_conflicts(
                lambda: self._client.transact_write_items(TransactItems=writes), attempts=attempts
            )
        except self._client.exceptions.TransactionCanceledException as error:
            codes = _cancellation_codes(error)
            refused = {place for place, code in enumerate(codes) if code == _REFUSED}
            if not refused:
                raise
            return refused
        return set()

    async def _remove(self, subscriptions: Sequence[items.Subscription]) -> None:
        await self._delete_all(
            items.by_channel_key(each.connection_id, each.channel, each.shard)
            for each in subscriptions
        )
        await self._delete_all(
            items.by_connection_key(each.connection_id, each.channel) for each in subscriptions
        )

    async def _delete_all(self, keys: "Iterable[items.Key]") -> None:
        requests: list[WriteRequestTypeDef] = [{"DeleteRequest": {"Key": key}} for key in keys]
        for start in range(0, len(requests), BATCH_MAX):
            left: Mapping[str, Sequence[WriteRequestOutputTypeDef | WriteRequestTypeDef]]
            left = {self._table: requests[start : start + BATCH_MAX]}
            for attempt in range(UNPROCESSED_ATTEMPTS):
                answer = await self._client.batch_write_item(RequestItems=left)
                left = answer.get("UnprocessedItems", {})
                if not left:
                    break
                await asyncio.sleep(_backoff_s(attempt))
            else:
                raise Unprocessed(f"{len(left[self._table])} rows after {attempt + 1} attempts")

    def _put(self, item: "items.Item", *, condition: str = "") -> "TransactWriteItemTypeDef":
        put: PutTypeDef = {"TableName": self._table, "Item": item}
        if condition:
            put["ConditionExpression"] = condition
        return {"Put": put}

    def _delete(self, key: "items.Key", *, condition: str = "") -> "TransactWriteItemTypeDef":
        delete: DeleteTypeDef = {"TableName": self._table, "Key": key}
        if condition:
            delete["ConditionExpression"] = condition
        return {"Delete": delete}

    def _count_up(
        self, connection_id: str, count: int, *, room: int, now: int
    ) -> "TransactWriteItemTypeDef":
        return {
            "Update": {
                "TableName": self._table,
                "Key": items.connection_key(connection_id),
                "UpdateExpression": "ADD subscriptions :count",
                "ConditionExpression": "expires_at > :now AND subscriptions <= :room",
                "ExpressionAttributeValues": {
                    ":count": items.number(count),
                    ":room": items.number(room),
                    ":now": items.number(now),
                },
            }
        }

    def _count_down(self, connection_id: str) -> "TransactWriteItemTypeDef":
        return {
            "Update": {
                "TableName": self._table,
                "Key": items.connection_key(connection_id),
                "UpdateExpression": "ADD subscriptions :one",
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeValues": {":one": items.number(-1)},
            }
        }


async def _through_conflicts(
    call: Callable[[], Awaitable[T]], *, attempts: int = CONFLICT_ATTEMPTS
) -> T:
    """Repeat `call` while transactions of others are in its way; raise Conflict in the end."""
    for attempt in range(attempts):
        try:
            return await call()
        except ClientError as error:
            if not _is_conflict(error):
                raise
        await asyncio.sleep(_backoff_s(attempt))
    raise Conflict


def _is_conflict(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        codes = _cancellation_codes(error)
        return _REFUSED not in codes and not _CONFLICTS.isdisjoint(codes)
    return code in _CONFLICT_ERRORS


def _cancellation_codes(error: ClientError) -> list[str]:
    """Give a code for each write of a cancelled transaction; `None` for those not at fault."""
    reasons = error.response.get("CancellationReasons", [])
    return [reason.get("Code") or "None" for reason in reasons]


def _backoff_s(attempt: int) -> float:
    """Give the wait before the next attempt: 50 ms doubling to 1 s, with half of it random."""
    return min(1.0, 0.05 * 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
