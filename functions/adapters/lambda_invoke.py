"""Workers (core/workers.py) that are invocations of a Lambda function, asynchronous ones.

Botocore repeats nothing here: where an answer was lost the job may have been taken, and everybody
in it would get the message twice. What Lambda answered it did not take, so that is repeated.
Source: AWS Lambda API Reference, Invoke.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError

from functions.adapters.backoff import backoff_s
from functions.core.workers import Job, NotTaken

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from types_aiobotocore_lambda import LambdaClient

ATTEMPTS: Final = 3
BACKOFF_S: Final = 0.1
BACKOFF_S_MAX: Final = 0.2
JOB_BYTES_MAX: Final = 240_000
"""Asynchronous invocations took 256 KB before they took 1 MB, and each 64 KB are billed as one. The
longest message, twice as long as a JSON string at most, leaves room for more than 20,000 shards."""

CONFIG: Final = AioConfig(
    connect_timeout=1,
    read_timeout=3,
    max_pool_connections=50,
    retries={"total_max_attempts": 1},
)


@asynccontextmanager
async def open_invoker(session: "AioSession", function: str) -> AsyncIterator["LambdaInvoker"]:
    """Open a way to hand jobs to a function, with a client of its own."""
    async with session.create_client("lambda", config=CONFIG) as client:
        yield LambdaInvoker(client, function)


class LambdaInvoker:
    """Invokes one function for each job."""

    def __init__(self, client: "LambdaClient", function: str) -> None:
        self._client = client
        self._function = function

    async def take(self, job: Job) -> None:
        """Invoke, and again after 429 or 5xx (see Workers)."""
        payload = msgspec.json.encode(job)
        if len(payload) > JOB_BYTES_MAX:
            raise NotTaken(f"a job of {len(payload)} bytes; at most {JOB_BYTES_MAX} are taken")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._client.invoke(
                    FunctionName=self._function, InvocationType="Event", Payload=payload
                )
            except ClientError as error:
                if attempt == ATTEMPTS or not _is_passing(error):
                    raise NotTaken(f"{self._function}: {error}") from error
            except BotoCoreError as error:
                raise NotTaken(f"{self._function}: {error}") from error
            else:
                return
            await asyncio.sleep(backoff_s(attempt, first_s=BACKOFF_S, most_s=BACKOFF_S_MAX))


def _is_passing(error: ClientError) -> bool:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
