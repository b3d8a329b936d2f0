"""HTTP answers into bytes: how an answer is framed. What is answered is the core's to say."""

import re
from functools import lru_cache
from http import HTTPStatus
from itertools import count
from random import getrandbits
from uuid import uuid4

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_ID_OF_THIS_RUN = str(uuid4())[:23].encode()
_ids = count(getrandbits(40))
_BODILESS = frozenset({204, 304})
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
_NOT_IN_A_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def response_bytes(
    status: int,
    headers: tuple[tuple[str, str], ...],
    body: bytes,
    *,
    keep_alive: bool,
    head: bool = False,
) -> bytes:
    """Return one answer as it goes over the wire.

    Each carries a `x-amzn-RequestId`, which SDKs show, and its exact length. Headers that frame a
    message are this function's own. With `head` the body is announced and left out.
    """
    length = None if status in _BODILESS else len(body)
    before_id, after_id = _head(status, headers, length, keep_alive=keep_alive)
    start = b"%b%b%b" % (before_id, _request_id(), after_id)
    return start if head or length is None else start + body


@lru_cache(maxsize=64)
def _head(
    status: int, headers: tuple[tuple[str, str], ...], length: int | None, *, keep_alive: bool
) -> tuple[bytes, bytes]:
    """Return what stands before the request id and after it; a broadcast is answered alike."""
    lines = [
        f"\r\n{_one_line(name)}: {_one_line(value)}"
        for name, value in headers
        if name.lower() not in _FRAMING
    ]
    if length is not None:
        lines.append(f"\r\nContent-Length: {length}")
    lines.append("\r\n\r\n" if keep_alive else "\r\nConnection: close\r\n\r\n")
    start = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\nx-amzn-RequestId: "
    return start.encode("latin-1", "replace"), "".join(lines).encode("latin-1", "replace")


def _request_id() -> bytes:
    """Return an id in the shape of a UUID; it need not be hard to guess."""
    return b"%b-%012x" % (_ID_OF_THIS_RUN, next(_ids))


def _one_line(text: str) -> str:
    """Keep a function's own text from ending its header line and starting another."""
    return _NOT_IN_A_HEADER.sub(" ", text)
