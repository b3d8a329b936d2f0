"""The gateway as a server: one port for HTTP, `@connections`, frames and TLS; start and close.

Responsible for what lives and dies with the server: listening sockets, links, invocations, timers.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable, Iterable

from gatepost.gateway.core.commands import Report
from gatepost.gateway.core.connection import Connection
from gatepost.gateway.core.deployment import Deployment
from gatepost.gateway.core.faults import Faults
from gatepost.gateway.core.gateway import Gateway
from gatepost.gateway.core.inputs import DropLinks, Inject
from gatepost.gateway.core.ports import Disturbable, Invoker
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.certificate import Certificate
from gatepost.gateway.server.clock import Clock, steady_clock
from gatepost.gateway.server.frame_link import FrameLink
from gatepost.gateway.server.hanging_up import LINGER_S
from gatepost.gateway.server.http_backend import HttpBackends
from gatepost.gateway.server.http_link import HttpLink
from gatepost.gateway.server.listener import Listener, bind
from gatepost.gateway.server.shell import Core, Shell

logger = logging.getLogger(__name__)

TLS_HANDSHAKE_S_MAX = 10.0
SWEEP_S = 5.0
"""How often links that speak HTTP are looked at for silent ones."""


MakeCore = Callable[[Deployment, GatewaySettings], Core]
"""Makes the core of a server. Raises ValueError for a deployment that can't be served."""


def new_core(deployment: Deployment, settings: GatewaySettings) -> Gateway:
    """Make a core with a seed of its own."""
    return Gateway(deployment, settings=settings, seed=secrets.randbits(64))


