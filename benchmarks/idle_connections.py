"""How much memory of the gateway process an idle connection takes.

The gateway runs in a process of its own, clients that do nothing in others (raw sockets, one
handshake each). Its resident memory is read before and after; the difference is divided by their
number. Bounded: CONNECTIONS in all, on loopback, closed at the end.
"""

import asyncio
import multiprocessing
import os
import resource
import socket
import sys
import zlib
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.results import keep
from gatepost.gateway.core.deployment import Deployment, LambdaProxy, Route, WebSocketApi
from gatepost.gateway.core.inputs import Outcome, Returned
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.server import GatewayServer

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECTIONS = 10_000
KIB_MAX = 20.0
METHOD = (
    f"Resident memory of the gateway process with {CONNECTIONS} idle connections, less that with "
    f"200, by their number. Route $connect, an invoker that accepts at once, uvloop where it is "
    f"installed. Limit: {KIB_MAX:g} KiB."
)
WARM_UP = 200
BURST = 100
OPEN_FILES = 2 * CONNECTIONS + 500

TEXT = b'{"action":"none","text":"a message that is compressed and starts a window"}'


class Accepting:
    """An Invoker whose every function returns 200 at once."""

    async def invoke(self, function: str, event: bytes) -> Outcome:  # noqa: ARG002 - the port's
        """Return 200."""
        return Returned(b'{"statusCode":200}')


def deployment() -> Deployment:
    """One API whose clients do nothing."""
    routes = {key: Route(key, LambdaProxy(key)) for key in ("$connect", "$default")}
    api = WebSocketApi("a1b2c3d4e5", "idle", "dev", routes)
    return Deployment("idle", "dev", "us-east-1", "000000000000", Path(), (api,), {})


def serve(pipe: Pipe) -> None:
    """Run the gateway until the pipe says so; each word on it is answered with the memory."""
    run = asyncio.run
    try:
        import uvloop  # noqa: PLC0415 - optional

        run = uvloop.run
    except ImportError:
        pass
    run(_serve(pipe))


async def _serve(pipe: Pipe) -> None:
    settings = GatewaySettings(idle_timeout_s=3600)
    server = GatewayServer(deployment(), Accepting(), settings=settings)
    await server.start()
    pipe.send(server.port)
    while await asyncio.to_thread(pipe.recv) != "end":
        await asyncio.sleep(0.5)
        pipe.send(psutil.Process().memory_info().rss)
    os._exit(0)  # closing 10,000 links politely is not what is measured


def handshake(extensions: str) -> bytes:
    """A client's request."""
    return (
        "GET /dev HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"{extensions}\r\n"
    ).encode()


def masked_text(payload: bytes, *, compressed: bool) -> bytes:
    """A short text frame, masked with zeros."""
    if compressed:
        deflate = zlib.compressobj(wbits=-15)
        payload = (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return bytes([0xC1 if compressed else 0x81, 0x80 | len(payload)]) + bytes(4) + payload


def connect(port: int, count: int, request: bytes, then: bytes) -> list[socket.socket]:
    """Open connections, some at a time; each sends `then` after its handshake."""
    opened: list[socket.socket] = []
    for start in range(0, count, BURST):
        links = [
            socket.create_connection(("127.0.0.1", port)) for _ in range(min(BURST, count - start))
        ]
        for link in links:
            link.sendall(request)
        for link in links:
            answer = link.recv(4096)
            if not answer.startswith(b"HTTP/1.1 101 "):
                raise RuntimeError(answer.decode(errors="replace"))
            if then:
                link.sendall(then)
        opened += links
    return opened


def measure(request: bytes, then: bytes = b"") -> float:
    """Return KiB of the gateway process for a connection."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    gateway = context.Process(target=serve, args=(theirs,), daemon=True)
    gateway.start()
    port = ours.recv()

    def ask() -> int:
        ours.send("memory")
        memory_bytes: int = ours.recv()
        return memory_bytes

    links = connect(port, WARM_UP, request, then)
    before = ask()
    links += connect(port, CONNECTIONS, request, then)
    after = ask()
    ours.send("end")
    gateway.join(10)
    for link in links:
        link.close()
    return (after - before) / CONNECTIONS / 1024


async def main() -> None:
    """Measure connections without and with compression, fresh and after a message."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))
    plain = handshake("")
    deflate = handshake("Sec-WebSocket-Extensions: permessage-deflate\r\n")
    cases: dict[str, Callable[[], float]] = {
        "without compression": lambda: measure(plain),
        "after one message": lambda: measure(plain, masked_text(TEXT, compressed=False)),
        "permessage-deflate": lambda: measure(deflate),
        "deflate, after one message": lambda: measure(deflate, masked_text(TEXT, compressed=True)),
    }
    rows = {name: {"KiB_a_connection": round(case(), 1)} for name, case in cases.items()}
    keep("idle_connections", METHOD, rows)
    if any(row["KiB_a_connection"] > KIB_MAX for row in rows.values()):
        sys.exit(f"more than {KIB_MAX:g} KiB a connection")
