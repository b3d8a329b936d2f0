"""Transport over the gateway's management API, through botocore's own client.

The endpoint comes from AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI (B-339). Only 410 means gone, and
400 for an id that never was one (B-216); 403 is a wrong endpoint or a missing permission, so that
taking it for gone would empty the table. Botocore repeats nothing here: its defaults (B-335, B-336)
would hold a broadcast up for minutes.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiobotocore.config import AioConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from functions.core.ports import Delivered, Failed, Gone, Outcome

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from types_aiobotocore_apigatewaymanagementapi import ApiGatewayManagementApiClient

WIDTH: Final = 100
CONFIG: Final = AioConfig(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=WIDTH,
    retries={"total_max_attempts": 1},
)
THROTTLED: Final = "throttled"
BROKEN: Final = "broken"
ATTEMPTS: Final = {THROTTLED: 4, BROKEN: 2}
"""Attempts in all, by reason. A connection that answers 429 so often has a full buffer: it is a
slow reader (B-203). Links break that were idle while Lambda had frozen the environment."""

PACED_ATTEMPTS: Final = 10
"""The same for 429 while many connections answer it: nobody in particular is slow."""

PACED_CONNECTIONS: Final = 3
PACE_WINDOW_S: Final = 1.0
PAUSE_S: Final = 0.25
"""When so many connections answer 429 within the window, the whole sender pauses."""


@asynccontextmanager
async def open_transport(session: "AioSession") -> AsyncIterator["ManagementApiTransport"]:
    """Open a Transport with a client of its own."""
    async with session.create_client("apigatewaymanagementapi", config=CONFIG) as client:
        yield ManagementApiTransport(client)


class ManagementApiTransport:
    """Transport (core/ports.py) that posts to `@connections`."""

    def __init__(self, client: "ApiGatewayManagementApiClient") -> None:
        self._client = client
        self._pace = _Pace()

    @property
    def width(self) -> int:
        """As many sends as the client's pool has connections."""
        return WIDTH

    async def send(self, connection_id: str, payload: bytes) -> Outcome:
        """Post, and post again after 429, 5xx or a broken link (see Transport)."""
        return await self._repeat(
            connection_id,
            lambda: self._client.post_to_connection(ConnectionId=connection_id, Data=payload),
        )

    async def close(self, connection_id: str) -> Outcome:
        """Delete, and delete again after 5xx or a broken link (see Transport)."""
        return await self._repeat(
            connection_id, lambda: self._client.delete_connection(ConnectionId=connection_id)
        )

    async def _repeat(self, connection_id: str, call: Callable[[], Awaitable[object]]) -> Outcome:
        attempt = 0
        while True:
            await self._pace.wait()
            outcome = await self._call(call)
            attempt += 1
            if not isinstance(outcome, Failed) or attempt >= self._attempts(connection_id, outcome):
                return outcome
            await asyncio.sleep(_backoff_s(attempt))

    async def _call(self, call: Callable[[], Awaitable[object]]) -> Outcome:
        try:
            await call()
        except ClientError as error:
            return _refused(error)
        except (ConnectTimeoutError, ReadTimeoutError):
            return Failed("timeout")
        except (EndpointConnectionError, ConnectionClosedError):
            return Failed(BROKEN)
        except BotoCoreError as error:
            return Failed(type(error).__name__)
        return Delivered()

    def _attempts(self, connection_id: str, failed: Failed) -> int:
        if failed.reason == THROTTLED and self._pace.throttled(connection_id):
            return PACED_ATTEMPTS
        return ATTEMPTS.get(failed.reason, 1)


class _Pace:
    """Slows all sends down while many connections answer 429."""

    def __init__(self) -> None:
        self._resume_at = 0.0
        self._throttled_at: dict[str, float] = {}

    async def wait(self) -> None:
        """Wait for the end of a pause; each sender a little longer or shorter than the others."""
        pause_s = self._resume_at - asyncio.get_running_loop().time()
        if pause_s > 0:
            await asyncio.sleep(pause_s * _jitter())

    def throttled(self, connection_id: str) -> bool:
        """Note a 429; true when so many connections got one lately that all must pause."""
        now = asyncio.get_running_loop().time()
        self._throttled_at[connection_id] = now
        self._throttled_at = {
            each: at for each, at in self._throttled_at.items() if now - at < PACE_WINDOW_S
        }
        many = len(self._throttled_at) >= PACED_CONNECTIONS
        if many:
            self._resume_at = now + PAUSE_S
        return many


def _refused(error: ClientError) -> Outcome:
    """Read what an answer other than 200 says about the connection (B-214 to B-218)."""
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    message = error.response["Error"].get("Message", "")
    if status == HTTPStatus.GONE:
        return Gone()
    if status == HTTPStatus.BAD_REQUEST and "Invalid connectionId" in message:
        return Gone()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failed(THROTTLED)
    return Failed(BROKEN if status >= HTTPStatus.INTERNAL_SERVER_ERROR else str(status))


def _backoff_s(attempt: int) -> float:
    """Give the wait after the first, second ... attempt: 50 ms, doubling to 800 ms."""
    return min(0.8, 0.025 * 2.0**attempt) * _jitter()


def _jitter() -> float:
    return random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, keeps no secret
