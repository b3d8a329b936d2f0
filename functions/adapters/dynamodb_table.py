"""One DynamoDB table: reads that are consistent, writes that are repeated, and what refused them.

Not here: what the rows mean. Throttling and lost answers are repeated by botocore; conflicts of
transactions and unprocessed items, which it leaves to the caller, are repeated here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypedDict, TypeVar

from functions.adapters.backoff import backoff_s
from functions.core.ports import Conflict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from botocore.exceptions import ClientError
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_dynamodb.literals import ReturnValueType
    from types_aiobotocore_dynamodb.type_defs import (
        AttributeValueTypeDef,
        DeleteTypeDef,
        PutTypeDef,
        TransactWriteItemTypeDef,
        WriteRequestOutputTypeDef,
        WriteRequestTypeDef,
    )

    from functions.adapters.dynamodb_items import Item, Key

    Values = Mapping[str, AttributeValueTypeDef]
    WriteRequest = WriteRequestOutputTypeDef | WriteRequestTypeDef

    class ConditionTypeDef(TypedDict, total=False):
        """The arguments of a condition, as every write takes them."""

        ConditionExpression: str
        ExpressionAttributeValues: Values


T = TypeVar("T")

CONFLICT_ATTEMPTS: Final = 4
UNPROCESSED_ATTEMPTS: Final = 8
BACKOFF_S_MAX: Final = 1.0
BATCH_WRITES_MAX: Final = 25
BATCH_READS_MAX: Final = 100
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


class Refused(Exception):  # noqa: N818 - named for what happened
    """A condition did not hold, and nothing was written."""


class Table:
    """One table, over a client that is open."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name

    async def get(self, key: "Key") -> "Item | None":
        """Read one row."""
        answer = await self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True)
        return answer.get("Item")

    async def get_all(self, keys: "Iterable[Key]") -> "list[Item]":
        """Read the rows that exist of any number of distinct ones, in no order."""
        wanted = list(keys)
        found: list[Item] = []

        async def read(left: "Sequence[Key]") -> "Sequence[Key]":
            answer = await self._client.batch_get_item(
                RequestItems={self._name: {"Keys": left, "ConsistentRead": True}}
            )
            found.extend(answer["Responses"].get(self._name, []))
            unprocessed = answer.get("UnprocessedKeys", {})
            return unprocessed[self._name]["Keys"] if unprocessed else []

        for start in range(0, len(wanted), BATCH_READS_MAX):
            await _until_processed(read, wanted[start : start + BATCH_READS_MAX])
        return found

    def query(self, pk: str, sk_prefix: str) -> "AsyncIterator[list[Item]]":
        """Give all rows of a partition whose sort key begins so, page by page."""
        return self._pages(pk, "begins_with(sk, :sk)", sk_prefix)

    def query_after(self, pk: str, sk: str) -> "AsyncIterator[list[Item]]":
        """Give the rows of a partition whose sort key is greater, in its order, page by page."""
        return self._pages(pk, "sk > :sk", sk)

    async def query_between(
        self,
        pk: str,
        between: tuple[str, str],
        *,
        limit: int,
        now: int,
        descending: bool = False,
    ) -> "list[Item]":
        """Give up to `limit` rows that live, with sort keys between two, inclusive."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            FilterExpression="expires_at > :now",
            ExpressionAttributeValues={
                ":pk": {"S": pk},
                ":first": {"S": between[0]},
                ":last": {"S": between[1]},
                ":now": {"N": str(now)},
            },
            ConsistentRead=True,
            ScanIndexForward=not descending,
            PaginationConfig={"PageSize": limit, "MaxItems": limit},
        )
        return [item async for page in pages for item in page["Items"]]

    async def count(self, pk: str, sk_prefix: str, *, at_most: int, now: int) -> int:
        """Count the rows that live of a partition whose sort key begins so, up to `at_most`."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            FilterExpression="expires_at > :now",
            ExpressionAttributeValues={
                ":pk": {"S": pk},
                ":prefix": {"S": sk_prefix},
                ":now": {"N": str(now)},
            },
            ConsistentRead=True,
            Select="COUNT",
            PaginationConfig={"PageSize": at_most},
        )
        found = 0
        async for page in pages:
            found += page["Count"]
            if found >= at_most:
                return at_most
        return found

    async def put(
        self, item: "Item", *, condition: str = "", values: "Values | None" = None
    ) -> None:
        """Write one row; raise Refused when the condition does not hold, Conflict."""
        extra = _condition(condition, values)
        await self._conditional(
            lambda: self._client.put_item(TableName=self._name, Item=item, **extra)
        )

    async def delete(
        self, key: "Key", *, condition: str = "", values: "Values | None" = None
    ) -> None:
        """Remove one row; raise Refused when the condition does not hold, Conflict."""
        extra = _condition(condition, values)
        await self._conditional(
            lambda: self._client.delete_item(TableName=self._name, Key=key, **extra)
        )

    async def update(
        self,
        key: "Key",
        expression: str,
        values: "Values",
        *,
        condition: str = "",
        returning: "ReturnValueType" = "NONE",
    ) -> "Item":
        """Change one row; give it, or what of it `returning` names, as DynamoDB defines.

        Raises Refused when the condition does not hold, Conflict.
        """
        extra = _condition(condition, values)
        answer = await self._conditional(
            lambda: self._client.update_item(
                TableName=self._name,
                Key=key,
                UpdateExpression=expression,
                ReturnValues=returning,
                **extra,
            )
        )
        return answer.get("Attributes", {})

    async def transact(
        self, writes: "Sequence[TransactWriteItemTypeDef]", *, attempts: int = CONFLICT_ATTEMPTS
    ) -> set[int]:
        """Write all or nothing; give the places in `writes` whose condition refused it.

        Raises Conflict.
        """
        try:
            await self._through_conflicts(
                lambda: self._client.transact_write_items(TransactItems=writes), attempts=attempts
            )
        except self._client.exceptions.TransactionCanceledException as error:
            codes = _cancellation_codes(error)
            refused = {place for place, code in enumerate(codes) if code == _REFUSED}
            if not refused:
                raise
            return refused
        return set()

    async def delete_all(self, keys: "Iterable[Key]") -> None:
        """Remove any number of distinct rows; those that don't exist are fine."""
        requests: list[WriteRequest] = [{"DeleteRequest": {"Key": key}} for key in keys]

        async def write(left: "Sequence[WriteRequest]") -> "Sequence[WriteRequest]":
            answer = await self._client.batch_write_item(RequestItems={self._name: left})
            return answer.get("UnprocessedItems", {}).get(self._name, [])

        for start in range(0, len(requests), BATCH_WRITES_MAX):
            await _until_processed(write, requests[start : start + BATCH_WRITES_MAX])

    def putting(
        self, item: "Item", *, condition: str = "", values: "Values | None" = None
    ) -> "TransactWriteItemTypeDef":
        """Give the write of one row, for `transact`."""
        put: PutTypeDef = {"TableName": self._name, "Item": item}
        if condition:
            put["ConditionExpression"] = condition
        if values:
            put["ExpressionAttributeValues"] = values
        return {"Put": put}

    def deleting(self, key: "Key", *, condition: str = "") -> "TransactWriteItemTypeDef":
        """Give the removal of one row, for `transact`."""
        delete: DeleteTypeDef = {"TableName": self._name, "Key": key}
        if condition:
            delete["ConditionExpression"] = condition
        return {"Delete": delete}

    def updating(
        self, key: "Key", expression: str, values: "Values", *, condition: str
    ) -> "TransactWriteItemTypeDef":
        """Give the change of one row, for `transact`."""
        return {
            "Update": {
                "TableName": self._name,
                "Key": key,
                "UpdateExpression": expression,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
        }

    def checking(self, key: "Key", condition: str, values: "Values") -> "TransactWriteItemTypeDef":
        """Give a condition on one row that is not written, for `transact`."""
        return {
            "ConditionCheck": {
                "TableName": self._name,
                "Key": key,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
        }

    async def _pages(self, pk: str, condition: str, sk: str) -> "AsyncIterator[list[Item]]":
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression=f"pk = :pk AND {condition}",
            ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": sk}},
            ConsistentRead=True,
            PaginationConfig={"PageSize": PAGE_ROWS},
        )
        async for page in pages:
            yield page["Items"]

    async def _conditional(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._through_conflicts(call)
        except self._client.exceptions.ConditionalCheckFailedException:
            raise Refused from None

    async def _through_conflicts(
        self, call: Callable[[], Awaitable[T]], *, attempts: int = CONFLICT_ATTEMPTS
    ) -> T:
        """Repeat `call` while transactions of others are in its way; raise Conflict in the end."""
        for attempt in range(1, attempts + 1):
            try:
                return await call()
            except self._client.exceptions.ClientError as error:
                if not _is_conflict(error):
                    raise
            if attempt < attempts:
                await asyncio.sleep(backoff_s(attempt, most_s=BACKOFF_S_MAX))
        raise Conflict


def _condition(condition: str, values: "Values | None") -> "ConditionTypeDef":
    written: ConditionTypeDef = {}
    if condition:
        written["ConditionExpression"] = condition
    if values:
        written["ExpressionAttributeValues"] = values
    return written


async def _until_processed(
    send: "Callable[[Sequence[T]], Awaitable[Sequence[T]]]", left: "Sequence[T]"
) -> None:
    """Send a batch, and what is left of it, until nothing is; raise Unprocessed in the end."""
    for attempt in range(1, UNPROCESSED_ATTEMPTS + 1):
        left = await send(left)
        if not left:
            return
        if attempt < UNPROCESSED_ATTEMPTS:
            await asyncio.sleep(backoff_s(attempt, most_s=BACKOFF_S_MAX))
    raise Unprocessed(f"{len(left)} rows after {UNPROCESSED_ATTEMPTS} attempts")


def _is_conflict(error: "ClientError") -> bool:
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        codes = _cancellation_codes(error)
        return _REFUSED not in codes and not _CONFLICTS.isdisjoint(codes)
    return code in _CONFLICT_ERRORS


def _cancellation_codes(error: "ClientError") -> list[str]:
    """Give a code for each write of a cancelled transaction; `None` for those not at fault."""
    reasons = error.response.get("CancellationReasons", [])
    return [reason.get("Code") or "None" for reason in reasons]
