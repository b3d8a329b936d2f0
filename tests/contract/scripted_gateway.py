"""A management API that answers `POST /@connections/{id}` as a test says, faults included.

Our own gateway answers as the real one does; this one hangs, breaks and throttles on demand.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `error_type` goes into `x-amzn-ErrorType`, where botocore looks (B-214)."""

    status: int
    error_type: str = ""
    body: bytes = b""
    headers: tuple[str, ...] = ()


Script = Answer | Literal["hang", "drop", "meet", "cut", "garbage", "bye", "slow"]
"""`meet` answers 200 once as many requests wait as `ScriptedGateway.meeting` brings together.

`cut` takes the message and breaks off in its answer, `garbage` answers no HTTP; after `bye`,
which is 200, the link closes as soon as the next request begins; `slow` is 200 after SLOW_S.
"""

SLOW_S = 0.1
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot"
OK = Answer(200)
GONE = Answer(410, "GoneException")
THROTTLED = Answer(429, "LimitExceededException")
FORBIDDEN = Answer(403, "ForbiddenException", b'{"message":"Forbidden"}')
INVALID_ID = Answer(
    400, "BadRequestException", b'{"message": "Invalid connectionId: x", "connectionId":"x"}'
)
BAD_REQUEST = Answer(400, "BadRequestException", b'{"message": "something else"}')
TOO_LONG = Answer(413, "PayloadTooLargeException", b'{"message":"Message too long"}')
SLOW_DOWN = Answer(429, "LimitExceededException", headers=("Retry-After: 1",))
BROKEN = Answer(500, "InternalServerErrorException")


@dataclass(slots=True)
class ScriptedGateway:
    """Where it listens, what it will say, and what it was sent.

    `scripts` holds, for each connection id, its next answers; the last one stays. Without a script
    the answer is 200. Requests of an access key that it does not accept are answered 403.
    """

    url: str = ""
    scripts: dict[str, list[Script]] = field(default_factory=dict)
    posts: list[tuple[str, bytes]] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    meeting: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(2))
    accepts_key: Callable[[str], bool] = lambda _: True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one link, request after request."""
        try:
            while await self._answer_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; False when that was the last of its link."""
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        lengths = [line for line in lines if line.lower().startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0].split(":")[1]))
        connection_id = unquote(lines[0].split(" ")[1].rpartition("/")[2])
        self.attempts[connection_id] += 1
        if not self.accepts_key(head.decode().partition("Credential=")[2].partition("/")[0]):
            writer.write(b"HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n")
            return True
        script = self.scripts.get(connection_id, [OK])
        step = script.pop(0) if len(script) > 1 else script[0]
        if step == "hang":
            await reader.read()  # until the caller gives up
        if step in {"meet", "slow"}:
            await (self.meeting.wait() if step == "meet" else asyncio.sleep(SLOW_S))
            step = OK
        if step in {"cut", "garbage"}:
            self.posts.append((connection_id, body))
            writer.write(CUT if step == "cut" else b"220 mail.example ESMTP\r\n")
            await writer.drain()
        last = step == "bye"
        if last:
            step = OK
        if not isinstance(step, Answer):
            return False
        if step == OK:
            self.posts.append((connection_id, body))
        more = "".join(f"{each}\r\n" for each in step.headers).encode()
        writer.write(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nx-amzn-ErrorType: %b\r\n%b\r\n%b"
            % (step.status, len(step.body), step.error_type.encode(), more, step.body)
        )
        await writer.drain()
        if last:
            await reader.readexactly(1)
        return not last


@asynccontextmanager
async def scripted_gateway() -> AsyncIterator[ScriptedGateway]:
    """Run one on a port of the system's choice, with the stage `dev` in its URL."""
    gateway = ScriptedGateway()
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    gateway.url = f"http://{host}:{port}/dev"
    try:
        yield gateway
    finally:
        server.close()
