"""Links to one host: opened as they are needed, kept, and given up when they have died.

Opens nothing before the first request, so a snapshot of the process holds no socket. A process may
be frozen between requests for any time: the first request after a pause finds what died meanwhile.
Which requests are repeated is the caller's.
"""

import asyncio
import logging
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from functions.adapters.http_link import Link, NoResponse, Response
from functions.adapters.http_tls import Tls

logger = logging.getLogger(__name__)

OPENING_MAX: Final = 32
"""Links that are opened at a time, and without waiting for what these can do."""

GROWTH_S: Final = 0.001
"""Beyond OPENING_MAX one link is opened after each such time with requests that wait. Where the
process has no time to spare that is one in each turn of the event loop, as a TLS handshake costs as
much as dozens of requests and more links make nothing faster then."""

PAUSE_S: Final = 0.1
"""After so long without any request the idle links are looked at."""

IDLE_S_MAX: Final = 15.0
ADDRESSES_S: Final = 5.0
"""How long an answer of the name service is used, by links that are opened one after another."""

HOLD_OFF_S: Final = 1.0
"""After a failed opening, for so long no further link is opened while there are others."""

SWEEP_S: Final = 0.25
"""How often it is looked for who has waited too long: a timer for each request costs more."""

CLOSING_TURNS: Final = 10
"""Turns of the event loop within which a link that was aborted has closed."""


class Host(Struct, frozen=True):
    """Where links lead; `tls` is None for plain HTTP."""

    name: str
    port: int
    tls: ssl.SSLContext | None = None


class Limits(Struct, frozen=True):
    """How many links, and seconds until an opening, a response or a free link is given up.

    It may be SWEEP_S later that the latter two are. A longer response than `response_bytes` is
    none.
    """

    links: int
    connect_s: float
    read_s: float
    response_bytes: int = 64 * 1024


class NotConnected(Struct, frozen=True):
    """No link for the request, which was not sent: `late` if none was found in time."""

    late: bool
    why: str


