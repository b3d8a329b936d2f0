"""A gateway that runs for one test, and what the test asks of it.

The gateway lives in a thread of its own; everything here is called from the test's.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Protocol, TypeVar

from gatepost.emulator.sockets import main_address
from gatepost.emulator.testing.client import TIMEOUT_S, Client, Headers, Query, with_query
from gatepost.emulator.testing.functions import start_functions
from gatepost.emulator.testing.loop_thread import Happenings, LoopThread
from gatepost.emulator.testing.recording import (
    Event,
    Invocation,
    RecordingInvoker,
    RecordingWorkers,
    WatchedCore,
)
from gatepost.emulator.testing.setup import (
    Routes,
    Setup,
    deployment_of_routes,
    deployment_of_template,
)
from gatepost.gateway.core.commands import Report
from gatepost.gateway.core.deployment import Deployment
from gatepost.gateway.core.faults import Faults
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.clock import MovableClock, steady_clock
from gatepost.gateway.server.server import GatewayServer, new_core

T = TypeVar("T")

DRAIN_S: Final = 2.0
"""How long functions that still run may hold up the end of a test."""


class StartGateway(Protocol):
    """What the fixture `gatepost` gives."""

    def __call__(
        self,
        routes: Routes | None = None,
        /,
        **setup: Any,  # noqa: ANN401 - the fields of Setup
    ) -> "Gateway":
        """Start a gateway for handlers by route key, or for `template=`; see Setup."""
        ...


class Clock(MovableClock):
    """The gateway's clock; `advance` has its timers ring before it returns."""

    def __init__(self, tick: Callable[[], None], *, standing: float | None) -> None:
        super().__init__(standing=standing)
        self._tick = tick

    def advance(self, seconds: float) -> None:
        """Jump ahead: 600 closes idle connections, 7200 all that are open."""
        super().advance(seconds)
        self._tick()


class FaultSwitch:
    """Has the gateway misbehave, see gatepost.gateway.core.faults.Faults."""

    def __init__(self, server: GatewayServer, loop: LoopThread) -> None:
        self._server = server
        self._loop = loop

    def inject(self, faults: Faults | None = None, /, **fields: Any) -> None:  # noqa: ANN401
        """Turn these faults on, given as Faults or as its fields, and every other off."""
        given = faults or Faults(**fields)
        self._loop.run(lambda: self._server.inject(given))

    def clear(self) -> None:
        """Turn every fault off."""
        self.inject()

    def drop(self, *clients: Client | str) -> None:
        """Cut the links of these clients, or connection ids, without a close frame; none: all."""
        ids = [given if isinstance(given, str) else given.connection_id for given in clients]
        self._loop.run(lambda: self._server.drop(*ids))


