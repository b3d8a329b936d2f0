"""Compression of messages, permessage-deflate (RFC 7692), as the gateway negotiates it (B-257).

The extension is that of the `websockets` library. What is decided here: which offers count, what a
compressed message may grow to, and that an idle connection costs little memory.
"""

import logging
from collections.abc import Sequence

from websockets.exceptions import NegotiationError, PayloadTooBig
from websockets.extensions import Extension, ServerExtensionFactory
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame, Opcode
from websockets.typing import ExtensionName, ExtensionParameter

logger = logging.getLogger(__name__)

OUT_WINDOW_BITS_MAX = 12
"""Our own window. A client can read any up to the one it offered, so this needs no negotiation."""

_NO_SERVER_TAKEOVER: ExtensionParameter = ("server_no_context_takeover", None)
_DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})


class BoundedDeflate(PerMessageDeflate):
    """Compresses each message by itself, and bounds a message by its bytes after decompression.

    A frame is bounded on the wire alone: text that grows past 32 KiB may come in one frame (B-251).
    """

    def __init__(self, negotiated: PerMessageDeflate, message_bytes_max: int) -> None:
        super().__init__(
            negotiated.remote_no_context_takeover,
            True,  # noqa: FBT003 - local_no_context_takeover; the library's order
            negotiated.remote_max_window_bits,
            min(negotiated.local_max_window_bits, OUT_WINDOW_BITS_MAX),
            {"memLevel": 5},
        )
        self._bytes_max = message_bytes_max
        self._bytes = 0

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Decompress a frame. Raises PayloadTooBig when its message becomes too long."""
        if frame.opcode not in _DATA:
            return super().decode(frame, max_size=max_size)
        if frame.opcode is not Opcode.CONT:
            self._bytes = 0
        # One byte more than is allowed: to the library a limit of 0 means none.
        decoded = super().decode(frame, max_size=self._bytes_max - self._bytes + 1)
        self._bytes += len(decoded.data)
        if self._bytes > self._bytes_max:
            raise PayloadTooBig(None, self._bytes_max)
        return decoded


class Negotiation(ServerExtensionFactory):
    """Accepts one offer of one handshake, naming no parameter that the client did not name.

    An offer whose `client_max_window_bits` has a value counts as none: AWS mishandles it. Which
    parameters AWS answers with is not known; that there are none is a guess (Q-02).
    """

    name = ExtensionName("permessage-deflate")

    def __init__(self, message_bytes_max: int) -> None:
        self._message_bytes_max = message_bytes_max
        self._warned = False
        self._factory = ServerPerMessageDeflateFactory(server_no_context_takeover=True)

    def process_request_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> tuple[list[ExtensionParameter], BoundedDeflate]:
        """Answer an offer. Raises NegotiationError for one that is not taken up."""
        if any(name == "client_max_window_bits" and value is not None for name, value in params):
            self._warn()
            raise NegotiationError("client_max_window_bits has a value")
        answered, negotiated = self._factory.process_request_params(params, accepted_extensions)
        kept = [one for one in answered if one != _NO_SERVER_TAKEOVER or one in params]
        return kept, BoundedDeflate(negotiated, self._message_bytes_max)

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            logger.warning(
                "A client offers permessage-deflate with a value for client_max_window_bits. AWS "
                "fails on that; here its messages are not compressed. Offer it without a value."
            )
