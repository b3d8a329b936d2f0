"""Many light WebSocket clients in one process, the same for every system that is measured.

A client is an asyncio protocol that cuts what comes into frames and looks for a marker in each:
parsing, masking and objects of a library would cost more than some of the servers do. It knows of
WebSocket only what the servers here send: short unfragmented text frames, no extensions.
"""

import asyncio
import multiprocessing
import resource
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from benchmarks.loops import run

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_S_MAX: Final = 30.0
ATTEMPTS: Final = 5
"""So often each client tries to connect: a stand-in for the table may be overtaxed by it."""

_TEXT: Final = 0x81
_SHORT_MAX: Final = 125
_TWO_BYTES: Final = 126
_MASKED: Final = 0x80


@dataclass(frozen=True)
class Opening:
    """How clients connect: `{n}` in `url` is each one's number, `first` the message each sends.

    A client is there once a frame with `answer` in it has come, or its handshake without one.
    After one with `refusal` it sends `first` again. `at_once` connect at a time.
    """

    url: str
    count: int
    first: str = ""
    answer: bytes = b""
    refusal: bytes = b"\x00"
    at_once: int = 32


class Crowd:
    """The clients, seen from the process that measures. Every call returns when it is done."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()

    async def open(self, opening: Opening) -> list[str]:
        """Connect further clients; return what each was answered. Raises RuntimeError."""
        return cast("list[str]", await self._ask(opening))

    async def watch(self, marker: bytes) -> None:
        """From now on count frames that hold the marker."""
        await self._ask(marker)

    async def all_reached(self, within_s: float) -> tuple[float, float] | None:
        """Wait until each client has such a frame; return when the first and the last one had it.

        By `perf_counter`. None when it takes longer than `within_s`.
        """
        return cast("tuple[float, float] | None", await self._ask(within_s))

    def close(self) -> None:
        """End the process, and every connection with it."""
        self._process.kill()
        self._process.join()

    async def _ask(self, question: object) -> object:
        self._pipe.send(question)
        answer = await asyncio.to_thread(self._pipe.recv)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Tally:
    """What the clients have received since the last marker was set."""

    def __init__(self) -> None:
        self.marker: bytes | None = None
        self.missing = 0
        self.first_at = self.last_at = 0.0
        self.complete = asyncio.Event()

    def count(self, frame: bytes) -> None:
        """Count a frame that is waited for."""
        if self.marker is not None and self.marker in frame:
            self.missing -= 1
            if not self.first_at:
                self.first_at = time.perf_counter()
            if self.missing == 0:
                self.last_at = time.perf_counter()
                self.complete.set()


class Client(asyncio.Protocol):
    """One client: a handshake, a message perhaps, and then frames to be counted."""

    def __init__(self, tally: Tally, request: bytes, opening: Opening) -> None:
        self.answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tally = tally
        self._request = request
        self._opening = opening
        self._received = b""
        self._take: Callable[[bytes], None] = self._take_handshake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail if anything is waited for."""
        if not self.answered.done():
            self.answered.set_exception(RuntimeError(f"a client was disconnected: {exc}"))

    def data_received(self, data: bytes) -> None:
        """Read the handshake's answer, then frames."""
        self._received = data = self._received + data if self._received else data
        self._take(data)

    def _take_handshake(self, data: bytes) -> None:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return
        if b" 101 " not in head[:16]:
            self.answered.set_exception(RuntimeError(head.decode(errors="replace")))
            return
        self._received, self._take = b"", self._take_frames
        if self._opening.first:
            self._ask()
        else:
            self.answered.set_result("")
        if rest:
            self.data_received(rest)

    def _take_frames(self, data: bytes) -> None:
        at, end = 0, len(data)
        while end - at >= 2:  # noqa: PLR2004 - the shortest header
            length, payload_at = data[at + 1], at + 2
            if length == _TWO_BYTES:
                length, payload_at = int.from_bytes(data[at + 2 : at + 4]), at + 4
            if payload_at + length > end:
                break
            self._hear(data[payload_at : payload_at + length])
            at = payload_at + length
        self._received = data[at:]

    def _hear(self, payload: bytes) -> None:
        if self.answered.done():
            self._tally.count(payload)
        elif self._opening.refusal in payload:
            self._ask()
        elif self._opening.answer in payload:
            self.answered.set_result(payload.decode())

    def _ask(self) -> None:
        self._transport.write(masked_text(self._opening.first.encode()))


def masked_text(payload: bytes) -> bytes:
    """A client's text frame, masked with zeros."""
    length = len(payload)
    if length <= _SHORT_MAX:
        return bytes([_TEXT, _MASKED | length]) + bytes(4) + payload
    return bytes([_TEXT, _MASKED | _TWO_BYTES]) + length.to_bytes(2) + bytes(4) + payload


def allow_many_files() -> None:
    """Raise this process's limit of open files to what the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _serve(pipe: Pipe) -> None:
    allow_many_files()
    run(_answer(pipe))


async def _answer(pipe: Pipe) -> None:
    """Do what is asked over the pipe, one thing after the other, until it ends."""
    tally, clients = Tally(), deque[Client]()
    while True:
        try:
            question = await asyncio.to_thread(pipe.recv)
        except EOFError:
            return
        try:
            pipe.send(await _answer_one(question, tally, clients))
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
            pipe.send(RuntimeError(repr(error)))


async def _answer_one(question: object, tally: Tally, clients: deque[Client]) -> object:
    match question:
        case Opening():
            return await _open(question, tally, clients)
        case bytes():
            tally.marker, tally.missing, tally.first_at = question, len(clients), 0.0
            tally.complete.clear()
            return None
        case float():
            try:
                async with asyncio.timeout(question):
                    await tally.complete.wait()
            except TimeoutError:
                return None
            return tally.first_at, tally.last_at
        case _:
            raise RuntimeError(f"what is {question!r}?")


async def _open(opening: Opening, tally: Tally, clients: deque[Client]) -> list[str]:
    """Connect some at a time."""
    answers = [""] * opening.count
    numbers = iter(range(opening.count))

    async def connect_some() -> None:
        for number in numbers:
            for attempt in range(ATTEMPTS):
                try:
                    client, answers[number] = await _connect(opening, number, tally)
                except (RuntimeError, TimeoutError):
                    if attempt == ATTEMPTS - 1:
                        raise
                else:
                    clients.append(client)
                    break

    await asyncio.gather(*(connect_some() for _ in range(opening.at_once)))
    return answers


async def _connect(opening: Opening, number: int, tally: Tally) -> tuple[Client, str]:
    url = urlsplit(opening.url.replace("{n}", str(number)))
    request = _handshake(url.netloc, url.path, url.query)
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: Client(tally, request, opening), url.hostname or "", url.port or 80
    )
    async with asyncio.timeout(ANSWER_S_MAX):
        return client, await client.answered


def _handshake(host: str, path: str, query: str) -> bytes:
    target = f"{path or '/'}?{query}" if query else path or "/"
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
