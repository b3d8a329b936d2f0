"""The part of DynamoDB's client that dynamodb_table uses, without botocore.

A cold start waits for imports, and botocore's and aiohttp's take longer than all others together.
Calls, answers and errors have the shapes of botocore's. Repetitions are those of its legacy mode:
for throttling, faults of the service and answers that did not come.
"""

import asyncio
import os
import random
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import msgspec

from functions.adapters.dynamodb_access import Access
from functions.adapters.dynamodb_link import Answer, Link, LinkLost
from functions.adapters.dynamodb_signing import Signer

ATTEMPTS: Final = 3
CONNECT_TIMEOUT_S: Final = 2.0
READ_TIMEOUT_S: Final = 3.0
LINKS_MAX: Final = 50
IDLE_MAX_S: Final = 20.0
"""A link that rested longer may have been closed while the environment was frozen."""

SUCCESS: Final = 200
FAULT_FROM: Final = 500
REPEATED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestThrottledException",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)
"""What botocore's legacy mode repeats besides faults of the service."""

TOO_MANY: Final = 429


class DynamoDBError(Exception):
    """DynamoDB refused a call; `response` holds its answer as botocore's ClientError does."""

    def __init__(self, operation: str, response: Mapping[str, Any]) -> None:
        error = response["Error"]
        super().__init__(f"{operation}: {error['Code']}: {error['Message']}")
        self.response = response


class ConditionalCheckFailedException(DynamoDBError):  # noqa: N818 - DynamoDB's name
    """A condition did not hold."""


class TransactionCanceledException(DynamoDBError):  # noqa: N818 - DynamoDB's name
    """A transaction was cancelled; `response` has its CancellationReasons."""


class Exceptions:
    """What a client of botocore has as `exceptions`."""

    ClientError = DynamoDBError
    ConditionalCheckFailedException = ConditionalCheckFailedException
    TransactionCanceledException = TransactionCanceledException


_CLASSES: Final = {
    each.__name__: each for each in (ConditionalCheckFailedException, TransactionCanceledException)
}


class NoAnswer(Exception):  # noqa: N818 - named for what happened
    """No attempt brought an answer; whether the last was carried out is unknown."""


