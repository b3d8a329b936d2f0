"""The HTTP end of the Lambda Runtime API (2018-06-01) for one worker.

It turns a runtime client's requests into calls on its owner and an invocation into the answer to
`GET next`. Any runtime client works: requests may be pipelined or not, kept alive or not, chunked,
and may expect 100-continue. What an outcome means, and the process behind it, are its owner's.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING, Final, Protocol, cast

import httptools
import msgspec

from gatepost.gateway.core.inputs import Failed, Returned
from gatepost.gateway.runner.invocation import trace_id

if TYPE_CHECKING:
    from gatepost.gateway.core.inputs import Outcome
    from gatepost.gateway.runner.invocation import Invocation

PAYLOAD_BYTES_MAX: Final = 6_291_556
"""Largest response of a synchronous invocation: 6 MB and a little, the figure in Lambda's error."""

_PREFIX: Final = "/2018-06-01/runtime/"
TOO_LARGE: Final = Failed(
    "Function.ResponseSizeTooLarge",
    f"Response payload size exceeded maximum allowed payload size ({PAYLOAD_BYTES_MAX} bytes).",
)


class Owner(Protocol):
    """What a RuntimeApi reports to."""

    def next_asked(self) -> bool:
        """Take note that the runtime is free; False if it still owes the last invocation's end."""

    def answered(self, request_id: str, outcome: Outcome, *, unfinished: str = "") -> bool:
        """Take the outcome of an invocation; False if it is not the one that runs.

        `unfinished` is what our own runtime clients say that the handler has left running.
        """

    def init_failed(self, failure: Failed) -> None:
        """Take note that the runtime could not load its handler."""


class _Error(msgspec.Struct, rename="camel"):
    """The body of an error report; runtimes leave out what they like."""

    error_type: str | None = None
    error_message: str | None = None
    stack_trace: object = None
    trace: object = None  # what Node's client calls it