class GatewayServer:
    """The WebSocket APIs of one deployment on one port, their functions behind `invoker`.

    `on_report` gets each line for a live log. `clock` gives epoch seconds; after moving one of its
    own a test calls `tick`. `make_core` may put something around the core,
    as a trace does. Raises ValueError for a deployment that can't be served.
    """

    def __init__(
        self,
        deployment: Deployment,
        invoker: Invoker,
        *,
        settings: GatewaySettings | None = None,
        on_report: Callable[[Report], None] | None = None,
        clock: Clock | None = None,
        make_core: MakeCore = new_core,
    ) -> None:
        self._settings = settings or GatewaySettings()
        self._core = make_core(deployment, self._settings)
        self._invoker = invoker
        self._backends = HttpBackends()
        self._on_report = on_report
        self._clock = clock or steady_clock()
        self._certificate = Certificate()
        for name in _names(deployment):
            self._certificate.add_name(name)
        self._links: set[HttpLink | FrameLink] = set()
        self._adoptions: set[asyncio.Task[None]] = set()
        self._shell: Shell | None = None
        self._listener: Listener | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._link_gone = asyncio.Event()
        self._closing = False
        self.port = 0

    @property
    def certificate_authority(self) -> bytes:
        """The certificate that clients of `https://` and `wss://` trust, in PEM.

        Made at the first use, before or after start; that takes some 170 ms.
        """
        return self._certificate.authority_pem

    async def start(self, host: str = "localhost", port: int = 0) -> None:
        """Listen on `host` (every address of it) and `port` (0: any free one, see `self.port`).

        Raises OSError, as it is, for a port that is taken or a host that is not here.
        """
        sockets = await bind(host, port)
        self.port = sockets[0].getsockname()[1]
        self._certificate.add_name(host)
        self._shell = Shell(
            self._core,
            self._invoker,
            clock=self._clock,
            backends=self._backends,
            on_report=self._on_report,
        )
        self._listener = Listener(sockets, self._serve)
        self._sweep_links()

    def inject(self, faults: Faults) -> None:
        """Misbehave like this from now on, in place of every fault before; before `start` too.

        Raises ValueError for faults of workers where the invoker has none to disturb.
        """
        if (faults.kill_rate or faults.cold_start) and not isinstance(self._invoker, Disturbable):
            raise ValueError("Functions run without workers here: none to kill or to start cold.")
        if self._shell is not None:
            self._shell.receive(Inject(faults))
        else:
            self._core.receive(Inject(faults), self._clock())

    def drop(self, *connection_ids: str) -> None:
        """Cut these connections' links without a close frame; without arguments, every one."""
        if self._shell is not None:
            self._shell.receive(DropLinks(connection_ids))

    def tick(self) -> None:
        """Let timers ring that are due by the clock, when a test has moved it."""
        if self._shell is not None:
            self._shell.tick()

    def connections(self) -> list[Connection]:
        """List the open connections, the oldest first; to be read, not changed."""
        return self._core.connections()

    async def close(self, drain_s: float = 5.0) -> None:
        """Close every connection with 1001, let functions end, then stop listening.

        `@connections` is answered until the invocations, those of `$disconnect` above all, have
        ended or `drain_s` is over; what still runs then is cancelled. May be called twice.
        """
        shell = self._shell
        if shell is None or self._closing:
            return
        self._closing = True
        deadline = asyncio.get_running_loop().time() + max(drain_s, LINGER_S)
        shell.shut_down()
        await shell.drained(drain_s)
        await self._backends.close()
        if self._listener is not None:
            self._listener.close()
        if self._sweep is not None:
            self._sweep.cancel()
        for adoption in self._adoptions:
            adoption.cancel()
        await asyncio.gather(*self._adoptions, return_exceptions=True)
        await self._end_links(deadline)
        shell.stop()
        self._shell = None

    async def _end_links(self, deadline: float) -> None:
        """Wait for clients to answer their close frames; cut what is left at `deadline`."""
        loop = asyncio.get_running_loop()
        cutting = loop.call_at(deadline, self._cut_links)
        for link in list(self._links):
            link.end()
        while self._links:
            self._link_gone.clear()
            await self._link_gone.wait()
        cutting.cancel()

    def _cut_links(self) -> None:
        for link in list(self._links):
            link.abort()

    def _serve(self, sock: socket.socket, secure: bool) -> None:  # noqa: FBT001 - a callback
        adoption = asyncio.get_running_loop().create_task(self._adopt(sock, secure=secure))
        self._adoptions.add(adoption)
        adoption.add_done_callback(lambda done: self._adopted(done, sock))

    async def _adopt(self, sock: socket.socket, *, secure: bool) -> None:
        """Make a link of an accepted socket; for TLS this waits for the handshake."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._new_link(secure=secure),
                sock,
                ssl=self._certificate.context_for(sock.getsockname()[0]) if secure else None,
                ssl_handshake_timeout=TLS_HANDSHAKE_S_MAX if secure else None,
                ssl_shutdown_timeout=LINGER_S if secure else None,
            )
        except OSError as error:  # TLS errors are OSErrors
            logger.info("A TLS handshake failed: %s", error)

    def _adopted(self, adoption: asyncio.Task[None], sock: socket.socket) -> None:
        self._adoptions.discard(adoption)
        if adoption.cancelled():
            sock.close()
        elif (error := adoption.exception()) is not None:
            logger.error("An accepted link could not be served", exc_info=error)
            sock.close()

    def _new_link(self, *, secure: bool) -> HttpLink:
        if self._shell is None:
            raise RuntimeError("The server is closed.")
        return HttpLink(self._shell, self._settings, secure=secure, on_change=self._relink)

    def _relink(self, old: HttpLink | FrameLink, new: HttpLink | FrameLink | None) -> None:
        """Keep track of what a link has become."""
        self._links.discard(old)
        if new is not None:
            self._links.add(new)
        else:
            self._link_gone.set()

    def _sweep_links(self) -> None:
        """Cut links that have been silent or slow for too long, again and again."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for link in list(self._links):
            if isinstance(link, HttpLink):
                link.expire(now)
        self._sweep = loop.call_later(SWEEP_S, self._sweep_links)


def _names(deployment: Deployment) -> Iterable[str]:
    """Name the hosts that lead to one API, beside those of this machine."""
    yield from (mapping.domain for mapping in deployment.domains)
    yield from (f"{api.api_id}.localhost" for api in deployment.apis)