class Gateway:
    """A running gateway. Made by the fixture `gatepost`, closed by it after the test.

    `invocations` has each run of a function in order; `sent` the payloads posted to each
    connection and taken; `reports` what the live log would tell.
    """

    def __init__(self, routes: Routes | None, setup: Setup) -> None:
        if (routes is None) == (setup.template is None):
            raise ValueError("give either handlers by route key, or template=")
        self.deployment: Deployment = (
            deployment_of_routes(routes, setup)
            if routes is not None
            else deployment_of_template(setup.template or "", setup)
        )
        self.reports: list[Report] = []
        self._routes = routes
        self._setup = setup
        self._happenings = Happenings()
        record = RecordingWorkers if routes is None else RecordingInvoker
        self._functions = record(
            self._happenings, prefix=f"{self.deployment.service}-{self.deployment.stage}-"
        )
        standing = steady_clock()() if setup.clock_stands else None
        self.clock = Clock(lambda: self._loop.run(self._server.tick), standing=standing)
        self._server = GatewayServer(
            self.deployment,
            self._functions,
            settings=setup.settings,
            on_report=self._report,
            clock=self.clock,
            make_core=self._watch,
        )
        self._loop = LoopThread("gatepost")
        self.faults = FaultSwitch(self._server, self._loop)
        self._stack = AsyncExitStack()
        self._clients: list[Client] = []
        self._closed = False

    # What a test looks at.

    @property
    def authority(self) -> str:
        """Host and port."""
        return f"localhost:{self._server.port}"

    @property
    def url(self) -> str:
        """Where clients connect to: the first API. Any WebSocket client will do."""
        return f"ws://{main_address(self.deployment, self.authority)}"

    @property
    def management_endpoint(self) -> str:
        """The endpoint_url of `apigatewaymanagementapi`, which the environment has as well."""
        return self.url.replace("ws://", "http://")

    @property
    def invocations(self) -> Sequence[Invocation]:
        """Each run of a function, in the order of their beginning."""
        return self._functions.invocations

    @property
    def sent(self) -> Mapping[str, list[str]]:
        """Payloads posted by `@connections` and taken, by connection id."""
        return self._watched.sent

    def events_of(self, event_type: str) -> list[Event]:
        """Return the events of one type: CONNECT, MESSAGE or DISCONNECT."""
        return [each.event for each in self.invocations if each.event_type == event_type]

    # What a test does.

    def connect(
        self,
        path: str = "",
        *,
        query: Query = "",
        headers: Headers = (),
        subprotocols: Sequence[str] = (),
        timeout: float = TIMEOUT_S,
    ) -> Client:
        """Connect a client, at the first API's stage unless `path` is given.

        Raises HandshakeRejectedError with its `status`, TimeoutError.
        """
        client = self._new_client()
        opening = client.open(self._url(path, query), headers, subprotocols)
        try:
            key = self._loop.call(opening, timeout)
        except TimeoutError:
            raise TimeoutError(f"no handshake within {timeout:g} s; {self._story()}") from None
        client.connection_id = self._watched.connection_ids[key]
        return client

    async def connect_async(
        self,
        path: str = "",
        *,
        query: Query = "",
        headers: Headers = (),
        subprotocols: Sequence[str] = (),
    ) -> Client:
        """Connect a client in a coroutine whose loop has to go on meanwhile."""
        client = self._new_client()
        opening = client.open(self._url(path, query), headers, subprotocols)
        client.connection_id = self._watched.connection_ids[await self._loop.call_async(opening)]
        return client

    def wait_for(self, check: Callable[[], T], timeout: float = TIMEOUT_S) -> T:
        """Wait until what `check` returns is true, and give it; an item may be missing yet.

        Raises TimeoutError, which tells the invocations so far.
        """
        return self._happenings.wait(check, timeout, self._story)

    async def wait_for_async(self, check: Callable[[], T], timeout: float = TIMEOUT_S) -> T:  # noqa: ASYNC109
        """Do the same in a coroutine."""
        return await self._happenings.wait_async(check, timeout, self._story)

    # Beginning and end.

    def start(self) -> None:
        """Listen on a free port and start the functions. Raises UserError, OSError."""
        try:
            self._loop.call(self._start())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection, run `$disconnect`, undo everything. May be repeated."""
        if self._closed:
            return
        self._closed = True
        try:
            self._loop.call(self._stack.aclose())
        finally:
            self._loop.close()

    async def _start(self) -> None:
        await self._server.start()
        self._stack.push_async_callback(self._server.close, DRAIN_S)
        self._functions.invoker = await start_functions(
            self._stack,
            self.deployment,
            self._setup,
            self._routes,
            gateway=self.authority,
            certificate_authority=self._server.certificate_authority,
        )
        # The first to close: its $disconnect events need the functions.
        self._stack.push_async_callback(self._end_clients)
        self._stack.push_async_callback(self._server.close, DRAIN_S)

    async def _end_clients(self) -> None:
        for client in self._clients:
            await client.end()

    def _url(self, path: str, query: Query) -> str:
        return with_query(f"ws://{self.authority}{path}" if path else self.url, query)

    def _new_client(self) -> Client:
        client = Client(self._loop, self._happenings)
        self._clients.append(client)
        return client

    def _watch(self, deployment: Deployment, settings: GatewaySettings) -> WatchedCore:
        self._watched = WatchedCore(new_core(deployment, settings), self._happenings)
        return self._watched

    def _report(self, report: Report) -> None:
        self.reports.append(report)
        self._happenings.tell()

    def _story(self) -> str:
        runs = [f"{each.function}({each.event_type}) {each.ending}" for each in self.invocations]
        return f"invocations: {runs or 'none'}"


class Gateways:
    """The gateways of one test."""

    def __init__(self) -> None:
        self._running: list[Gateway] = []

    def __call__(
        self,
        routes: Routes | None = None,
        /,
        **setup: Any,  # noqa: ANN401 - the fields of Setup
    ) -> Gateway:
        """Start one."""
        gateway = Gateway(routes, Setup(**setup))
        self._running.append(gateway)
        gateway.start()
        return gateway

    def close(self) -> None:
        """Close all, the last one first."""
        while self._running:
            self._running.pop().close()
