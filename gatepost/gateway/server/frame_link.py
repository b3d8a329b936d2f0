"""One link after its handshake: frames between its transport and the shell."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from gatepost.gateway.core.inputs import Backlog, Lost
from gatepost.gateway.server.hanging_up import LINGER_S, hang_up

if TYPE_CHECKING:
    from gatepost.gateway.server.frames import FrameStream
    from gatepost.gateway.server.shell import Shell

logger = logging.getLogger(__name__)

UNREAD_TIMES_MAX = 16
"""How many times its bound may wait for a slow reader; beyond it the link is cut (1006).

Posts to it stop at the bound. This is for what nobody posts: route responses, pongs.
"""


class FrameLink(asyncio.Protocol):
    """A WebSocket connection's link. The transport calls it; the shell sends and closes.

    The core is told when `unread_bytes_max` wait for the client, and when half of that is left.
    """

    __slots__ = (
        "_full",
        "_hung_up",
        "_last_call",
        "_on_gone",
        "_shell",
        "_stream",
        "_transport",
        "_unread_bytes_max",
        "_withheld",
    )

    def __init__(
        self,
        stream: "FrameStream",
        shell: "Shell",
        *,
        unread_bytes_max: int,
        on_gone: Callable[["FrameLink"], None],
    ) -> None:
        self._stream = stream
        self._shell = shell
        self._unread_bytes_max = unread_bytes_max
        self._on_gone = on_gone
        self._full = False
        self._withheld: bytearray | None = None  # what is not written while the link stalls
        self._transport: asyncio.Transport | None = None
        self._last_call: asyncio.TimerHandle | None = None
        self._hung_up = False

    # What the shell asks.

    def send(self, fragments: tuple[bytes, ...], *, binary: bool = False) -> None:
        """Send one message, of text or binary, as these fragments, in one write."""
        self._stream.send(fragments, binary=binary)
        self._flush()

    def hold(self, *, held: bool) -> None:
        """Stop reading, or go on; frames that were read already are still heard."""
        if self._transport is not None and held:
            self._transport.pause_reading()
        elif self._transport is not None:
            self._transport.resume_reading()

    def stall(self, *, stalled: bool) -> None:
        """Write nothing, as if the client did not read, or write what was withheld."""
        if stalled and self._withheld is None:
            self._withheld = bytearray()
        elif not stalled and self._withheld is not None:
            withheld, self._withheld = self._withheld, None
            if self._transport is not None and not self._transport.is_closing():
                self._transport.write(withheld)
            self._flush()
            self._tell_backlog()

    def close(self, code: int, reason: str) -> None:
        """Send a close frame; the client has LINGER_S to answer it."""
        self.hold(held=False)
        self._stream.close(code, reason)
        self._flush()
        if self._transport is not None and not self._hung_up:
            self._set_last_call(self._abort_later(self._transport))

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
        self._transport.set_write_buffer_limits(self._unread_bytes_max, self._unread_bytes_max // 2)

    def pause_writing(self) -> None:
        """Note that the client reads too slowly."""
        self._tell_backlog()

    def resume_writing(self) -> None:
        """Note that it has caught up."""
        self._tell_backlog()

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
            self._write(transport, data)
        if is_last and not self._hung_up:
            self._hung_up = True
            self._set_last_call(
                hang_up(transport) if self._withheld is None else self._abort_later(transport)
            )

    def _write(self, transport: asyncio.Transport, data: bytes) -> None:
        if self._withheld is None:
            transport.write(data)
        else:
            self._withheld += data
            self._tell_backlog()
        if self._unread_bytes(transport) > UNREAD_TIMES_MAX * self._unread_bytes_max:
            logger.warning(
                "Connection %s does not read: %.3g MiB wait for it. Its link is cut.",
                self._stream.connection_id,
                self._unread_bytes(transport) / 2**20,
            )
            transport.abort()

    def _unread_bytes(self, transport: asyncio.Transport) -> int:
        return transport.get_write_buffer_size() + len(self._withheld or b"")

    def _tell_backlog(self) -> None:
        """Tell the core when the bound is reached or left, once it is done with what it does now.

        The transport calls in the middle of a write, so in the middle of the core's commands.
        """
        if self._transport is None:
            return
        unread_bytes = self._unread_bytes(self._transport)
        bound = self._unread_bytes_max // 2 if self._full else self._unread_bytes_max
        if (unread_bytes > bound) is not self._full:
            self._full = not self._full
            backlog = Backlog(self._stream.connection_id, self._full)
            asyncio.get_running_loop().call_soon(self._shell.heard, backlog)

    @staticmethod
    def _abort_later(transport: asyncio.Transport) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(LINGER_S, transport.abort)

    def _set_last_call(self, timer: asyncio.TimerHandle | None) -> None:
        if self._last_call is not None:
            self._last_call.cancel()
        self._last_call = timer
