"""Which offers of permessage-deflate count, and what a compressed message may grow to."""

import itertools
import logging
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import NegotiationError, PayloadTooBig
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from gatepost.gateway.server.compression import BoundedDeflate, Negotiation

BYTES_MAX = 1000


def negotiate(
    *params: tuple[str, str | None],
) -> tuple[list[tuple[str, str | None]], BoundedDeflate]:
    """Answer an offer with these parameters."""
    return Negotiation(BYTES_MAX).process_request_params(params, [])


def client_side(*, no_takeover: bool = False) -> PerMessageDeflate:
    """What a client has that offered nothing or `server_no_context_takeover`."""
    return PerMessageDeflate(no_takeover, False, 15, 15)  # noqa: FBT003 - the library's order


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ([], []),
        ([("client_max_window_bits", None)], []),
        ([("server_no_context_takeover", None)], [("server_no_context_takeover", None)]),
        ([("client_no_context_takeover", None)], [("client_no_context_takeover", None)]),
        ([("server_max_window_bits", "10")], [("server_max_window_bits", "10")]),
    ],
)
def test_guess_an_answer_names_only_what_was_offered(
    offered: list[tuple[str, str | None]], answered: list[tuple[str, str | None]]
) -> None:
    """B-257, RFC 7692 7.1: which parameters AWS names is not known."""
    assert negotiate(*offered)[0] == answered


def test_a_window_with_a_value_is_no_offer_and_is_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """B-257: once a handshake, however many offers it has."""
    negotiation = Negotiation(BYTES_MAX)
    with caplog.at_level(logging.WARNING):
        for bits in ("12", "15"):
            with pytest.raises(NegotiationError):
                negotiation.process_request_params([("client_max_window_bits", bits)], [])
    (record,) = caplog.records
    assert "client_max_window_bits" in record.getMessage()


@given(texts=st.lists(st.binary(max_size=300), max_size=6), cut=st.integers(1, 100))
def test_messages_survive_both_ways(texts: list[bytes], cut: int) -> None:
    """RFC 7692 7.2: the client with context takeover, we without; in fragments."""
    _, ours = negotiate()
    client = client_side()
    for text in texts:
        parts = [text[at : at + cut] for at in range(0, len(text), cut)] or [b""]
        frames = [
            Frame(Opcode.CONT if number else Opcode.TEXT, part, number == len(parts) - 1)
            for number, part in enumerate(parts)
        ]
        for sender, receiver in ((client, ours), (ours, client)):
            read = [receiver.decode(sender.encode(frame)) for frame in frames]
            assert b"".join(bytes(frame.data) for frame in read) == text


@pytest.mark.parametrize("fragments", [1, 2, 5])
@pytest.mark.parametrize("excess", [0, 1, 100_000])
def test_a_message_is_bounded_after_decompression(fragments: int, excess: int) -> None:
    """B-250, B-252: over all its fragments; a bomb is not inflated."""
    _, ours = negotiate()
    deflate = zlib.compressobj(wbits=-15)
    whole = deflate.compress(b"x" * (BYTES_MAX + excess)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    cuts = [len(whole[:-4]) * number // fragments for number in range(fragments + 1)]
    parts = [whole[start:end] for start, end in itertools.pairwise(cuts)]
    frames = [
        Frame(Opcode.CONT if n else Opcode.TEXT, part, n == fragments - 1, rsv1=n == 0)
        for n, part in enumerate(parts)
    ]
    if excess:
        with pytest.raises(PayloadTooBig):
            [ours.decode(frame) for frame in frames]
    else:
        assert sum(len(ours.decode(frame).data) for frame in frames) == BYTES_MAX


def test_each_message_has_the_whole_bound() -> None:
    """What came before does not count; nor does a ping in between."""
    _, ours = negotiate()
    client = client_side()
    for _ in range(3):
        ours.decode(client.encode(Frame(Opcode.TEXT, b"x" * BYTES_MAX)))
        assert ours.decode(Frame(Opcode.PING, b"p" * 125)).data == b"p" * 125


def test_an_idle_connection_keeps_no_encoder() -> None:
    """Ours is made for each message, with a small window."""
    _, ours = negotiate()
    assert ours.local_no_context_takeover
    assert ours.local_max_window_bits == 12
    ours.encode(Frame(Opcode.TEXT, b"hi"))
    assert not hasattr(ours, "encoder")
