"""One HTTP/1.1 connection ("link", as a connection is a client's): a request, its response, again.

Knows whether a request that got no response may have been read. Opens nothing and times nothing:
that is http_pool's. httptools parses.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, cast

import httptools
from msgspec import Struct

from functions.adapters.http_tls import NEEDS_MORE, Tls

FINAL_FROM: Final = 200
"""Responses of a lower status are interim ones."""

_BUFFER: Final = memoryview(bytearray(64 * 1024))
_PLAIN: Final = memoryview(bytearray(64 * 1024))
"""What was just received, and decrypted, for all links: it is parsed before the next comes."""


class Response(Struct, frozen=True):
    """A whole response; header names are in lower case."""

    status: int
    body: bytes
    headers: dict[bytes, bytes]


class NoResponse(Struct, frozen=True):
    """A request without response.

    `unread` if the server did not get it whole, or closed a link that it had kept open without a
    word: then it closed it before it saw the request (RFC 9112, section 9.3.1).
    """

    unread: bool


PLAIN_SUCCESS: Final = Response(200, b"", {})
"""Given for every 200 without a body: nobody looks into the headers of those."""


class Link(asyncio.BufferedProtocol):
    """A link; `on_lost` is called once, when it has closed for whatever reason.

    A response of more than `response_bytes_max` closes it.
    """

    def __init__(
        self, on_lost: Callable[["Link"], None], response_bytes_max: int, tls: Tls | None = None
    ) -> None:
        self._on_lost = on_lost
        self._response_bytes_max = response_bytes_max
        self._tls = tls
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[Response | NoResponse] | None = None
        self._used = False
        self._written = True
        self._received = 0
        self._begin()
        self.deadline = 0.0
        self.idle_since = 0.0
        """For http_pool: when to give the response up, and since when it waits for a request."""

    def request(self, request: bytes) -> "asyncio.Future[Response | NoResponse]":
        """Send a request when no other is under way; the future is never set to an exception."""
        waiting = self._waiting = asyncio.get_running_loop().create_future()
        self._received = self._status = 0
        transport = self._transport
        if transport is None or transport.is_closing():
            self._answer(NoResponse(unread=True))
        elif self._tls is None:
            transport.write(request)
        else:
            self._encrypt(self._tls, request)
        return waiting

    async def ready(self) -> None:
        """Wait until requests may be sent. Raises OSError, ssl.SSLError among them."""
        await self._ready

    @property
    def is_usable(self) -> bool:
        """Whether the next request may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def is_busy(self) -> bool:
        """Whether a response is awaited."""
        return self._waiting is not None

    def fileno(self) -> int:
        """Give the socket's descriptor; -1 when it has closed."""
        sock = None if self._transport is None else self._transport.get_extra_info("socket")
        return -1 if sock is None else int(sock.fileno())

    def abort(self) -> None:
        """Close at once; who waits gets NoResponse, unread only if it was not written whole."""
        if self._transport is not None:
            self._transport.abort()
        self._fail(unread=not self._written)

    # asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Learn of every byte that can't be written at once (pause_writing)."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(0)
        if self._tls is None:
            self._ready.set_result(None)
        else:
            self._shake(self._tls)

    def pause_writing(self) -> None:
        """Note that a part of the request is still here."""
        self._written = False

    def resume_writing(self) -> None:
        """Note that the request has left."""
        self._written = True

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's
        """Give room for what comes."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came."""
        if self._tls is None:
            self._parse(_BUFFER[:nbytes])
            return
        self._tls.received(_BUFFER[:nbytes])
        if not self._tls.is_ready:
            self._shake(self._tls)
        if self._tls.is_ready:
            self._decrypt(self._tls)

    def eof_received(self) -> None:
        """Note the end of the link; with TLS only the server's word for it counts (_decrypt)."""
        if self._tls is None:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Tell who waits, and the pool."""
        self._transport = None
        if not self._ready.done():
            self._ready.set_exception(ConnectionResetError("closed in its TLS handshake"))
        self._fail(unread=not self._written or (self._used and not self._received))
        self._on_lost(self)

    # httptools

    def on_message_begin(self) -> None:
        """Forget the response before, an interim one maybe; a second one to a request is none."""
        if self._waiting is None:
            self.abort()
        self._begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Keep the status."""
        self._status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer; what comes before the final response is passed over (RFC 9110, section 15.2)."""
        if self._status >= FINAL_FROM:
            self._complete()

    def _shake(self, tls: Tls) -> None:
        try:
            tls.shake()
        except ssl.SSLError as error:
            self._ready.set_exception(error)
            self.abort()
            return
        finally:
            self._write(tls.to_send())
        if tls.is_ready:
            self._ready.set_result(None)

    def _encrypt(self, tls: Tls, request: bytes) -> None:
        try:
            self._write(tls.encrypt(request))
        except ssl.SSLError:
            self.abort()

    def _decrypt(self, tls: Tls) -> None:
        try:
            while (size := tls.decrypt_into(_PLAIN)) != NEEDS_MORE:
                if not size:
                    self._end()
                    self.abort()
                    return
                self._parse(_PLAIN[:size])
        except ssl.SSLError:
            self.abort()
        else:
            self._write(tls.to_send())

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _parse(self, data: memoryview) -> None:
        """Parse; what comes unasked, is too long or no HTTP ends the link."""
        self._received += len(data)
        if self._waiting is None or self._received > self._response_bytes_max:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.abort()

    def _end(self) -> None:
        """Take what came as the response if only the end of the link ends it (RFC 9112, 6.3)."""
        if self._waiting is not None and self._status >= FINAL_FROM:
            names = {name.lower() for name, _ in self._headers}
            if names.isdisjoint((b"content-length", b"transfer-encoding")):
                self._complete()

    def _begin(self) -> None:
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    def _complete(self) -> None:
        if not (self._written and self._parser.should_keep_alive()) and self._transport is not None:
            self._transport.close()
        if self._status == PLAIN_SUCCESS.status and not self._body:
            self._answer(PLAIN_SUCCESS)
            return
        headers = {name.lower(): value for name, value in self._headers}
        self._answer(Response(self._status, b"".join(self._body), headers))

    def _fail(self, *, unread: bool) -> None:
        if self._waiting is not None:
            self._answer(NoResponse(unread))

    def _answer(self, answer: Response | NoResponse) -> None:
        waiting, self._waiting, self._used = self._waiting, None, True
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
