"""Requests out of bytes: what is kept, what is refused, where a handshake ends."""

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.http_reader import (
    DISCARD_BYTES_MAX,
    HEAD_BYTES_MAX,
    Request,
    RequestReader,
    RequestRejectedError,
)

BODY_BYTES_MAX = GatewaySettings().message_bytes_max
POST = b"POST /dev/%40connections/a%3D?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
UPGRADE = b"GET /dev HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def read(*parts: bytes) -> list[Request]:
    """Feed the parts to a new reader and return its requests."""
    reader = RequestReader(GatewaySettings())
    for part in parts:
        reader.feed(part)
    return list(reader.requests)


def rejection(*parts: bytes) -> int:
    """Return the status that the parts are rejected with."""
    with pytest.raises(RequestRejectedError) as rejected:
        read(*parts)
    return rejected.value.status


def test_a_request_is_read_as_it_was_sent() -> None:
    """The path stays percent-encoded and loses its query."""
    (request,) = read(POST)
    assert (request.method, request.path, request.query) == (
        "POST",
        "/dev/%40connections/a%3D",
        "x=1",
    )
    assert (request.body, request.keep_alive, request.websocket) == (b"hi", True, False)
    assert request.headers == (("Host", "h"), ("Content-Length", "2"))


def test_the_host_is_the_first_header_of_that_name() -> None:
    """However it is spelled; without one it is empty, and a link's next request has its own."""
    first = b"GET / HTTP/1.1\r\nAccept: x\r\nhOST: a:1\r\nHost: b\r\n\r\n"
    assert [each.host for each in read(first + POST)] == ["a:1", "h"]
    assert read(UPGRADE)[0].host == ""


