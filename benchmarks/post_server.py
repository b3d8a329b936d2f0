"""A management API that does nothing but answer: `python -m benchmarks.post_server`.

Cheaper by far than any client (uvloop, no HTTP library, no signature checked), so that clients are
what is measured. Two ports, plain and TLS. The stage `10ms` is answered so much later, connections
`late...` once as many of them wait as a fan-out has links: then all its links are open.
"""

import asyncio
import json
import re
import ssl
import sys
from functools import partial
from typing import cast

import uvloop

DELAY_S = 0.01
LINKS = 256
WAITING: list["Post"] = []
ANSWER = (
    b"HTTP/1.1 200 OK\r\nDate: Tue, 01 Dec 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: 0\r\nConnection: keep-alive\r\n"
    b"x-amzn-RequestId: 1b5e34b3-7f0e-4f2b-9c0e-0d3a1f6f5a11\r\n"
    b"x-amz-apigw-id: L0SMiFYXPHcEYfA=\r\n\r\n"
)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Post(asyncio.Protocol):
    """One link; requests come one after the other, as none of the clients pipelines."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        self.transport = cast("asyncio.Transport", transport)
        self.loop = asyncio.get_running_loop()
        self.received = b""

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        received = self.received = self.received + data if self.received else data
        head = received.find(b"\r\n\r\n")
        if head < 0:
            return
        length = LENGTH.search(received, 0, head + 2)
        if len(received) < head + 4 + (int(length[1]) if length else 0):
            return
        self.received = b""
        if b"/late" in received[:60]:
            WAITING.append(self)
            if len(WAITING) == LINKS:
                for waiting in WAITING:
                    waiting.answer()
                WAITING.clear()
        elif b"/10ms/" in received[:40]:
            self.loop.call_later(DELAY_S, self.answer)
        else:
            self.answer()

    def answer(self) -> None:
        """Write the answer, unless the client has gone."""
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


async def main(certificate: str) -> None:
    """Serve until standard input ends; say the ports on standard output."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    listen = partial(asyncio.get_running_loop().create_server, Post, "127.0.0.1", 0, backlog=1024)
    servers = [await listen(), await listen(ssl=tls)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
