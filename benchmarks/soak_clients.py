"""The soak's clients on bare transports: WebSocket readers, and posters that pipeline.

A reader counts what it was promised (a post answered 200) against what it got.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

HANDSHAKE = (
    b"GET /dev HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
ASK_ID = b"\x81\x82\x00\x00\x00\x00id"
CLOSE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
LENGTH_16 = 126
LENGTH_64 = 127
CLOSE_OPCODE = 0x88
TEXT_OPCODE = 0x81


class Reader(asyncio.Protocol):
    """One WebSocket client; `connection_id` is empty until the gateway has told it.

    `promised` are messages that were answered 200 and have not come; `early` came first.
    """

    def __init__(self, on_end: Callable[["Reader"], None]) -> None:
        self.connection_id = ""
        self.promised: dict[bytes, float] = {}
        self.early: set[bytes] = set()
        self.received = 0
        self.is_over = False
        self._on_end = on_end
        self._buffer = b""
        self._is_open = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        """Read the answer to the handshake, then frames."""
        self._buffer += data
        if not self._is_open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101 ") or self._transport is None:
                self.vanish()
                return
            self._is_open, self._buffer = True, rest
            self._transport.write(ASK_ID)
        self._read_frames()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Count no more."""
        self.is_over = True
        self._on_end(self)

    def promise(self, message: bytes, now: float) -> None:
        """Note that a post was answered 200."""
        if message in self.early:
            self.early.remove(message)
        else:
            self.promised[message] = now

    def close(self) -> None:
        """Close as RFC 6455 wants it."""
        self.is_over = True
        if self._transport is not None:
            self._transport.write(CLOSE)

    def vanish(self) -> None:
        """Go without a word."""
        self.is_over = True
        if self._transport is not None:
            self._transport.abort()

    def _read_frames(self) -> None:
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 2:  # noqa: PLR2004 - the shortest head
            size, start = buffer[at + 1], at + 2
            if size == LENGTH_16:
                size, start = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
            elif size == LENGTH_64:
                size, start = int.from_bytes(buffer[at + 2 : at + 10]), at + 10
            if len(buffer) < start + size:
                break
            self._take(buffer[at], buffer[start : start + size])
            at = start + size
        self._buffer = buffer[at:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE_OPCODE:
            self.vanish()
        elif opcode != TEXT_OPCODE:
            raise RuntimeError(f"unexpected frame {opcode:#x}")
        elif not self.connection_id:
            self.connection_id = payload.decode()
        else:
            self.received += 1
            if self.promised.pop(payload, None) is None:
                self.early.add(payload)


class Poster(asyncio.Protocol):
    """One HTTP link to `@connections`; posts are pipelined, answers come in order."""

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.waiting: deque[tuple[Reader, bytes]] = deque()
        self.is_cut = False
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._now = asyncio.get_running_loop().time

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Fail the soak: a link to `@connections` in use is never cut."""
        self.is_cut = True

    def post(self, reader: Reader, message: bytes) -> None:
        """Post to a reader."""
        if self.is_cut:
            return
        if self._transport is None:
            raise RuntimeError("not connected")
        self.waiting.append((reader, message))
        self._transport.write(
            b"POST /dev/@connections/%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b"
            % (reader.connection_id.encode(), len(message), message)
        )

    def data_received(self, data: bytes) -> None:
        """Read answers; 200 is a promise to the reader."""
        self._buffer += data
        while True:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line[15:])
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            status = int(head[9:12])
            self.statuses[status] = self.statuses.get(status, 0) + 1
            reader, message = self.waiting.popleft()
            if status == 200:  # noqa: PLR2004 - OK
                reader.promise(message, self._now())
