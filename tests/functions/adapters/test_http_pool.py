"""The pool: when links are opened, kept and dropped. Over loopback, with servers of its own."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest
import trustme

from functions.adapters.http_link import PLAIN_SUCCESS, NoResponse
from functions.adapters.http_pool import IDLE_S_MAX, OPENING_MAX, Host, Limits, NotConnected, Pool

if TYPE_CHECKING:
    from tests.conftest import Eventually

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PATIENT = Limits(links=40, connect_s=20, read_s=20)


class Clock:
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


class Server:
    """Answers 200; `hold` keeps answers back until it is set."""

    def __init__(self) -> None:
        self.opened = 0
        self.requests = 0
        self.writers: set[asyncio.StreamWriter] = set()
        self.hold = asyncio.Event()
        self.hold.set()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the client goes."""
        self.opened += 1
        self.writers.add(writer)
        while await reader.read(65536):
            self.requests += 1
            await self.hold.wait()
            writer.write(OK)
        writer.close()


@asynccontextmanager
async def running(tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run a server."""
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for writer in server.writers:
            writer.transport.abort()


@asynccontextmanager
async def pool_to(
    server: Server,
    *,
    limits: Limits = PATIENT,
    tls: ssl.SSLContext | None = None,
    clock: Callable[[], float] | None = None,
    name: str = "127.0.0.1",
) -> AsyncIterator[Pool]:
    """Keep a pool of links to the server."""
    pool = Pool(Host(name, server.port, tls), limits, clock or Clock())
    try:
        yield pool
    finally:
        await pool.close()


async def test_no_link_is_opened_before_it_is_needed() -> None:
    """A snapshot of the process must hold no socket; then one serves request after request."""
    async with running() as server, pool_to(server) as pool:
        assert server.opened == 0
        for _ in range(3):
            assert await pool.exchange(REQUEST) is PLAIN_SUCCESS
        assert server.opened == 1


async def test_the_name_service_is_not_asked_for_an_address() -> None:
    """It would be in a thread, for which a first request waits: here there is none to be had."""
    none_left = ThreadPoolExecutor()
    none_left.shutdown()
    asyncio.get_running_loop().set_default_executor(none_left)
    async with running() as server, pool_to(server) as pool:
        assert await pool.exchange(REQUEST) is PLAIN_SUCCESS


async def test_no_more_links_are_open_than_the_limit(eventually: "Eventually") -> None:
    """Who finds none free waits for one, and gets its turn."""
    async with running() as server, pool_to(server) as pool:
        server.hold.clear()
        sends = [asyncio.create_task(pool.exchange(REQUEST)) for _ in range(100)]
        await eventually(lambda: server.requests == PATIENT.links)
        server.hold.set()
        assert await asyncio.gather(*sends) == [PLAIN_SUCCESS] * 100
        assert (server.opened, server.requests) == (PATIENT.links, 100)


async def test_links_beyond_the_first_are_opened_only_while_somebody_waits() -> None:
    """Where answers come at once, few links do."""
    async with running() as server, pool_to(server) as pool:
        await asyncio.gather(*(pool.exchange(REQUEST) for _ in range(OPENING_MAX)))
        assert server.opened <= OPENING_MAX


async def test_a_link_that_was_idle_too_long_by_the_wall_clock_is_dropped() -> None:
    """The process may have been frozen meanwhile, with its other clocks."""
    clock = Clock()
    async with running() as server, pool_to(server, clock=clock) as pool:
        await pool.exchange(REQUEST)
        clock.now += IDLE_S_MAX - 1
        await pool.exchange(REQUEST)
        assert server.opened == 1
        clock.now += IDLE_S_MAX + 1
        await pool.exchange(REQUEST)
        assert server.opened == 2


@contextmanager
def server_in_a_thread(*, answers: int) -> Iterator[tuple[int, threading.Event, list[bytes]]]:
    """Run a server that closes its first link after so many answers, beside the event loop.

    Gives its port, what is set once it has closed the link, and what it read.
    """
    closed, read = threading.Event(), list[bytes]()

    def serve(listening: socket.socket) -> None:
        for left in (answers, 100):
            link, _ = listening.accept()
            with link:
                for _ in range(left):
                    data = link.recv(65536)
                    if not data:
                        return
                    read.append(data)
                    link.sendall(OK)
            closed.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield listening.getsockname()[1], closed, read
    thread.join(5)


async def test_a_link_that_closed_while_frozen_is_found_before_anything_is_sent_over_it() -> None:
    """The event loop did not run when it closed; the next request goes over another at once."""
    clock = Clock()
    with server_in_a_thread(answers=1) as (port, closed, read):
        pool = Pool(Host("127.0.0.1", port), PATIENT, clock)
        assert await pool.exchange(REQUEST) is PLAIN_SUCCESS
        assert closed.wait(5)  # blocks the loop, as freezing does
        clock.now += 1
        assert await pool.exchange(REQUEST) is PLAIN_SUCCESS
        assert read == [REQUEST] * 2
        await pool.close()


async def test_a_fresh_link_is_one_that_nobody_used() -> None:
    """What closed under one request may have closed under the others too."""
    async with running() as server, pool_to(server) as pool:
        await pool.exchange(REQUEST)
        await pool.exchange(REQUEST, fresh=True)
        assert server.opened == 2


async def test_no_response_in_time_gives_the_link_up(eventually: "Eventually") -> None:
    """The request left, so nobody knows; the next one gets another link."""
    limits = Limits(links=1, connect_s=20, read_s=0.2)
    async with running() as server, pool_to(server, limits=limits) as pool:
        server.hold.clear()
        assert await pool.exchange(REQUEST) == NoResponse(unread=False)
        server.hold.set()
        assert await pool.exchange(REQUEST) is PLAIN_SUCCESS
        assert server.opened == 2


async def test_who_waits_too_long_for_a_link_is_told_so() -> None:
    """Its request was not sent."""
    limits = Limits(links=1, connect_s=20, read_s=0.2)
    async with running() as server, pool_to(server, limits=limits) as pool:
        server.hold.clear()
        sends = [pool.exchange(REQUEST) for _ in range(2)]
        late = NotConnected(late=True, why="none was free in time")
        assert late in await asyncio.gather(*sends)
        assert server.requests == 1


async def test_who_is_cancelled_leaves_no_answer_to_the_next() -> None:
    """The link would give the next request the answer to this one."""
    async with running() as server, pool_to(server) as pool:
        server.hold.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pool.exchange(REQUEST), 0.1)
        server.hold.set()
        assert await pool.exchange(REQUEST) is PLAIN_SUCCESS
        assert server.opened == 2


async def test_a_server_that_does_not_shake_hands_costs_the_connect_timeout() -> None:
    """It takes the link, and is silent."""
    limits = Limits(links=1, connect_s=0.2, read_s=20)
    tls = ssl.create_default_context()
    async with running() as server:
        server.hold.clear()
        async with pool_to(server, limits=limits, tls=tls) as pool:
            found = await pool.exchange(REQUEST)
            assert found == NotConnected(late=True, why="not within 0.2 s")


@pytest.mark.parametrize(
    ("name", "trusted", "why"),
    [
        ("localhost", True, None),
        ("127.0.0.1", True, "IP address mismatch"),
        ("localhost", False, "unable to get local issuer certificate"),
    ],
)
async def test_the_certificate_must_be_trusted_and_name_the_host(
    *, name: str, trusted: bool, why: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Else nothing is sent, and the answer and the log say why."""
    authority = trustme.CA()
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(theirs)
    ours = ssl.create_default_context()
    if trusted:
        authority.configure_trust(ours)
    async with running(theirs) as server, pool_to(server, tls=ours, name=name) as pool:
        found = await pool.exchange(REQUEST)
        assert server.requests == (why is None)
        if why is None:
            assert found is PLAIN_SUCCESS
        else:
            assert isinstance(found, NotConnected)
            assert not found.late
            assert why in found.why
            assert found.why in caplog.text
