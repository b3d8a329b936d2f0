"""A server that speaks the wire protocol as far as a smoke test asks, and errs where it is told."""

import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

Answer = Callable[["Server", dict[str, Any]], object]
EPOCH = "e1"


@dataclass(slots=True)
class Server:
    """One channel, its log and its subscribers. `answers` replaces what an action sends back."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    token: str | None = None
    refusal: int = 401
    keeps_history: bool = True
    remembers_the_gone: bool = False
    delivers: bool = True
    recovery: Mapping[str, Any] | None = None
    ends_at: str = ""
    tls: ssl.SSLContext | None = None
    url: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)
    subscribers: set[ServerConnection] = field(default_factory=set)

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse a handshake that shows another token."""
        shown = parse_qs(urlsplit(request.path).query).get("token", [None])[0]
        if self.token is None or shown == self.token:
            return None
        return Response(self.refusal, "Refused", Headers(), b"")

    async def serve(self, connection: ServerConnection) -> None:
        """Answer one connection's requests until it ends."""
        async for frame in connection:
            request = json.loads(frame)
            if request["action"] == self.ends_at:
                await connection.close(1013, "busy")
                return
            answer = self.answers.get(request["action"])
            if answer is None:
                sent: object = reply(request, await self._carry_out(connection, request))
            else:
                sent = answer(self, request)
            if sent is not None:
                await connection.send(sent if isinstance(sent, str) else json.dumps(sent))
        if not self.remembers_the_gone:
            self.subscribers.discard(connection)

    async def _carry_out(
        self, connection: ServerConnection, request: dict[str, Any]
    ) -> dict[str, Any]:
        if request["action"] == "subscribe":
            self.subscribers.add(connection)
            return {"channels": [self._position() | self._recovered(request)]}
        if request["action"] == "publish":
            self.log.append({"data": request["data"]})
            message = {"type": "publication", "channel": request["channel"], **self.log[-1]}
            for each in self.subscribers if self.delivers else ():
                if each.state.name == "OPEN":
                    await each.send(json.dumps(message | self._position()))
            return self._position()
        if request["action"] == "presenceStats":
            return {"connections": len(self.subscribers), "users": 1}
        return {}

    def _position(self) -> dict[str, Any]:
        return {"epoch": EPOCH, "offset": len(self.log)} if self.keeps_history else {}

    def _recovered(self, request: dict[str, Any]) -> dict[str, Any]:
        if "recover" not in request:
            return {}
        if self.recovery is not None:
            return dict(self.recovery)
        return {"recovered": True, "publications": self.log[request["recover"]["offset"] :]}


def reply(request: Mapping[str, Any], result: object) -> dict[str, Any]:
    """Make a reply that says yes."""
    return {"type": "reply", "id": request["id"], "ok": True, "result": result}


def error(code: int, message: str) -> Answer:
    """Make an answer that says no."""
    return lambda _, request: {
        "type": "reply",
        "id": request["id"],
        "ok": False,
        "error": {"code": code, "message": message, "temporary": False},
    }


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    """Keep it listening on loopback; `url` says where."""
    async with serve(
        server.serve, "127.0.0.1", 0, process_request=server.admit, ssl=server.tls
    ) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        scheme = "wss" if server.tls else "ws"
        server.url = f"{scheme}://127.0.0.1:{port}/dev"
        yield server
