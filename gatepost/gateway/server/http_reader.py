"""Bytes into HTTP requests, with a limit on everything; no I/O, no answers.

Parsing is httptools' (llhttp). What is decided here is how much of a request is kept, and where a
WebSocket handshake ends.
"""

from collections import deque

import httptools
from msgspec import Struct

from gatepost.gateway.core.settings import GatewaySettings

HEAD_BYTES_MAX = 16 * 1024
"""Longest block of headers, names and values together."""

DISCARD_BYTES_MAX = 1024 * 1024
"""Longest body that is read to its end, so that its link can be used again."""


class Request(Struct, frozen=True):
    """One HTTP request.

    `path` is percent-encoded as received, `host` the first header of that name. Headers keep order,
    spelling and repetition. A body over the limit of messages is cut to one byte more than that,
    which tells that it is too long.
    """

    method: str
    path: str
    query: str
    version: str
    host: str
    raw_headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    keep_alive: bool
    websocket: bool

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers as text; most requests are never asked for them."""
        return tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in self.raw_headers
        )

    def header(self, name: str) -> str:
        """Return the first value of the header `name` (lower case), or an empty string."""
        wanted = name.encode()
        found = (value for key, value in self.raw_headers if key.lower() == wanted)
        return next(found, b"").decode("latin-1")


class RequestRejectedError(Exception):
    """The bytes are no request that could be handled: answer `status` and close."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RequestReader:
    """Cuts what comes over one link into requests.

    `requests` collects them. After a WebSocket handshake everything else goes to `rest`, untouched.
    `continue_expected` is true while a client waits for `100 Continue`.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._target_bytes_max = settings.url_chars_max
        self._body_bytes_kept = settings.message_bytes_max + 1
        self.requests: deque[Request] = deque()
        self.rest = bytearray()
        self.continue_expected = False
        self._upgraded = False
        self._ended = False
        self._rejection: RequestRejectedError | None = None
        self._new_parser()

    def _new_parser(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self.on_message_begin()
        self.partial = False

    def feed(self, data: bytes) -> None:
        """Take bytes.

        Raises RequestRejectedError for malformed or oversized ones; requests that were whole
        before are in `requests` then, and what is fed later is dropped.
        """
        while data and not self._ended:
            if self._upgraded:
                self.rest += data
                return
            self._began = False
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._after_upgrade(data[upgrade.args[0] :])
            except httptools.HttpParserError as error:
                self._ended = True
                raise self._rejection or RequestRejectedError(400, "Bad request") from error
            else:
                self._check_unfinished_head(len(data))
                return

    def _after_upgrade(self, rest: bytes) -> bytes:
        """Return what is to be read next: what follows a handshake, to be kept as it is.

        Any other upgrade is ignored, as RFC 9110 7.8 has it: its request is read again without.
        """
        request = self.requests.pop()
        if request.websocket:
            self._upgraded = True
            self.requests.append(request)
            return rest
        if request.method == "CONNECT":
            self._ended = True
            raise RequestRejectedError(501, "CONNECT is not supported")
        self._ended = False
        self._new_parser()
        return _head_without_upgrade(request) + rest

    def _check_unfinished_head(self, fed_bytes: int) -> None:
        """Bound a head that never ends; finished ones are measured exactly."""
        if self._in_head and not self._began:
            self._unfinished_bytes += fed_bytes
            if self._unfinished_bytes > HEAD_BYTES_MAX + self._target_bytes_max:
                self._ended = True
                raise RequestRejectedError(431, "Request header fields too large")

    # What httptools calls.

    def on_message_begin(self) -> None:
        """Start a request."""
        self.partial = self._in_head = self._began = True
        self._unfinished_bytes = self._head_bytes = self._body_bytes = 0
        self._target = b""
        self._host: bytes | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._oversized = False

    def on_url(self, part: bytes) -> None:
        """Take a part of the target."""
        self._target += part
        if len(self._target) > self._target_bytes_max:
            self._reject(414, "URI too long")

    def on_header(self, name: bytes, value: bytes | None) -> None:
        """Take one header."""
        value = value or b""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX:
            self._reject(431, "Request header fields too large")
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Look at the host, and at the length and the expectation that the headers announce."""
        self._in_head = False
        for name, value in self._headers:
            folded = name.lower()
            if folded == b"host" and self._host is None:
                self._host = value
            elif folded == b"content-length" and int(value) > DISCARD_BYTES_MAX:
                self._body.append(bytes(self._body_bytes_kept))
                self._give_up_on_body()
            elif folded == b"expect" and value.lower() == b"100-continue":
                self.continue_expected = True

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        self.continue_expected = False
        if (kept := self._body_bytes_kept - self._body_bytes) > 0:
            self._body.append(part[:kept])
        self._body_bytes += len(part)
        if self._body_bytes > DISCARD_BYTES_MAX and not self._oversized:
            self._give_up_on_body()

    def on_message_complete(self) -> None:
        """End the request."""
        self.partial = self.continue_expected = False
        if not self._oversized:
            self._emit(keep_alive=self._parser.should_keep_alive())

    def _reject(self, status: int, message: str) -> None:
        self._rejection = RequestRejectedError(status, message)
        raise self._rejection

    def _give_up_on_body(self) -> None:
        """Hand on a request whose body is far too long; its link ends with the answer."""
        self._oversized = True
        self._ended = True
        self.continue_expected = False
        self._emit(keep_alive=False)

    def _emit(self, *, keep_alive: bool) -> None:
        path, _, query = _origin_form(self._target).partition("?")
        self.requests.append(
            Request(
                method=self._parser.get_method().decode("ascii"),
                path=path,
                query=query,
                version=self._parser.get_http_version(),
                host=(self._host or b"").decode("latin-1"),
                raw_headers=tuple(self._headers),
                body=b"".join(self._body),
                keep_alive=keep_alive,
                websocket=self._parser.should_upgrade() and self._asks_for_websocket(),
            )
        )

    def _asks_for_websocket(self) -> bool:
        return any(
            b"websocket" in value.lower()
            for name, value in self._headers
            if name.lower() == b"upgrade"
        )


def _origin_form(target: bytes) -> str:
    """Return path and query of a request target; proxies' clients send a whole URL."""
    text = target.decode("utf-8", "replace").partition("#")[0]
    if text.startswith("/") or "://" not in text:
        return text
    authority_and_path = text.partition("://")[2]
    slash = authority_and_path.find("/")
    return authority_and_path[slash:] if slash >= 0 else "/"


def _head_without_upgrade(request: Request) -> bytes:
    target = f"{request.path}?{request.query}" if request.query else request.path
    lines = [f"{request.method} {target} HTTP/{request.version}"]
    lines += [
        f"{name}: {value}"
        for name, value in request.headers
        if name.lower() not in {"upgrade", "connection", "http2-settings"}
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
