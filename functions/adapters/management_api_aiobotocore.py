"""Calls of the management API through botocore's own client: the reference, and slow.

Botocore repeats nothing here: its defaults (B-335, B-336) would hold a broadcast up for minutes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aiobotocore.config import AioConfig
from aiohttp import ServerDisconnectedError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    SSLError,
)

from functions.adapters.management_api import (
    BROKEN,
    TIMEOUT,
    UNKNOWN,
    Answer,
    ManagementApiTransport,
    Opening,
)
from functions.adapters.management_api_requests import Method
from functions.core.ports import Failed

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from types_aiobotocore_apigatewaymanagementapi import ApiGatewayManagementApiClient

WIDTH: Final = 100


@asynccontextmanager
async def open_transport(
    session: "AioSession", opening: Opening
) -> AsyncIterator[ManagementApiTransport]:
    """Open a Transport with a client of its own."""
    config = AioConfig(
        connect_timeout=opening.connect_timeout_s,
        read_timeout=opening.read_timeout_s,
        max_pool_connections=WIDTH,
        retries={"total_max_attempts": 1},
    )
    async with session.create_client(
        "apigatewaymanagementapi", endpoint_url=opening.endpoint_url, config=config
    ) as client:
        yield ManagementApiTransport(AiobotocoreCalls(client), opening.sends_per_second)


class AiobotocoreCalls:
    """Calls (management_api.py) of a client.

    aiohttp's pool does not say whether a link was used before, so `fresh` is left to it, and one
    that closes without a word counts as one that was.
    """

    def __init__(self, client: "ApiGatewayManagementApiClient") -> None:
        self._client = client

    @property
    def width(self) -> int:
        """As many calls as the client's pool has links."""
        return WIDTH

    async def call(
        self,
        method: Method,
        connection_id: str,
        payload: bytes,
        *,
        fresh: bool,  # noqa: ARG002 - see above
    ) -> Answer | Failed:
        """Call (see Calls)."""
        try:
            if method == "POST":
                await self._client.post_to_connection(ConnectionId=connection_id, Data=payload)
            else:
                await self._client.delete_connection(ConnectionId=connection_id)
        except ClientError as error:
            return _answer(error)
        except BotoCoreError as error:
            return Failed(_reason(error))
        return Answer(200)


def _answer(error: ClientError) -> Answer:
    metadata = error.response["ResponseMetadata"]
    message = error.response["Error"].get("Message", "")
    retry_after = metadata["HTTPHeaders"].get("retry-after", "")
    return Answer(metadata["HTTPStatusCode"], message, retry_after)


def _reason(error: BotoCoreError) -> str:
    if isinstance(error, ConnectTimeoutError):
        return TIMEOUT
    if isinstance(error, EndpointConnectionError | SSLError):
        return BROKEN
    if isinstance(error, ConnectionClosedError):
        silent = isinstance(error.kwargs["error"], ServerDisconnectedError)
        return BROKEN if silent else UNKNOWN
    return UNKNOWN if isinstance(error, HTTPClientError) else type(error).__name__
