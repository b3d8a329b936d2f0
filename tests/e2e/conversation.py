"""What tests say to the template over a socket."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

Message = dict[str, Any]


async def refusal(url: str, **options: Any) -> int:  # noqa: ANN401 - websockets' own
    """Give the status that a handshake is refused with."""
    with pytest.raises(InvalidStatus) as raised:
        async with connect(url, **options):
            pass
    return raised.value.response.status_code


async def receive(client: ClientConnection, *types: str) -> Message:
    """Give the next message of these types; others on the way are dropped."""
    while (message := json.loads(await asyncio.wait_for(client.recv(), 10)))["type"] not in types:
        pass
    return dict(message)


async def ask(client: ClientConnection, **request: object) -> Message:
    """Send a request and give its reply."""
    await client.send(json.dumps(request))
    return await receive(client, "reply")


async def error_of(client: ClientConnection, **request: object) -> int:
    """Send a request that fails; give the error's code, 0 without error."""
    reply = await ask(client, **request)
    return 0 if reply["ok"] else int(reply["error"]["code"])


async def closed(client: ClientConnection) -> Message:
    """Give the `closing` message after which the server ended the connection."""
    message = await receive(client, "closing")
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(client.recv(), 10)
    return message
