"""The part of DynamoDB's client that dynamodb_table uses, without botocore.

A cold start waits for imports, and botocore's and aiohttp's take longer than all others together.
Calls, answers and errors have the shapes of botocore's. Repetitions are those of its legacy mode:
for throttling, faults of the service and answers that did not come. The links are http_pool's.
"""

import asyncio
import os
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import msgspec

from functions.adapters.backoff import backoff_s
from functions.adapters.dynamodb_access import Access
from functions.adapters.dynamodb_requests import Requests
from functions.adapters.http_link import NoResponse, Response
from functions.adapters.http_pool import Host, Limits, NotConnected, Pool

ATTEMPTS: Final = 3
CONNECT_TIMEOUT_S: Final = 2.0
READ_TIMEOUT_S: Final = 2.75
"""With http_pool.SWEEP_S the 3 s of botocores_config."""

BACKOFF_S_MAX: Final = 0.1
LINKS_MAX: Final = 50
ANSWER_BYTES_MAX: Final = 32 * 1024 * 1024
"""A page has 1 MB of rows and a batch 16 MB, and JSON takes more than what is counted there."""

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
CRC32: Final = b"x-amz-crc32"


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
        endpoint = access.endpoint
        limits = Limits(LINKS_MAX, CONNECT_TIMEOUT_S, read_timeout_s, ANSWER_BYTES_MAX)
        self._pool = Pool(Host(endpoint.host, endpoint.port, context), limits, clock)
        self._requests = Requests(access)
        self._clock = clock

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
            except NoAnswer:
                if last:
                    raise
            else:
                if answer.status == SUCCESS:
                    document: dict[str, Any] = msgspec.json.decode(answer.body)
                    return document
                refusal = _read_refusal(operation, answer)
                if last or not _is_repeated(answer.status, refusal):
                    raise refusal
            await asyncio.sleep(backoff_s(attempt, most_s=BACKOFF_S_MAX))
        raise AssertionError  # the last attempt has returned or raised

    async def close(self) -> None:
        """Close the links, with the calls that are under way."""
        await self._pool.close()

    async def _attempt(self, operation: str, body: bytes) -> Response:
        """Send a request; one that nobody read, once more over a fresh link. Raises NoAnswer."""
        for fresh in (False, True):
            request = self._requests.make(operation, body, self._clock())
            answer = await self._pool.exchange(request, fresh=fresh)
            if not isinstance(answer, NoResponse) or not answer.unread:
                break
        if isinstance(answer, NotConnected):
            raise NoAnswer(f"{operation}: no link to DynamoDB: {answer.why}")
        if isinstance(answer, NoResponse):
            raise NoAnswer(f"{operation}: the link ended, or no answer came in time")
        if answer.headers.get(CRC32, b"") not in {b"", b"%d" % zlib.crc32(answer.body)}:
            raise NoAnswer(f"{operation}: the answer's checksum is wrong")
        return answer


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


def _read_refusal(operation: str, answer: Response) -> DynamoDBError:
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
