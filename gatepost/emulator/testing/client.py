"""A WebSocket client for tests: it keeps every frame that came, and waits with a limit.

Waiting methods block; those with `_async` are awaited in a coroutine whose loop must go on.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from gatepost.emulator.testing.loop_thread import Happenings, LoopThread

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

TIMEOUT_S: Final = 5.0
"""How long a test waits, where it says nothing else."""

Frame = str | bytes
Query = str | Mapping[str, str] | Iterable[tuple[str, str]]
Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class HandshakeRejectedError(Exception):
    """The gateway, or the `$connect` function, refused the connection: `status` and `body`."""

    def __init__(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        super().__init__(f"the handshake was answered {status}: {body}")
        self.status = status
        self.body = body
        self.headers = headers


class ClosedError(Exception):
    """The connection is closed: `code` and `reason` of the close frame, 1006 without one."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the connection is closed: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class Client:
    """One open connection. `received` has every frame that came, in order."""

    def __init__(self, loop: LoopThread, happenings: Happenings) -> None:
        self.received: list[Frame] = []
        self.connection_id = ""
        self._loop = loop
        self._happenings = happenings
        self._taken = 0
        self._ended = False
        self._link: ClientConnection
        self._reading: asyncio.Task[None] | None = None

    async def open(self, url: str, headers: Headers, subprotocols: Sequence[str]) -> str:
        """Connect, in the gateway's loop; give the handshake's key, which names it there."""
        from websockets.asyncio.client import connect  # noqa: PLC0415 - a gateway starts without

        try:
            self._link = await connect(
                url,
                additional_headers=headers,
                subprotocols=[Subprotocol(each) for each in subprotocols] or None,
                ping_interval=None,
                proxy=None,
                max_size=None,
                open_timeout=None,
            )
        except InvalidStatus as error:
            answer = error.response
            body = (answer.body or b"").decode(errors="replace")
            raise HandshakeRejectedError(answer.status_code, body, answer.headers) from None
        self._reading = asyncio.get_running_loop().create_task(self._read())
        request = self._link.request
        return request.headers["Sec-WebSocket-Key"] if request else ""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the `$connect` function chose."""
        return self._link.subprotocol

    @property
    def close_code(self) -> int | None:
        """Code of the close frame, 1006 without one; None while the connection is open."""
        return self._link.close_code if self._ended else None

    @property
    def close_reason(self) -> str | None:
        """Reason of the close frame; None while the connection is open."""
        return self._link.close_reason if self._ended else None

    def send(self, message: object, timeout: float = TIMEOUT_S) -> None:
        """Send text or bytes as they are, anything else as JSON.

        Raises ClosedError, and TimeoutError while the gateway does not read.
        """
        frame = message if isinstance(message, str | bytes) else json.dumps(message)
        try:
            self._loop.call(self._link.send(frame), timeout)
        except ConnectionClosed:
            raise self._closed() from None

    def receive(self, timeout: float = TIMEOUT_S) -> Frame:
        """Take the next frame. Raises TimeoutError, or ClosedError when none will come."""
        self._happenings.wait(self._has_news, timeout, self._story)
        return self._take()

    async def receive_async(self, timeout: float = TIMEOUT_S) -> Frame:  # noqa: ASYNC109 - ours
        """Take the next frame, in a coroutine."""
        await self._happenings.wait_async(self._has_news, timeout, self._story)
        return self._take()

    def receive_json(self, timeout: float = TIMEOUT_S) -> Any:  # noqa: ANN401 - JSON
        """Take the next frame and read it as JSON."""
        return json.loads(self.receive(timeout))

    def wait_closed(self, timeout: float = TIMEOUT_S) -> int:
        """Wait until the connection has ended; its close code."""
        self._happenings.wait(lambda: self._ended, timeout, lambda: f"a close; {self._story()}")
        return self._closed().code

    async def wait_closed_async(self, timeout: float = TIMEOUT_S) -> int:  # noqa: ASYNC109 - ours
        """Wait until the connection has ended, in a coroutine; its close code."""
        await self._happenings.wait_async(lambda: self._ended, timeout, self._story)
        return self._closed().code

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame and wait until the gateway has answered it."""
        self._loop.call(self._close(code, reason))

    async def end(self) -> None:
        """Leave, if it is still there; in the gateway's loop."""
        if self._reading is not None:
            self._link.transport.abort()
            await self._reading

    async def _close(self, code: int, reason: str) -> None:
        await self._link.close(code, reason)
        await self._link.wait_closed()
        if self._reading is not None:
            await self._reading

    async def _read(self) -> None:
        try:
            async for frame in self._link:
                self.received.append(frame)
                self._happenings.tell()
        except ConnectionClosed:
            pass
        finally:
            self._ended = True
            self._happenings.tell()

    def _has_news(self) -> bool:
        return self._ended or len(self.received) > self._taken

    def _take(self) -> Frame:
        if len(self.received) <= self._taken:
            raise self._closed()
        self._taken += 1
        return self.received[self._taken - 1]

    def _closed(self) -> ClosedError:
        return ClosedError(self._link.close_code or 1006, self._link.close_reason or "")

    def _story(self) -> str:
        return f"a frame after these: {self.received}"


def with_query(url: str, query: Query) -> str:
    """Append a query, given as text or as names with values."""
    if not isinstance(query, str):
        query = urlencode(list(query.items() if isinstance(query, Mapping) else query))
    return f"{url}?{query}" if query else url
