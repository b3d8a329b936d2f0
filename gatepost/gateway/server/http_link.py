"""One link while it speaks HTTP: requests in order to the shell, their answers back.

After an accepted handshake the transport goes to a FrameLink.
"""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from gatepost.gateway.core.inputs import Upgrade
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.frame_link import FrameLink
from gatepost.gateway.server.frames import FrameStream
from gatepost.gateway.server.handshake import Handshake, HandshakeRefusedError
from gatepost.gateway.server.hanging_up import hang_up
from gatepost.gateway.server.http_reader import Request, RequestReader, RequestRejectedError
from gatepost.gateway.server.http_writer import CONTINUE, response_bytes
from gatepost.gateway.server.listener import authority

if TYPE_CHECKING:
    from gatepost.gateway.server.shell import Shell

REQUEST_S_MAX = 30.0
"""How long a client may take over one request, and until its first one."""

IDLE_S_MAX = 600.0
"""How long a link is kept open for another request."""

AHEAD_BYTES_MAX = 64 * 1024
"""What a client may send ahead while its handshake is pending."""

REQUESTS_AHEAD_MAX = 16
"""How many requests may wait behind one; then the link is not read until they are answered."""

Headers = tuple[tuple[str, str], ...]


class HttpLink(asyncio.Protocol):
    """A link that speaks HTTP. The transport calls it; the shell answers and accepts.

    `on_change` is told what a link becomes: itself when made, a FrameLink, None when gone.
    """

    stream_type = FrameStream
    """What reads and writes frames after an accepted handshake."""

    def __init__(
        self,
        shell: "Shell",
        settings: GatewaySettings,
        *,
        secure: bool,
        on_change: Callable[["HttpLink | FrameLink", "HttpLink | FrameLink | None"], None],
    ) -> None:
        self._shell = shell
        self._settings = settings
        self._secure = secure
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._reader = RequestReader(settings)
        self._transport: asyncio.Transport | None = None
        self._current: Request | None = None
        self._handshake: Handshake | None = None
        self._handshake_id: int | None = None
        self._call_id: int | None = None
        self._rejection: RequestRejectedError | None = None
        self._pumping = False
        self._writing_paused = False
        self._last_call: asyncio.TimerHandle | None = None
        self._expires_at = self._loop.time() + REQUEST_S_MAX
        self._was_partial = True

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to listen."""
        self._transport = cast("asyncio.Transport", transport)
        self._on_change(self, self)

    def data_received(self, data: bytes) -> None:
        """Read requests and handle those that are whole."""
        if self._last_call is not None:
            return
        try:
            self._reader.feed(data)
        except RequestRejectedError as rejection:
            self._rejection = rejection
        self._pump()

    def pause_writing(self) -> None:
        """Take no further requests from a client that does not read its answers."""
        self._writing_paused = True
        self._regulate_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._writing_paused = False
        self._pump()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Abandon a pending handshake or call."""
        self._transport = None
        if self._last_call is not None:
            self._last_call.cancel()
            self._last_call = None
        if self._handshake_id is not None:
            self._shell.abandon(self._handshake_id)
        if self._call_id is not None:
            self._shell.forget(self._call_id)
        self._on_change(self, None)

    # What the shell asks.

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Write the answer to the current request; a refused handshake ends the link."""
        request, self._current = self._current, None
        transport = self._transport
        if request is None or transport is None:
            return
        keep_alive = request.keep_alive and not request.websocket
        transport.write(
            response_bytes(
                status, headers, body, keep_alive=keep_alive, head=request.method == "HEAD"
            )
        )
        self._handshake = self._handshake_id = self._call_id = None
        if not keep_alive:
            self._end()
        elif not self._pumping:
            self._loop.call_soon(self._pump)

    def accept(self, connection_id: str, subprotocol: str | None) -> FrameLink:
        """Write the 101 and hand the transport over to the frames' side."""
        if self._handshake is None or self._transport is None:
            raise RuntimeError("There is no handshake to accept on this link.")
        protocol, switching = self._handshake.complete(subprotocol)
        self._transport.write(switching)
        on_change = self._on_change  # so that a long-lived link does not keep this one
        link = FrameLink(
            self.stream_type(
                connection_id, protocol, tells_pings=self._settings.ping_resets_idle_timer
            ),
            self._shell,
            unread_bytes_max=self._settings.unread_bytes_max,
            on_gone=lambda gone: on_change(gone, None),
        )
        link.connection_made(self._transport)
        self._transport.set_protocol(link)
        self._transport.resume_reading()
        if rest := bytes(self._reader.rest):
            self._loop.call_soon(link.data_received, rest)
        self._on_change(self, link)
        self._transport = self._handshake = self._handshake_id = self._current = None
        return link

    # What the server asks.

    @property
    def is_waiting_for_more(self) -> bool:
        """Whether a request has begun and not ended."""
        return self._reader.partial

    def expire(self, now: float) -> None:
        """Cut a link that has been silent or slow for too long; `now` is the loop's time."""
        if self._transport is not None and self._current is None and now >= self._expires_at:
            self._transport.abort()

    def end(self) -> None:
        """Close the link: nothing more will be answered."""
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size():
            self._transport.close()
        else:  # without waiting for a client that pools its links to notice the end of TLS
            self._transport.abort()

    def abort(self) -> None:
        """Cut the link at once."""
        if self._transport is not None:
            self._transport.abort()

    # Inside.

    def _pump(self) -> None:
        """Handle requests one after the other until one has to wait."""
        if self._pumping or self._last_call is not None:
            return
        self._pumping = True
        try:
            while self._current is None and self._reader.requests and not self._writing_paused:
                self._handle(self._reader.requests.popleft())
        finally:
            self._pumping = False
        if self._transport is None or self._last_call is not None:
            return
        if self._current is None and not self._reader.requests:
            self._after_all_requests()
        self._regulate_reading()

    def _after_all_requests(self) -> None:
        if self._rejection is not None:
            self._write_own(self._rejection.status, str(self._rejection))
            self._end()
        elif self._reader.continue_expected and self._transport is not None:
            self._reader.continue_expected = False
            self._transport.write(CONTINUE)
        self._set_expiry()

    def _set_expiry(self) -> None:
        """Set the limit anew between requests and at the begin of one, not with each byte of it."""
        if not self.is_waiting_for_more:
            self._expires_at = self._loop.time() + IDLE_S_MAX
        elif not self._was_partial:
            self._expires_at = self._loop.time() + REQUEST_S_MAX
        self._was_partial = self._reader.partial

    def _handle(self, request: Request) -> None:
        if self._last_call is not None:
            return
        self._current = request
        if not request.websocket:
            call_id = self._shell.call(self, request)
            if self._current is request:  # else it was answered at once
                self._call_id = call_id
        else:
            self._begin_handshake(request)

    def _begin_handshake(self, request: Request) -> None:
        try:
            self._handshake = Handshake.check(request, self._settings)
        except HandshakeRefusedError as refusal:
            self._current = None
            self._write_own(refusal.status, str(refusal), refusal.headers)
            self._end()
            return
        handshake_id = self._shell.upgrade(self, lambda given: self._upgrade(request, given))
        if self._current is request:  # else it was decided at once
            self._handshake_id = handshake_id

    def _upgrade(self, request: Request, handshake_id: int) -> Upgrade:
        return Upgrade(
            handshake_id=handshake_id,
            path=request.path,
            query=request.query,
            headers=request.headers,
            host=request.host or authority(*self._address("sockname")),
            source_ip=self._address("peername")[0],
            secure=self._secure,
        )

    def _address(self, which: str) -> tuple[str, int]:
        known = self._transport.get_extra_info(which) if self._transport is not None else None
        return (str(known[0]), int(known[1])) if known else ("127.0.0.1", 0)

    def _write_own(self, status: int, message: str, headers: Headers = ()) -> None:
        """Write an answer of the shell's own, to what never reached the core."""
        if self._transport is not None:
            body = json.dumps({"message": message}).encode()
            given = (*headers, ("Content-Type", "application/json"))
            self._transport.write(response_bytes(status, given, body, keep_alive=False))

    def _end(self) -> None:
        if self._transport is not None and self._last_call is None:
            self._transport.resume_reading()  # or the end of the client's side is never seen
            self._last_call = hang_up(self._transport)

    def _regulate_reading(self) -> None:
        """Bound what is read ahead of the answers."""
        if self._transport is None or self._last_call is not None:
            return
        if (
            self._writing_paused
            or len(self._reader.requests) >= REQUESTS_AHEAD_MAX
            or len(self._reader.rest) >= AHEAD_BYTES_MAX
        ):
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
