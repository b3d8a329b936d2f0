"""A client that posts to `@connections` and costs little: kept links, heads made once, no library.

What is sent looks as botocore sends it (the same headers, a signature that nobody checks), so that
servers parse what they would have to parse. Run by a process of its own.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Final, cast
from urllib.parse import quote, urlsplit

from benchmarks.loops import run

LINKS: Final = 100

_HEADERS: Final = (
    "Content-Type: application/octet-stream\r\n"
    "User-Agent: Boto3/1.40.0 md/Botocore#1.40.0 ua/2.1 os/linux#6.1 md/arch#x86_64 "
    "lang/python#3.11.7 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.40.0\r\n"
    "X-Amz-Date: 20260101T000000Z\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/execute-api/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date, Signature="
    "0000000000000000000000000000000000000000000000000000000000000000\r\n"
)


@dataclass(frozen=True)
class Posts:
    """One payload for these connections, below `url`."""

    url: str
    ids: Sequence[str]
    payload: bytes


class Poster:
    """The posting process, seen from the one that measures."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()

    async def post(self, posts: Posts) -> float:
        """Post to all; return when it began by `perf_counter`. Raises RuntimeError unless all 200.

        Links stay open for the next time.
        """
        self._pipe.send(posts)
        answer = await asyncio.to_thread(self._pipe.recv)
        if isinstance(answer, Exception):
            raise answer
        return cast("float", answer)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


class Link(asyncio.Protocol):
    """One kept link: takes the next request when the last one is answered."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests: Iterator[bytes] = iter(())
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def begin(self, requests: Iterator[bytes]) -> None:
        """Send requests, which other links take from as well, until there are none left."""
        self.done = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._send_next()

    def data_received(self, data: bytes) -> None:
        """Read an answer, whose body is empty or says what is wrong."""
        self._received += data
        head, end, _ = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        self._received = b""
        if head.startswith(b"HTTP/1.1 200 "):
            self._send_next()
        else:
            self._fail(head.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail if an answer is waited for."""
        self._fail(f"the link ended: {exc}")

    def _send_next(self) -> None:
        request = next(self._requests, None)
        if request is not None:
            self._transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(reason))


def _serve(pipe: Pipe) -> None:
    run(_post_all(pipe))


async def _post_all(pipe: Pipe) -> None:
    links: dict[str, list[Link]] = {}
    while True:
        try:
            posts: Posts = await asyncio.to_thread(pipe.recv)
        except EOFError:
            return
        host = urlsplit(posts.url).netloc
        try:
            if host not in links:
                links[host] = [await _link(host) for _ in range(LINKS)]
            pipe.send(await _post(posts, links[host]))
        except (OSError, RuntimeError) as error:
            pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


async def _link(host: str) -> Link:
    url = urlsplit(f"//{host}")
    loop = asyncio.get_running_loop()
    _, link = await loop.create_connection(Link, url.hostname or "", url.port or 80)
    return link


async def _post(posts: Posts, links: Sequence[Link]) -> float:
    url = urlsplit(posts.url)
    rest = f" HTTP/1.1\r\nHost: {url.netloc}\r\n{_HEADERS}Content-Length: {len(posts.payload)}\r\n"
    tail = f"{rest}\r\n".encode() + posts.payload
    began_at = time.perf_counter()
    requests = (
        f"POST {url.path}/@connections/{quote(one, safe='')}".encode() + tail for one in posts.ids
    )
    for link in links:
        link.begin(requests)
    await asyncio.gather(*(link.done for link in links))
    return began_at