class Client:
    """Calls of one endpoint over links that are kept, opened as calls need them."""

    def __init__(
        self,
        access: Access,
        context: ssl.SSLContext | None,
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.exceptions = Exceptions
        self._access = access
        self._context = context
        self._read_timeout_s = read_timeout_s
        self._clock = clock
        self._signer = Signer(access)
        self._idle: list[Link] = []
        self._permits = asyncio.Semaphore(LINKS_MAX)

    async def get_item(self, **request: object) -> dict[str, Any]:
        """Call GetItem."""
        return await self.call("GetItem", request)

    async def batch_get_item(self, **request: object) -> dict[str, Any]:
        """Call BatchGetItem."""
        return await self.call("BatchGetItem", request)

    async def put_item(self, **request: object) -> dict[str, Any]:
        """Call PutItem."""
        return await self.call("PutItem", request)

    async def delete_item(self, **request: object) -> dict[str, Any]:
        """Call DeleteItem."""
        return await self.call("DeleteItem", request)

    async def update_item(self, **request: object) -> dict[str, Any]:
        """Call UpdateItem."""
        return await self.call("UpdateItem", request)

    async def batch_write_item(self, **request: object) -> dict[str, Any]:
        """Call BatchWriteItem."""
        return await self.call("BatchWriteItem", request)

    async def transact_write_items(self, **request: object) -> dict[str, Any]:
        """Call TransactWriteItems, with a token by which a repetition is known as one."""
        token = os.urandom(16).hex()
        return await self.call("TransactWriteItems", {"ClientRequestToken": token, **request})

    async def query(self, **request: object) -> dict[str, Any]:
        """Call Query."""
        return await self.call("Query", request)

    def get_paginator(self, operation: str) -> "Paginator":
        """Give what reads page after page; there is one for `query` alone."""
        if operation != "query":
            raise ValueError(f"there are no pages of {operation} here")
        return Paginator(self)

    async def call(self, operation: str, request: Mapping[str, object]) -> dict[str, Any]:
        """Make a call, with repetitions; raise DynamoDBError, NoAnswer."""
        body = msgspec.json.encode(request)
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                answer = await self._attempt(operation, body)
            except (OSError, TimeoutError, EOFError) as error:
                if last:
                    raise NoAnswer(f"{operation}: {error!r}") from error
            else:
                if answer.status == SUCCESS:
                    document: dict[str, Any] = msgspec.json.decode(answer.body)
                    return document
                refusal = _read_refusal(operation, answer)
                if last or not _is_repeated(answer.status, refusal):
                    raise refusal
            await asyncio.sleep(0.05 * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        raise AssertionError  # the last attempt has returned or raised

    async def close(self) -> None:
        """Close the links; those under way are closed as their calls end."""
        while self._idle:
            self._idle.pop().close()

    async def _attempt(self, operation: str, body: bytes) -> Answer:
        """Send a request; on a kept link that closes without a word, once more on a new one."""
        async with self._permits:
            kept = self._take()
            if kept is not None:
                try:
                    return await self._exchange(kept, operation, body)
                except LinkLost as error:
                    if not error.silent:
                        raise
            return await self._exchange(await self._open(), operation, body)

    async def _exchange(self, link: Link, operation: str, body: bytes) -> Answer:
        head = self._signer.head(operation, body, self._clock())
        try:
            async with asyncio.timeout(self._read_timeout_s):
                answer = await link.exchange(head + body)
        except BaseException:
            link.close()  # an answer that came later would be another call's
            raise
        if answer.crc32 is not None and answer.crc32 != zlib.crc32(answer.body):
            link.close()
            raise EOFError("the answer's checksum is wrong")
        if link.is_open:
            link.idle_since = self._clock()
            self._idle.append(link)
        return answer

    def _take(self) -> Link | None:
        """Give the link that was used last, unless all have rested too long by the wall's clock."""
        while self._idle:
            link = self._idle.pop()
            if link.is_open and abs(self._clock() - link.idle_since) <= IDLE_MAX_S:
                return link
            link.close()
        return None

    async def _open(self) -> Link:
        access, loop = self._access, asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, link = await loop.create_connection(
                Link, access.host, access.port, ssl=self._context
            )
        return link


class Paginator:
    """Pages of queries, with the two of botocore's settings that dynamodb_table gives."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def paginate(
        self,
        *,
        PaginationConfig: Mapping[str, int],  # noqa: N803 - botocore's name
        **request: object,
    ) -> AsyncIterator[dict[str, Any]]:
        """Give pages of up to PageSize rows until there are no more, or MaxItems have come."""
        left = PaginationConfig.get("MaxItems")
        asked = {**request, "Limit": PaginationConfig["PageSize"]}
        while True:
            page = await self._client.query(**asked)
            if left is not None:
                page["Items"] = page["Items"][:left]
                left -= len(page["Items"])
            yield page
            asked["ExclusiveStartKey"] = page.get("LastEvaluatedKey")
            if not asked["ExclusiveStartKey"] or left == 0:
                return


def _read_refusal(operation: str, answer: Answer) -> DynamoDBError:
    """Read an error as AWS's JSON protocol writes it: the code is what `__type` has after `#`."""
    try:
        document = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.DecodeError:
        document = {}
    code = str(document.pop("__type", answer.status)).rpartition("#")[2]
    message = str(document.pop("message", "") or document.pop("Message", ""))
    error = {"Code": code, "Message": message}
    return _CLASSES.get(code, DynamoDBError)(operation, {"Error": error, **document})


def _is_repeated(status: int, refusal: DynamoDBError) -> bool:
    code = refusal.response["Error"]["Code"]
    return status >= FAULT_FROM or status == TOO_MANY or code in REPEATED
