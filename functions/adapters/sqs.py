"""Outlet (core/happenings.py) to a standard SQS queue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec
from aiobotocore.config import AioConfig

from functions.core.happenings import Happening

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from types_aiobotocore_sqs import SQSClient

CONFIG: Final = AioConfig(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})


@asynccontextmanager
async def open_outlet(session: "AioSession", queue_url: str) -> AsyncIterator["QueueOutlet"]:
    """Open an Outlet to a queue, with a client of its own."""
    async with session.create_client("sqs", config=CONFIG) as client:
        yield QueueOutlet(client, queue_url)


class QueueOutlet:
    """Sends each happening as one message, whose body is JSON."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    async def put(self, happening: Happening) -> None:
        """Send one message; what SQS refuses is botocore's ClientError."""
        body = msgspec.json.encode(happening).decode()
        await self._client.send_message(QueueUrl=self._queue_url, MessageBody=body)
