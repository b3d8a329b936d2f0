"""A link: what is a response, and what may be sent again when there was none."""

import asyncio
from typing import cast

import pytest

from functions.adapters.http_link import PLAIN_SUCCESS, Link, NoResponse, Response

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
RESPONSE_BYTES_MAX = 64 * 1024
REQUEST = b"POST / HTTP/1.1\r\n\r\n"


class Wire:
    """The transport below a link: keeps what is written, and whether it was closed."""

    def __init__(self) -> None:
        self.written = b""
        self.closing = False

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.written += data

    def set_write_buffer_limits(self, high: int) -> None:
        """Nothing stays here."""

    def is_closing(self) -> bool:
        """Say whether it was closed."""
        return self.closing

    def close(self) -> None:
        """Close."""
        self.closing = True

    abort = close


class Case:
    """A link over a wire, and the server's side of it."""

    def __init__(self) -> None:
        self.lost: list[Link] = []
        self.wire = Wire()
        self.link = Link(self.lost.append, RESPONSE_BYTES_MAX)
        self.link.connection_made(cast("asyncio.Transport", self.wire))

    def serve(self, data: bytes) -> None:
        """Let the link receive something."""
        room = self.link.get_buffer(-1)
        room[: len(data)] = data
        self.link.buffer_updated(len(data))

    def end(self) -> None:
        """Let the server close."""
        self.link.eof_received()
        self.link.connection_lost(None)

    def exchange(self, *parts: bytes) -> asyncio.Future[Response | NoResponse]:
        """Send a request and let the link receive an answer in parts."""
        waiting = self.link.request(REQUEST)
        for part in parts:
            self.serve(part)
        return waiting


@pytest.fixture
async def case() -> Case:
    """Give a link that is open."""
    return Case()


@pytest.mark.parametrize(
    ("answer", "response"),
    [
        (b"HTTP/1.1 204 No\r\n\r\n", Response(204, b"", {})),
        (
            b"HTTP/1.1 400 No\r\nX-A: b\r\nContent-Length: 2\r\n\r\nno",
            Response(400, b"no", {b"x-a": b"b", b"content-length": b"2"}),
        ),
        (
            b"HTTP/1.1 429 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n1\r\n!\r\n0\r\n\r\n",
            Response(429, b"no!", {b"transfer-encoding": b"chunked"}),
        ),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
            Response(410, b"", {b"content-length": b"0"}),
        ),
    ],
)
async def test_a_response_is_read_however_it_is_cut(
    case: Case, answer: bytes, response: Response
) -> None:
    """Whole, and byte by byte over the same link; with a length, chunks, no body, after a 100."""
    assert await case.exchange(answer) == response
    assert await case.exchange(*(bytes([each]) for each in answer)) == response
    assert case.wire.written == REQUEST * 2
    assert case.link.is_usable


async def test_only_a_success_without_body_is_told_without_its_headers(case: Case) -> None:
    """Most answers to a broadcast are such ones; a table's have a body and its checksum."""
    assert await case.exchange(OK) is PLAIN_SUCCESS
    answer = b"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    headers = {b"x-a": b"b", b"transfer-encoding": b"chunked"}
    assert await case.exchange(answer) == Response(200, b"{}", headers)


async def test_a_link_that_the_server_ends_is_not_used_again(case: Case) -> None:
    """`Connection: close` holds after the response."""
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert cast("Response", await case.exchange(answer)).status == 200
    assert not case.link.is_usable


async def test_the_end_of_the_link_ends_a_response_without_length(case: Case) -> None:
    """RFC 9112, section 6.3; one with a length that is not reached is none."""
    waiting = case.exchange(b"HTTP/1.1 500 No\r\n\r\nlong ", b"story")
    case.end()
    assert await waiting == Response(500, b"long story", {})
    assert case.lost == [case.link]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
async def test_what_breaks_off_in_its_answer_may_have_been_read(case: Case, answer: bytes) -> None:
    """So it must not be sent again, over a link that was used before neither."""
    await case.exchange(OK)
    waiting = case.exchange(answer)
    case.end()
    assert await waiting == NoResponse(unread=False)


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"x" * (RESPONSE_BYTES_MAX - 99),
    ],
)
async def test_what_is_no_answer_ends_the_link(case: Case, answer: bytes) -> None:
    """Not HTTP, another protocol, far too long."""
    waiting = case.exchange(answer, b"x" * 99)
    assert await waiting == NoResponse(unread=False)
    assert not case.link.is_usable


async def test_only_a_used_link_that_closes_without_a_word_has_not_read(case: Case) -> None:
    """Servers close links that were idle; one that just opened was closed for another reason."""
    fresh = case.exchange()
    case.end()
    assert await fresh == NoResponse(unread=False)
    used = Case()
    await used.exchange(OK)
    waiting = used.exchange()
    used.end()
    assert await waiting == NoResponse(unread=True)


async def test_what_did_not_leave_whole_was_not_read(case: Case) -> None:
    """Whether it is given up or the link closes."""
    waiting = case.exchange()
    case.link.pause_writing()
    case.link.abort()
    assert await waiting == NoResponse(unread=True)
    other = Case()
    waiting = other.exchange()
    other.link.pause_writing()
    other.link.resume_writing()
    other.link.connection_lost(ConnectionResetError())
    assert await waiting == NoResponse(unread=False)


async def test_a_response_that_is_given_up_may_have_been_coming(case: Case) -> None:
    """A used link makes no difference: the request left."""
    await case.exchange(OK)
    waiting = case.exchange()
    case.link.abort()
    assert await waiting == NoResponse(unread=False)


@pytest.mark.parametrize("extra", [OK, b"HTTP/1.1 408 Late\r\n\r\n", b"?"])
async def test_what_comes_unasked_ends_the_link(case: Case, extra: bytes) -> None:
    """It would be taken for the answer to the next request."""
    assert cast("Response", await case.exchange(OK)).status == 200
    case.serve(extra)
    assert not case.link.is_usable
    twice = Case()
    assert cast("Response", await twice.exchange(OK + extra)).status == 200
    assert not twice.link.is_usable


async def test_a_link_that_is_closing_takes_no_request(case: Case) -> None:
    """Nothing is written, so all may be sent again."""
    case.wire.close()
    assert await case.exchange() == NoResponse(unread=True)
    assert case.wire.written == b""
