"""HTTP answers into bytes: how an answer is framed. What is answered is the core's to say."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from random import getrandbits

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 304})
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
_NOT_IN_A_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def response_bytes(
    status: int,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    keep_alive: bool,
    head: bool = False,
) -> bytes:
    """Return one answer as it goes over the wire.

    Each carries a `x-amzn-RequestId`, which SDKs show, and its exact length. Headers that frame a
    message are this function's own. With `head` the body is announced and left out.
    """
    lines = [
        f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\nx-amzn-RequestId: {_request_id()}\r\n"
    ]
    for name, value in headers:
        if name.lower() not in _FRAMING:
            lines.append(f"{_one_line(name)}: {_one_line(value)}\r\n")
    if status not in _BODILESS:
        lines.append(f"Content-Length: {len(body)}\r\n")
    lines.append("\r\n" if keep_alive else "Connection: close\r\n\r\n")
    start = "".join(lines).encode("latin-1", "replace")
    return start if head or status in _BODILESS else start + body


def _request_id() -> str:
    """Return an id in the shape of a UUID; it need not be hard to guess."""
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _one_line(text: str) -> str:
    """Keep a function's own text from ending its header line and starting another."""
    return _NOT_IN_A_HEADER.sub(" ", text)
