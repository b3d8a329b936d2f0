"""Frames into inputs and back, without a socket."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from gatepost.gateway.core.inputs import (
    BinaryMessage,
    Message,
    PeerClosed,
    Pinged,
    ProtocolFailed,
)
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.frames import FrameStream, new_protocol

ID = "Q0ZkUfPSIAMCJzA="


def open_stream(*, tells_pings: bool = False) -> FrameStream:
    """Return a stream whose handshake is done."""
    settings = GatewaySettings()
    limits = (settings.message_bytes_max, settings.frame_bytes_max)
    protocol = ServerProtocol(state=State.OPEN, max_size=limits)
    return FrameStream(ID, protocol, tells_pings=tells_pings)


def masked(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    """Return a client's frame."""
    return Frame(opcode, data, fin).serialize(mask=True)


def test_the_limits_are_those_of_the_settings() -> None:
    """B-250, B-251: of a message, with room for a ping in between, and of a frame."""
    protocol = new_protocol(GatewaySettings(message_bytes_max=1000, frame_bytes_max=100))
    assert (protocol.max_message_size, protocol.max_fragment_size) == (1125, 100)


@given(
    texts=st.lists(st.text(max_size=40), max_size=5),
    fragment_bytes=st.integers(1, 20),
    piece_bytes=st.integers(1, 50),
)
def test_messages_arrive_whole_whatever_they_are_cut_into(
    texts: list[str], fragment_bytes: int, piece_bytes: int
) -> None:
    """B-254: fragments of the client and pieces of the network are no concern of the core."""
    wire = b""
    for text in texts:
        data = text.encode()
        parts = [data[at : at + fragment_bytes] for at in range(0, len(data), fragment_bytes)]
        parts = parts or [b""]
        for number, part in enumerate(parts):
            opcode = Opcode.CONT if number else Opcode.TEXT
            wire += masked(opcode, part, fin=number == len(parts) - 1)
            wire += masked(Opcode.PING, b"")
    stream = open_stream()
    heard = [
        given
        for at in range(0, len(wire), piece_bytes)
        for given in stream.receive(wire[at : at + piece_bytes])
    ]
    assert heard == [Message(ID, text) for text in texts]


@given(noise=st.binary(max_size=200))
def test_noise_ends_a_stream_at_most_once(noise: bytes) -> None:
    """Whatever bytes come, there is one end and a link that hangs up after it."""
    stream = open_stream()
    heard = [*stream.receive(noise), *stream.receive(noise)]
    ends = [given for given in heard if isinstance(given, PeerClosed | ProtocolFailed)]
    assert len(ends) <= 1
    assert stream.outgoing()[1] is bool(ends)


def test_fragments_without_end_take_no_memory() -> None:
    """B-250 bounds the bytes of a message, nothing its fragments: empty ones leave nothing."""
    stream = open_stream()
    stream.receive(masked(Opcode.TEXT, b"", fin=False))
    empty = masked(Opcode.CONT, b"", fin=False) * 1000
    stream.receive(empty)
    tracemalloc.start()
    try:
        for _ in range(10):
            assert stream.receive(empty) == []
        grown_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert grown_bytes < 10_000
    assert stream.receive(masked(Opcode.CONT, b"end")) == [Message(ID, "end")]


def test_a_binary_message_is_reported_once_and_its_rest_ignored() -> None:
    """B-256: at its first frame."""
    stream = open_stream()
    heard = stream.receive(masked(Opcode.BINARY, b"a", fin=False) + masked(Opcode.CONT, b"b"))
    assert heard == [BinaryMessage(ID)]


def test_messages_before_a_violation_are_heard() -> None:
    """In the same piece of the network, in order."""
    heard = open_stream().receive(masked(Opcode.TEXT, b"a") + masked(Opcode.TEXT, b"\xff"))
    assert heard == [Message(ID, "a"), ProtocolFailed(ID, 1007)]


def test_nothing_after_a_close_frame_is_heard() -> None:
    """RFC 6455 1.4; and the link ends after the echo."""
    stream = open_stream()
    assert stream.receive(masked(Opcode.CLOSE, b"") + masked(Opcode.TEXT, b"a")) == [PeerClosed(ID)]
    assert stream.outgoing() == (b"\x88\x00", True)


@pytest.mark.parametrize("told", [False, True])
def test_guess_a_ping_is_answered_and_told_only_where_it_counts(told: bool) -> None:  # noqa: FBT001
    """B-258, B-273."""
    stream = open_stream(tells_pings=told)
    assert stream.receive(masked(Opcode.PING, b"p")) == ([Pinged(ID)] if told else [])
    assert stream.outgoing() == (b"\x8a\x01p", False)


@pytest.mark.parametrize(("binary", "opcode"), [(False, Opcode.TEXT), (True, Opcode.BINARY)])
def test_a_message_goes_out_as_its_fragments(*, binary: bool, opcode: Opcode) -> None:
    """B-253: seen by a client's protocol, as one message."""
    stream = open_stream()
    stream.send((b"ab", b"cd", b"e"), binary=binary)
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)
    client.receive_data(stream.outgoing()[0])
    frames = [event for event in client.events_received() if isinstance(event, Frame)]
    assert [(frame.opcode, bytes(frame.data), frame.fin) for frame in frames] == [
        (opcode, b"ab", False),
        (Opcode.CONT, b"cd", False),
        (Opcode.CONT, b"e", True),
    ]


def test_nothing_is_sent_after_a_close_frame() -> None:
    """RFC 6455 5.5.1: neither a message nor another close frame."""
    stream = open_stream()
    stream.close(1001, "Going away")
    assert stream.outgoing() == (b"\x88\x0c\x03\xe9Going away", False)
    stream.send((b"late",))
    stream.close(1000, "")
    assert stream.outgoing() == (b"", False)
