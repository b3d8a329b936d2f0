"""One end of a socket in tests of the protocol: asks, and keeps what else comes until wanted."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from gatepost.emulator.environment import read_env_file
from gatepost.emulator.tokens import read_permission, sign
from tests.e2e.conftest import ROOT, RunningEmulator

Message = dict[str, Any]
PATIENCE_S = 15.0


class Peer:
    """One connection; messages that were not asked for yet wait in the order in which they came."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self._waiting: list[Message] = []

    async def send(self, **request: object) -> None:
        """Send a request, and wait for nothing."""
        await self.client.send(json.dumps(request))

    async def ask(self, **request: object) -> Message:
        """Send a request; give its reply. One request at a time."""
        await self.send(**request)
        return await self.told("reply")

    async def ask_in_words(self, text: str) -> Message:
        """Send any text; give the reply."""
        await self.client.send(text)
        return await self.told("reply")

    async def result(self, **request: object) -> Any:  # noqa: ANN401 - JSON
        """Send a request that succeeds; give its result, None without."""
        reply = await self.ask(**request)
        assert reply["ok"] is True, reply
        return reply.get("result")

    async def error(self, **request: object) -> int:
        """Send a request that fails; give the error's code."""
        reply = await self.ask(**request)
        assert reply["ok"] is False, reply
        return int(reply["error"]["code"])

    async def subscribed(self, channel: str, **fields: object) -> Message:
        """Subscribe to one channel; give what is said of it."""
        (found,) = (await self.result(action="subscribe", channel=channel, **fields))["channels"]
        assert found["channel"] == channel
        return dict(found)

    async def told(self, kind: str) -> Message:
        """Give the first message of a type that is not taken yet; the others go on waiting."""
        for message in self._waiting:
            if message["type"] == kind:
                self._waiting.remove(message)
                return message
        while (message := await self._next())["type"] != kind:
            self._waiting.append(message)
        return message

    async def waiting(self) -> list[Message]:
        """Take everything that came before the reply to a request that is made now."""
        await self.result(action="ping")
        found, self._waiting = self._waiting, []
        return found

    async def _next(self) -> Message:
        found = json.loads(await asyncio.wait_for(self.client.recv(), PATIENCE_S))
        assert "type" in found, f"the gateway's own: {found}"
        return dict(found)


@asynccontextmanager
async def peer(url: str) -> AsyncIterator[Peer]:
    """Connect."""
    async with connect(url) as client:
        yield Peer(client)


@asynccontextmanager
async def pair(emulator: RunningEmulator, one: str, other: str) -> AsyncIterator[tuple[Peer, Peer]]:
    """Connect two users."""
    async with peer(as_user(emulator, one)) as first, peer(as_user(emulator, other)) as second:
        yield first, second


def new_channel(namespace: str = "chat") -> str:
    """Name a channel that no other test uses."""
    return f"{namespace}:{uuid.uuid4().hex}"


def token(user: str, *permissions: str, ttl_s: int = 600, info: object = None) -> str:
    """Sign a token as `gatepost token` does, with permissions as given there."""
    secret = read_env_file(ROOT / "local.env")["JWT_SECRET"]
    return sign(
        {
            "sub": user,
            "exp": int(time.time()) + ttl_s,
            "permissions": [read_permission(each) for each in permissions],
            **({} if info is None else {"info": info}),
        },
        secret,
    )


def as_user(emulator: RunningEmulator, user: str, *permissions: str, info: object = None) -> str:
    """Give the URL by which a user connects, who may do everything unless told."""
    return f"{emulator.url}?token={token(user, *permissions or ('*',), info=info)}"
