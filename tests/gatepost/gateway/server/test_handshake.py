"""Checking and completing a handshake; refusals are in tests/conformance/test_handshake.py too."""

import pytest

from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.handshake import Handshake, HandshakeRefusedError
from gatepost.gateway.server.http_reader import Request, RequestReader


def request_of(raw: bytes) -> Request:
    """Read the one request in `raw`."""
    reader = RequestReader(GatewaySettings())
    reader.feed(raw)
    return reader.requests[0]


def test_the_answer_proves_that_the_key_was_read(handshake: bytes) -> None:
    """RFC 6455 1.3 gives this key and its proof as the example."""
    _, answer = Handshake.check(request_of(handshake), GatewaySettings()).complete(None)
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert b"Sec-WebSocket-Protocol" not in answer


def test_the_subprotocol_is_the_cores_choice(handshake: bytes) -> None:
    """B-050, B-052: offered or not."""
    _, answer = Handshake.check(request_of(handshake), GatewaySettings()).complete("chat.v1")
    assert b"\r\nSec-WebSocket-Protocol: chat.v1\r\n" in answer


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"GET", b"PUT", 405),
        (b"HTTP/1.1", b"HTTP/1.0", 505),
        (b"Version: 13", b"Version: 12", 426),
        (b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"", 400),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"dG9vIHNob3J0", 400),
        (b"Upgrade: websocket", b"Upgrade: websocket, h2c", 426),
    ],
)
def test_what_is_no_handshake_is_refused(
    handshake: bytes, old: bytes, new: bytes, status: int
) -> None:
    """RFC 6455 4.2.1, with a sentence that says what is wrong."""
    with pytest.raises(HandshakeRefusedError) as refused:
        Handshake.check(request_of(handshake.replace(old, new, 1)), GatewaySettings())
    assert refused.value.status == status
    assert str(refused.value)


def test_long_cookies_are_no_obstacle(handshake: bytes) -> None:
    """Only the head as a whole is bounded."""
    raw = handshake.replace(b"X-Tag: a", b"Cookie: " + b"c" * 12_000)
    _, answer = Handshake.check(request_of(raw), GatewaySettings()).complete(None)
    assert answer.startswith(b"HTTP/1.1 101 ")