class Pool:
    """The links. Belongs to one event loop; `wall_clock` (epoch seconds) runs while frozen too."""

    def __init__(
        self, host: Host, limits: Limits, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._host = host
        self._limits = limits
        self._wall_clock = wall_clock
        self._links: set[Link] = set()
        self._idle: list[Link] = []
        self._waiting: deque[tuple[float, asyncio.Future[Link | NotConnected]]] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._opening_alone = 0
        self._at_once = min(OPENING_MAX, limits.links)
        self._grower: asyncio.TimerHandle | None = None
        self._hold_off_until = 0.0
        self._sweeper: asyncio.TimerHandle | None = None
        self._used_at = 0.0
        self._resolving = asyncio.Lock()
        known = _is_address(host.name)  # a name is asked for in a thread, which is slow to start
        self._addresses = [host.name] if known else []
        self._addresses_at = float("inf") if known else 0.0
        self._turn = 0

    async def exchange(
        self, request: bytes, *, fresh: bool = False
    ) -> Response | NoResponse | NotConnected:
        """Send a request and give its response; `fresh` asks for a link that no other has used."""
        if not self._idle or fresh or self._wall_clock() - self._used_at > PAUSE_S:
            found = await self._find(fresh=fresh)
            if isinstance(found, NotConnected):
                return found
            link = found
        else:
            link = self._idle.pop()
        try:
            link.deadline = asyncio.get_running_loop().time() + self._limits.read_s
            self._watch()
            return await link.request(request)
        finally:
            self._release(link)

    async def close(self) -> None:
        """Close all links; who waits for a response gets none."""
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for link in tuple(self._links):
            link.abort()
        for timer in (self._sweeper, self._grower):
            if timer is not None:
                timer.cancel()
        self._sweeper = self._grower = None
        for _ in range(CLOSING_TURNS):
            if self._links:
                await asyncio.sleep(0)

    # Finding a link

    async def _find(self, *, fresh: bool) -> Link | NotConnected:
        self._drop_dead()
        if fresh and self._links and self._make_room():
            return await self._open_alone()
        while self._idle:
            idle = self._idle.pop()
            if idle.is_usable:
                return idle
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Link | NotConnected] = loop.create_future()
        self._waiting.append((loop.time() + self._limits.read_s, waiting))
        self._open_more()
        self._watch()
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and isinstance(link := waiting.result(), Link):
                self._release(link)
            raise

    def _release(self, link: Link) -> None:
        if link.is_busy:  # whoever asked was cancelled
            link.abort()
        self._used_at = link.idle_since = self._wall_clock()
        if not link.is_usable:
            return
        if not self._serve(link):
            self._idle.append(link)

    def _serve(self, found: Link | NotConnected) -> bool:
        while self._waiting:
            _, waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(found)
                return True
        return False

    def _drop_dead(self) -> None:
        """Look at the idle links when nothing was asked for a while: once, without waiting."""
        now = self._wall_clock()
        if now - self._used_at <= PAUSE_S:
            return
        self._used_at = now
        with selectors.DefaultSelector() as selector:
            for link in self._idle:
                if link.is_usable:
                    selector.register(link.fileno(), selectors.EVENT_READ, link)
            ended = {key.data for key, _ in selector.select(0)}
        for link in tuple(self._idle):
            if link in ended or now - link.idle_since > IDLE_S_MAX:
                self._idle.remove(link)
                link.abort()

    # Opening links

    def _make_room(self) -> bool:
        if self._size() < self._limits.links:
            return True
        if not self._idle:
            return False
        link = self._idle.pop(0)
        self._links.discard(link)
        link.abort()
        return True

    def _size(self) -> int:
        return len(self._links) + len(self._opening) + self._opening_alone

    def _open_more(self) -> None:
        """Open links for those who wait: the first ones at once, then one by one."""
        loop = asyncio.get_running_loop()
        if self._links and loop.time() < self._hold_off_until:
            return
        while len(self._opening) < len(self._waiting) and self._size() < self._at_once:
            self._begin_opening()
        if self._grower is None and self._waiting and self._size() < self._limits.links:
            self._grower = loop.call_later(GROWTH_S, self._grow)

    def _grow(self) -> None:
        self._grower = None
        room = self._size() < self._limits.links and len(self._opening) < OPENING_MAX
        if room and len(self._opening) < len(self._waiting):
            self._begin_opening()
        if self._waiting:
            self._open_more()

    def _begin_opening(self) -> None:
        task = asyncio.get_running_loop().create_task(self._open_for_waiting())
        self._opening.add(task)
        task.add_done_callback(self._opened)

    def _opened(self, task: "asyncio.Task[None]") -> None:
        self._opening.discard(task)
        if not task.cancelled():
            self._open_more()

    async def _open_for_waiting(self) -> None:
        found = await self._open()
        if isinstance(found, Link):
            self._release(found)
            return
        self._hold_off_until = asyncio.get_running_loop().time() + HOLD_OFF_S
        while not self._links and self._serve(found):
            pass

    async def _open_alone(self) -> Link | NotConnected:
        self._opening_alone += 1
        try:
            return await self._open()
        finally:
            self._opening_alone -= 1

    async def _open(self) -> Link | NotConnected:
        """Open a link to the next of the host's addresses that takes it."""
        late, why = False, "no address takes it"
        try:
            async with asyncio.timeout(self._limits.connect_s):
                for address in await self._next_addresses():
                    try:
                        link = await self._connect(address)
                    except OSError as error:  # a certificate that does not hold is one too
                        why = str(error)
                        continue
                    if link.is_usable:
                        self._links.add(link)
                        return link
        except TimeoutError:
            late, why = True, f"not within {self._limits.connect_s:g} s"
        except OSError as error:
            why = str(error)
        if asyncio.get_running_loop().time() >= self._hold_off_until:
            logger.warning("no link to %s:%d: %s", self._host.name, self._host.port, why)
        return NotConnected(late, why)

    async def _connect(self, address: str) -> Link:
        tls = None if self._host.tls is None else Tls(self._host.tls, self._host.name)
        _, link = await asyncio.get_running_loop().create_connection(
            lambda: Link(self._lost, self._limits.response_bytes, tls), address, self._host.port
        )
        try:
            await link.ready()
        except BaseException:
            link.abort()
            raise
        return link

    async def _next_addresses(self) -> list[str]:
        async with self._resolving:
            now = self._wall_clock()
            if now - self._addresses_at > ADDRESSES_S or not self._addresses:
                found = await asyncio.get_running_loop().getaddrinfo(
                    self._host.name, self._host.port, type=socket.SOCK_STREAM
                )
                self._addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
                self._addresses_at = now
        self._turn = (self._turn + 1) % len(self._addresses)
        return self._addresses[self._turn :] + self._addresses[: self._turn]

    def _lost(self, link: Link) -> None:
        self._links.discard(link)
        if link in self._idle:
            self._idle.remove(link)
        if self._waiting:
            self._open_more()

    # Deadlines

    def _watch(self) -> None:
        if self._sweeper is None:
            interval_s = min(SWEEP_S, self._limits.read_s / 4)
            loop = asyncio.get_running_loop()
            self._sweeper = loop.call_later(interval_s, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeper = None
        now = loop.time()
        busy = [link for link in self._links if link.is_busy]
        for link in busy:
            if link.deadline < now:
                link.abort()
        while self._waiting and self._waiting[0][0] < now:
            _, waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(NotConnected(late=True, why="none was free in time"))
        if self._waiting:
            self._open_more()
        if busy or self._waiting:
            self._watch()


def _is_address(name: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in name else socket.AF_INET, name)
    except OSError:
        return False
    return True
