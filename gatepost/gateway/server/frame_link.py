"""One link after its handshake: frames between its transport and the shell."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from gatepost.gateway.core.inputs import Lost
from gatepost.gateway.server.hanging_up import LINGER_S, hang_up

if TYPE_CHECKING:
    from gatepost.gateway.server.frames import FrameStream
    from gatepost.gateway.server.shell import Shell

logger = logging.getLogger(__name__)

UNREAD_BYTES_MAX = 16 * 1024 * 1024
"""What may wait for a client that reads too slowly; beyond it the link is cut (1006)."""


class FrameLink(asyncio.Protocol):
    """A WebSocket connection's link. The transport calls it; the shell sends and closes."""

    def __init__(
        self, stream: "FrameStream", shell: "Shell", *, on_gone: Callable[["FrameLink"], None]
    ) -> None:
        self._stream = stream
        self._shell = shell
        self._on_gone = on_gone
        self._transport: asyncio.Transport | None = None
        self._last_call: asyncio.TimerHandle | None = None
        self._hung_up = False

    # What the shell asks.

    def send(self, fragments: tuple[bytes, ...]) -> None:
        """Send one text message as these fragments, in one write."""
        self._stream.send(fragments)
        self._flush()

    def hold(self, *, held: bool) -> None:
        """Stop reading, or go on; frames that were read already are still heard."""
        if self._transport is not None and held:
            self._transport.pause_reading()
        elif self._transport is not None:
            self._transport.resume_reading()

    def close(self, code: int, reason: str) -> None:
        """Send a close frame; the client has LINGER_S to answer it."""
        self.hold(held=False)
        self._stream.close(code, reason)
        self._flush()
        if self._transport is not None and not self._hung_up:
            self._set_last_call(
                asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort)
            )

    # What the server asks.

    def end(self) -> None:
        """Cut the link, unless it is being closed already."""
        if self._last_call is None:
            self.abort()

    def abort(self) -> None:
        """Cut the link at once."""
        if self._transport is not None:
            self._transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the transport from the handshake."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read frames and tell the core what they say."""
        inputs = self._stream.receive(data)
        self._flush()
        for given in inputs:
            self._shell.heard(given)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Tell the core, unless a close frame did already."""
        self._transport = None
        self._set_last_call(None)
        self._shell.heard(Lost(self._stream.connection_id))
        self._on_gone(self)

    def _flush(self) -> None:
        transport = self._transport
        data, is_last = self._stream.outgoing()
        if transport is None or transport.is_closing():
            return
        if data:
            transport.write(data)
            if transport.get_write_buffer_size() > UNREAD_BYTES_MAX:
                logger.warning(
                    "Connection %s does not read: %d MiB wait for it. Its link is cut.",
                    self._stream.connection_id,
                    UNREAD_BYTES_MAX // 2**20,
                )
                transport.abort()
                return
        if is_last and not self._hung_up:
            self._hung_up = True
            self._set_last_call(hang_up(transport))

    def _set_last_call(self, timer: asyncio.TimerHandle | None) -> None:
        if self._last_call is not None:
            self._last_call.cancel()
        self._last_call = timer
