"""WebSocket frames after the handshake: bytes into inputs, messages into bytes; no I/O.

The protocol itself is that of the `websockets` library. What is decided here is what the core
hears of it: whole messages and ends. Pings are answered by the library; the core hears of them only
where they count as activity (B-258, B-273).
"""

import logging

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol

from gatepost.gateway.core.inputs import (
    BinaryMessage,
    Message,
    PeerClosed,
    Pinged,
    ProtocolFailed,
)
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.compression import Negotiation

_protocol_logger = logging.getLogger(f"{__name__}.protocol")
_protocol_logger.setLevel(logging.WARNING)  # opening and closing are in the live log already

Heard = Message | BinaryMessage | Pinged | PeerClosed | ProtocolFailed


CONTROL_BYTES_MAX = 125
"""The longest payload of a ping or close frame (RFC 6455 section 5.5)."""


def new_protocol(settings: GatewaySettings) -> ServerProtocol:
    """Return the server side of a handshake to come, with the limits of B-250 to B-252.

    The library counts a ping against what is left of an unfinished message, so a message has room
    for one more than it may have; the core closes one that is too long by so little.
    """
    message_bytes_max = settings.message_bytes_max + CONTROL_BYTES_MAX
    return ServerProtocol(
        extensions=[Negotiation(message_bytes_max)] if settings.compression else None,
        max_size=(message_bytes_max, settings.frame_bytes_max),
        logger=_protocol_logger,
    )


class FrameStream:
    """The frames of one connection, in both directions.

    `receive` gives what the core should hear; `outgoing` what should be written by now, together
    with whether the link is to be ended after it. `tells_pings` is whether pings are heard.
    """

    def __init__(
        self, connection_id: str, protocol: ServerProtocol, *, tells_pings: bool = False
    ) -> None:
        self.connection_id = connection_id
        self._protocol = protocol
        self._tells_pings = tells_pings
        self._text: bytearray | None = None  # of a text message that is not whole yet
        self._failed = False

    def receive(self, data: bytes) -> list[Heard]:
        """Take bytes of the client and return the inputs that they make."""
        self._protocol.receive_data(data)
        inputs: list[Heard] = []
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and (given := self._input_of(event)) is not None:
                inputs.append(given)
                if self._failed:
                    return inputs
        if self._protocol.parser_exc is not None and not self._failed:
            self._failed = True
            inputs.append(ProtocolFailed(self.connection_id, self._failure_code()))
        return inputs

    def send(self, fragments: tuple[bytes, ...], *, binary: bool = False) -> None:
        """Send one message as these fragments; without effect once a close frame was sent."""
        if self._protocol.state is not State.OPEN:
            return
        begin = self._protocol.send_binary if binary else self._protocol.send_text
        last = len(fragments) - 1
        for index, fragment in enumerate(fragments):
            if index == 0:
                begin(fragment, fin=last == 0)
            else:
                self._protocol.send_continuation(fragment, fin=index == last)

    def close(self, code: int, reason: str) -> None:
        """Send a close frame, unless one was sent."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)

    def outgoing(self) -> tuple[bytes, bool]:
        """Return the bytes to write now, and whether the link ends after them."""
        writes = self._protocol.data_to_send()
        return b"".join(writes), bool(writes) and writes[-1] == SEND_EOF

    def _input_of(self, frame: Frame) -> Heard | None:
        match frame.opcode:
            case Opcode.TEXT:
                self._text = bytearray()
                return self._input_of_part(frame)
            case Opcode.BINARY:
                self._text = None
                return BinaryMessage(self.connection_id)
            case Opcode.CONT:
                return self._input_of_part(frame)
            case Opcode.CLOSE:
                return self._input_of_close()
            case Opcode.PING if self._tells_pings:
                return Pinged(self.connection_id)
            case _:
                return None

    def _input_of_part(self, frame: Frame) -> Heard | None:
        """Add a fragment; at the last one return the whole message (B-254)."""
        if self._text is None:  # of a binary message, which was reported at its first frame
            return None
        self._text += frame.data
        if not frame.fin:
            return None
        whole, self._text = self._text, None
        try:
            return Message(self.connection_id, whole.decode("utf-8"))
        except UnicodeDecodeError:  # B-259
            self._failed = True
            self._protocol.fail(CloseCode.INVALID_DATA, "a text message must be UTF-8")
            return ProtocolFailed(self.connection_id, CloseCode.INVALID_DATA.value)

    def _input_of_close(self) -> PeerClosed:
        received = self._protocol.close_rcvd
        if received is None or received.code == CloseCode.NO_STATUS_RCVD:
            return PeerClosed(self.connection_id)
        return PeerClosed(self.connection_id, int(received.code), received.reason)

    def _failure_code(self) -> int:
        """Return the code that the library closed with: 1002, 1007 or 1009."""
        sent = self._protocol.close_sent
        return int(sent.code) if sent is not None else CloseCode.PROTOCOL_ERROR.value