class RuntimeApi:
    """A listening socket on 127.0.0.1 that one worker's runtime talks to."""

    def __init__(self, owner: Owner, arn: str, timeout_s: float) -> None:
        self._owner = owner
        self._arn = arn
        self._timeout_s = timeout_s
        self._server: asyncio.Server | None = None
        self._closed = False
        self._links: set[_Link] = set()
        self._waiting: _Link | None = None
        self._handed: _Link | None = None
        self._handed_unread = False

    async def open(self) -> str:
        """Start listening; return the `host:port` for AWS_LAMBDA_RUNTIME_API."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Link(self), "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        if self._closed:
            self.close()
        return f"{host}:{port}"

    @property
    def waiting(self) -> bool:
        """Whether the runtime waits in `GET next`."""
        return self._waiting is not None

    def hand_out(self, invocation: Invocation) -> None:
        """Answer the waiting `GET next`. Only to be called while one waits."""
        link, self._waiting = self._waiting, None
        if link is None:
            raise RuntimeError("no runtime waits for an invocation")
        if self._handed is not None and self._handed.ended:
            self._handed.close()
        self._handed, self._handed_unread = link, False
        head = (
            f"Lambda-Runtime-Aws-Request-Id: {invocation.request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {int((time.time() + self._timeout_s) * 1000)}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {self._arn}\r\n"
            f"Lambda-Runtime-Trace-Id: {trace_id()}\r\n"
        )
        if client_context := invocation.caller.client_context:
            head += f"Lambda-Runtime-Client-Context: {client_context}\r\n"
        link.answer("200 OK", invocation.event, head)

    def unread(self) -> bool:
        """Whether the runtime, which has ended, is known not to have read the last event.

        A process that ends with unread bytes, or before they came, resets its connection. One that
        is killed in the moment of reading does not; whether its handler began can't be known.
        """
        return self._handed_unread or (self._handed is not None and self._handed.reset)

    def close(self) -> None:
        """Stop listening and end every connection: an idle runtime leaves by itself."""
        self._waiting = None
        self._closed = True
        if self._server is not None:
            # A closed asyncio.Server loses a connection that was accepted in this turn of the loop
            # (CPython gh-109564): accept no more now, and close it when that one is attached.
            loop = asyncio.get_running_loop()
            for listening in self._server.sockets:
                loop.remove_reader(listening.fileno())
            loop.call_soon(self._server.close)
        for link in tuple(self._links):
            link.close()

    def attach(self, link: _Link) -> None:
        """Take note of a new connection; end one that was accepted while this closed."""
        self._links.add(link)
        if self._closed:
            link.close()

    def detach(self, link: _Link) -> None:
        """Forget a connection that has ended."""
        self._links.discard(link)
        if self._waiting is link:
            self._waiting = None
        if self._handed is link:
            self._handed_unread = link.reset
            self._handed = None

    def is_waiting(self, link: _Link) -> bool:
        """Whether the answer to `GET next` is pending on this connection."""
        return self._waiting is link

    def is_handed(self, link: _Link) -> bool:
        """Whether the last event went out on this connection and none was asked for since."""
        return self._handed is link and self._waiting is not link

    def handle(self, link: _Link, method: str, path: str) -> None:
        """Carry out one request, whose headers and body the connection holds."""
        _, found, rest = path.partition(_PREFIX)
        match (method, *rest.split("/")) if found else ():
            case ("GET", "invocation", "next"):
                self._next(link)
            case ("POST", "invocation", request_id, "response"):
                if link.body_too_large:
                    known = self._owner.answered(request_id, TOO_LARGE)
                    self._acknowledge(link, known=known, status="413 Payload Too Large")
                else:
                    self._answered(link, request_id, Returned(link.body))
            case ("POST", "invocation", request_id, "error"):
                self._answered(link, request_id, _failed(link))
            case ("POST", "init", "error"):
                self._acknowledge(link, known=True)
                self._owner.init_failed(_failed(link))
            case _:
                link.answer("404 Not Found", b'{"errorType":"NotFound"}')

    def _next(self, link: _Link) -> None:
        self._waiting = link
        if not self._owner.next_asked():
            self._waiting = None
            link.answer("403 Forbidden", b'{"errorType":"InvalidStateTransition"}')

    def _answered(self, link: _Link, request_id: str, outcome: Outcome) -> None:
        known = self._owner.answered(request_id, outcome, unfinished=link.unfinished)
        self._acknowledge(link, known=known)

    def _acknowledge(self, link: _Link, *, known: bool, status: str = "202 Accepted") -> None:
        if known:
            link.answer(status, b'{"status":"OK"}')
        else:
            link.answer("400 Bad Request", b'{"errorType":"InvalidRequestID"}')


def _failed(link: _Link) -> Failed:
    try:
        error = msgspec.json.decode(link.body, type=_Error)
    except msgspec.MsgspecError:
        error = _Error()
    kind = error.error_type or link.error_type or "Unhandled"
    trace = error.stack_trace or error.trace
    frames = trace if isinstance(trace, list) else []
    return Failed(kind, error.error_message or "", tuple(map(str, frames)))


class _Link(asyncio.Protocol):
    """One HTTP connection of a runtime client.

    Answers are collected while received bytes are worked off, and held back as long as the client
    waits in `GET next`: a pipelined POST and GET are answered in one write.
    """

    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self._parser = httptools.HttpRequestParser(self)
        self._answers: list[bytes] = []
        self._feeding = False
        self._transport: asyncio.Transport | None = None
        self._close_after: bool = False
        self._was_reset = False
        self.ended = False
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # asyncio sets TCP_NODELAY itself
        self._api.attach(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._was_reset = self._was_reset or isinstance(exc, ConnectionError)
        self._transport = None
        self._api.detach(self)

    def eof_received(self) -> bool:
        # Kept until the process has ended: a reset may follow and tell that it read nothing.
        self.ended = self._api.is_handed(self)
        return self.ended

    @property
    def reset(self) -> bool:
        """Whether the client's end is gone with bytes that it never read."""
        if self._was_reset or self._transport is None:
            return self._was_reset
        if self._transport.is_closing() or self._transport.get_write_buffer_size():
            return True  # connection_lost is about to tell; or bytes still wait to be sent
        with contextlib.suppress(OSError):
            ours: socket.socket = self._transport.get_extra_info("socket")
            self._was_reset = ours.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
        return self._was_reset

    def data_received(self, data: bytes) -> None:
        self._feeding = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
        finally:
            self._feeding = False
        if not self._api.is_waiting(self):
            self._flush()

    def answer(self, status: str, body: bytes, headers: str = "") -> None:
        """Answer the oldest open request of this connection."""
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{headers}\r\n"
        )
        self._answers.append(head.encode() + body)
        if not self._feeding:
            self._flush()

    def close(self) -> None:
        """End the connection after what was already answered."""
        self._write()
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        self._write()
        if self._close_after:
            self.close()

    def _write(self) -> None:
        if self._transport is not None and self._answers:
            self._transport.write(b"".join(self._answers))
        self._answers.clear()

    # What the parser reports.

    def on_message_begin(self) -> None:
        self._path = ""
        self._parts: list[bytes] = []
        self._received_bytes = 0
        self.error_type = ""
        self.unfinished = ""

    def on_url(self, url: bytes) -> None:
        self._path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower == b"lambda-runtime-function-error-type":
            self.error_type = value.decode("latin-1")
        elif lower == b"gatepost-unfinished":
            self.unfinished = value.decode("latin-1")
        elif lower == b"expect" and value.lower() == b"100-continue" and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._received_bytes += len(data)
        if self.body_too_large:
            self._parts.clear()
        else:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        self._close_after = not self._parser.should_keep_alive()
        self._api.handle(self, method, self._path)

    @property
    def body(self) -> bytes:
        """The request's body; empty if it was too large."""
        return b"".join(self._parts)

    @property
    def body_too_large(self) -> bool:
        """Whether the body passed the limit and was dropped."""
        return self._received_bytes > PAYLOAD_BYTES_MAX
