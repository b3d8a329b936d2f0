"""An HTTP proxy before a DynamoDB endpoint that does what the real service does on bad days.

Each operation (`TransactWriteItems`, `Query` ...) has its faults, one for a request; when they are
used up, requests pass. It speaks just enough HTTP/1.1: one request and one answer a connection,
both with a Content-Length.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit

from tests.rights import table_actions

ERROR_NAMESPACE = "com.amazonaws.dynamodb.v20120810#"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with this error and forward nothing."""

    code: str


@dataclass(frozen=True, slots=True)
class LeaveUnprocessed:
    """Forward a BatchWriteItem without its last `count` writes, and say that they are left."""

    count: int


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """Forward the request, so that it takes effect, and drop the link, or let the caller wait."""

    hang: bool = False


@dataclass(frozen=True, slots=True)
class CancelTransaction:
    """Cancel a TransactWriteItems because another transaction holds its first row."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Forward the request, and its answer."""


Fault = Refuse | LeaveUnprocessed | LoseAnswer | CancelTransaction | Pass

BAD_DAY: dict[str, tuple[Fault, ...]] = {
    "TransactWriteItems": (CancelTransaction(), LoseAnswer(), Pass()),
    "BatchWriteItem": (LeaveUnprocessed(2), LeaveUnprocessed(1), Pass()),
    "UpdateItem": (Refuse("ThrottlingException"), LoseAnswer(), Pass()),
    "GetItem": (Refuse("ProvisionedThroughputExceededException"), Pass()),
    "Query": (Refuse("ThrottlingException"), Pass(), Refuse("InternalServerError"), Pass()),
}
"""Faults to repeat for ever: every operation meets each of its kinds."""


@dataclass(slots=True)
class FaultProxy:
    """The proxy: where it listens, what it will do, and what was asked for.

    `requests` counts operations, `permissions` holds the IAM actions that they would need.
    """

    upstream_host: str
    upstream_port: int
    url: str = ""
    faults: dict[str, Iterator[Fault]] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    permissions: set[str] = field(default_factory=set)

    def inject(self, operation: str, *faults: Fault) -> None:
        """Set what becomes of the next requests of an operation."""
        self.faults[operation] = iter(faults)

    def have_a_bad_day(self) -> None:
        """Go through BAD_DAY again and again."""
        self.faults = {operation: cycle(faults) for operation, faults in BAD_DAY.items()}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        try:
            head, body = await _read_http(reader)
            operation = _header(head, b"x-amz-target").rpartition(".")[2]
            self.requests[operation] += 1
            self.permissions |= table_actions(operation, json.loads(body))
            fault = next(self.faults.get(operation, iter(())), Pass())
            writer.write(await self._answer(head, body, fault))
            await writer.drain()
            if fault == LoseAnswer(hang=True):
                await reader.read()  # until the caller gives up
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: bytes, body: bytes, fault: Fault) -> bytes:
        match fault:
            case Refuse(code):
                return _refusal(code, {})
            case CancelTransaction():
                return _cancelled(len(json.loads(body)["TransactItems"]))
            case LeaveUnprocessed(count):
                return await self._leave_unprocessed(head, body, count)
            case LoseAnswer():
                await self._forward(head, body)
                return b""
            case Pass():
                return await self._forward(head, body)

    async def _leave_unprocessed(self, head: bytes, body: bytes, count: int) -> bytes:
        request = json.loads(body)
        [(table, writes)] = request["RequestItems"].items()
        kept, left = writes[:-count], writes[-count:]
        if kept:
            request["RequestItems"] = {table: kept}
            await self._forward(head, json.dumps(request).encode())
        return _response(200, json.dumps({"UnprocessedItems": {table: left}}).encode())

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        lines = [
            line
            for line in head.split(b"\r\n")
            if not line.lower().startswith((b"content-length:", b"connection:"))
        ]
        lines += [b"Content-Length: %d" % len(body), b"Connection: close"]
        reader, writer = await asyncio.open_connection(self.upstream_host, self.upstream_port)
        try:
            writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            answer_head, answer_body = await _read_http(reader)
        finally:
            writer.close()
        status = int(answer_head.split(b" ", 2)[1])
        return _response(status, answer_body)


@asynccontextmanager
async def fault_proxy(endpoint: str) -> AsyncIterator[FaultProxy]:
    """Run a proxy before `endpoint` on a port of the system's choice."""
    upstream = urlsplit(endpoint)
    assert upstream.hostname is not None
    assert upstream.port is not None
    proxy = FaultProxy(upstream.hostname, upstream.port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    proxy.url = f"http://{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()


async def _read_http(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
    return head, await reader.readexactly(int(_header(head, b"content-length") or 0))


def _header(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().decode()
    return ""


def _cancelled(writes: int) -> bytes:
    reasons = [{"Code": "TransactionConflict", "Message": "injected"}]
    reasons += [{"Code": "None"}] * (writes - 1)
    return _refusal("TransactionCanceledException", {"CancellationReasons": reasons})


def _refusal(code: str, fields: dict[str, object]) -> bytes:
    status = 500 if code == "InternalServerError" else 400
    document = {"__type": ERROR_NAMESPACE + code, "message": "injected"} | fields
    return _response(status, json.dumps(document).encode())


def _response(status: int, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 %d X\r\nContent-Type: application/x-amz-json-1.0\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body)
    )