@given(cuts=st.lists(st.integers(0, 3 * len(POST)), max_size=12))
def test_it_does_not_matter_where_the_network_cuts(cuts: list[int]) -> None:
    """Three pipelined requests in any pieces are the same three requests."""
    whole = POST * 3
    edges = [0, *sorted(cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert read(*pieces) == read(POST) * 3


@given(noise=st.binary(max_size=300))
def test_noise_is_rejected_or_waited_for_and_nothing_else(noise: bytes) -> None:
    """No bytes make the reader fail in another way than its own."""
    reader = RequestReader(GatewaySettings())
    with contextlib.suppress(RequestRejectedError):
        reader.feed(noise)
        reader.feed(noise)
    assert all(len(request.body) <= 2 * len(noise) for request in reader.requests)


@pytest.mark.parametrize(
    ("target", "path"),
    [("http://localhost:1/dev?a=b", "/dev"), ("http://localhost:1", "/"), ("/dev#x", "/dev")],
)
def test_a_whole_url_as_target_is_its_path(target: str, path: str) -> None:
    """RFC 9112 3.2.2: servers must accept the absolute form."""
    (request,) = read(f"GET {target} HTTP/1.1\r\n\r\n".encode())
    assert request.path == path


def test_keep_alive_is_as_the_client_wants_it() -> None:
    """Close when asked to, and with HTTP/1.0 unless asked not to."""
    assert not read(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")[0].keep_alive
    assert not read(b"GET / HTTP/1.0\r\n\r\n")[0].keep_alive


@pytest.mark.parametrize(
    "noise", [b"\x00\x01\x02\x03", b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_malformed_bytes_are_400(noise: bytes) -> None:
    """Nobody guesses what they meant."""
    assert rejection(noise) == 400


def test_a_target_over_4096_bytes_is_414() -> None:
    """B-028: also when it comes in pieces."""
    assert len(read(b"GET /" + b"x" * 4095 + b" HTTP/1.1\r\n\r\n")) == 1
    assert rejection(b"GET /" + b"x" * 4096 + b" HTTP/1.1\r\n\r\n") == 414
    assert rejection(b"GET /" + b"x" * 3000, b"x" * 3000) == 414


def test_a_head_over_16_kib_is_431() -> None:
    """Headers are bounded, one long or many short."""
    assert rejection(b"GET / HTTP/1.1\r\nA: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n") == 431
    assert rejection(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * HEAD_BYTES_MAX + b"\r\n") == 431


def test_a_head_that_never_ends_is_431() -> None:
    """A client can't make the reader collect without end."""
    assert rejection(b"GET / HTTP/1.1\r\nA: ", *[b"x" * 1000] * 25) == 431


def test_requests_before_a_bad_one_are_kept() -> None:
    """They deserve their answers."""
    reader = RequestReader(GatewaySettings())
    with pytest.raises(RequestRejectedError):
        reader.feed(POST + b"\x00")
    assert [request.body for request in reader.requests] == [b"hi"]
    reader.feed(POST)
    assert len(reader.requests) == 1


@pytest.mark.parametrize(
    ("size", "kept"),
    [
        (BODY_BYTES_MAX, BODY_BYTES_MAX),
        (BODY_BYTES_MAX + 1, BODY_BYTES_MAX + 1),
        (DISCARD_BYTES_MAX, BODY_BYTES_MAX + 1),
    ],
)
def test_of_a_long_body_as_much_is_kept_as_tells_its_excess(size: int, kept: int) -> None:
    """B-223: 413 needs one byte over the limit; the link can be used again."""
    head = f"POST / HTTP/1.1\r\nContent-Length: {size}\r\n\r\n".encode()
    first, second = read(head + b"x" * size + POST)
    assert (len(first.body), first.keep_alive) == (kept, True)
    assert second.body == b"hi"


def test_a_body_announced_over_1_mib_is_not_waited_for() -> None:
    """Its request is there at once, too long, and the last of its link."""
    head = f"POST / HTTP/1.1\r\nContent-Length: {DISCARD_BYTES_MAX + 1}\r\n\r\n".encode()
    (request,) = read(head)
    assert (len(request.body), request.keep_alive) == (BODY_BYTES_MAX + 1, False)
    assert read(head, b"x" * 1000, POST) == [request]


def test_a_body_in_chunks_over_1_mib_is_cut_off() -> None:
    """Nothing has announced its length."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    (request,) = read(head, *[chunk] * 20)
    assert (len(request.body), request.keep_alive) == (BODY_BYTES_MAX + 1, False)


def test_what_follows_a_handshake_is_no_http() -> None:
    """Frames sent ahead of the 101 are kept as they are."""
    reader = RequestReader(GatewaySettings())
    reader.feed(UPGRADE + b"\x81\x80")
    reader.feed(b"\x00\x00\x00\x00")
    (request,) = reader.requests
    assert request.websocket
    assert bytes(reader.rest) == b"\x81\x80\x00\x00\x00\x00"


def test_another_upgrade_is_ignored() -> None:
    """RFC 9110 7.8: a client that would like HTTP/2 is served as if it had not said so."""
    h2c = POST.replace(
        b"Host: h",
        b"Host: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA",
    )
    first, second = read(h2c + POST)
    assert (first.body, first.query, first.websocket) == (b"hi", "x=1", False)
    assert second.body == b"hi"


def test_any_number_of_ignored_upgrades_is_read() -> None:
    """Pipelined in one piece, they are a loop and no recursion."""
    h2c = b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert len(read(h2c * 2000)) == 2000


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: +5\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Host : x\r\n",
        b"Host: x\x00y\r\n",
    ],
)
def test_a_request_whose_end_is_in_doubt_is_400(head: bytes) -> None:
    """RFC 9112 6.3 and 11.2: what two servers could read differently is read by none."""
    assert rejection(b"POST / HTTP/1.1\r\n" + head + b"\r\n0\r\n\r\n") == 400


def test_a_tunnel_is_not_offered() -> None:
    """CONNECT is for proxies."""
    assert rejection(b"CONNECT example.com:443 HTTP/1.1\r\n\r\n") == 501


def test_a_client_that_expects_100_is_noticed_until_it_sends() -> None:
    """The expectation ends with the first byte of the body."""
    reader = RequestReader(GatewaySettings())
    reader.feed(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert reader.continue_expected
    reader.feed(b"h")
    assert (reader.continue_expected, reader.partial) == (False, True)
    reader.feed(b"i")
    assert (reader.continue_expected, reader.partial) == (False, False)
