"""One HTTP/1.1 connection to DynamoDB ("link", as a connection is a client's); httptools parses.

Not here: when to open one and when to try again, which is dynamodb_client's.
"""

import asyncio
from typing import Final, cast

import httptools
from msgspec import Struct

CRC: Final = b"x-amz-crc32"


class Answer(Struct, frozen=True):
    """What came back; `crc32` is what DynamoDB says the body's checksum is, if it does."""

    status: int
    body: bytes
    crc32: int | None


class LinkLost(ConnectionError):  # noqa: N818 - named for what happened
    """The link closed, or carried no HTTP; `silent` if no byte of an answer had come."""

    def __init__(self, *, silent: bool) -> None:
        super().__init__("DynamoDB closed the link before its answer was complete")
        self.silent = silent


class Link(asyncio.Protocol):
    """A link; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[Answer] | None = None
        self._body: list[bytes] = []
        self._crc32: int | None = None
        self._received = False
        self.idle_since = 0.0
        """For dynamodb_client: since when it waits for a request."""

    async def exchange(self, request: bytes) -> Answer:
        """Send a request, give its answer; raise LinkLost."""
        if self._transport is None or self._transport.is_closing():
            raise LinkLost(silent=True)
        self._waiting = asyncio.get_running_loop().create_future()
        self._received = False
        self._transport.write(request)
        try:
            return await self._waiting
        finally:
            self._waiting = None

    @property
    def is_open(self) -> bool:
        """Whether another request may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Close at once, with whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse; what comes unasked, or is no HTTP, ends the link."""
        self._received = True
        try:
            if self._waiting is None:
                self.close()
            else:
                self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Tell who waits."""
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(LinkLost(silent=not self._received))

    # httptools

    def on_message_begin(self) -> None:
        """Forget the answer before."""
        self._body, self._crc32 = [], None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the checksum; no other header says anything that we need."""
        if name.lower() == CRC and value.isdigit():
            self._crc32 = int(value)

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer."""
        if not self._parser.should_keep_alive() and self._transport is not None:
            self._transport.close()
        if self._waiting is not None and not self._waiting.done():
            status = self._parser.get_status_code()
            self._waiting.set_result(Answer(status, b"".join(self._body), self._crc32))
