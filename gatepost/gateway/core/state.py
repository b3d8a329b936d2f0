"""All that the gateway remembers, and the few changes to it that several parts share.

Opening and ending connections, sending to them and starting functions are done here and nowhere
else, so that the rules that tie them together hold: a deadline for each connection and invocation,
one `$disconnect` for each connection that was open, no command for a connection after its end.
"""

from dataclasses import dataclass, field
from functools import partial
from random import Random

from gatepost.gateway.core.addresses import Addresses
from gatepost.gateway.core.closing import Closing
from gatepost.gateway.core.commands import Close, Command, Report, ReportKind, Send
from gatepost.gateway.core.connection import Connection, Handshake, Invocation
from gatepost.gateway.core.deadlines import Deadlines
from gatepost.gateway.core.deployment import DISCONNECT, LambdaProxy, Route
from gatepost.gateway.core.events import disconnect_event
from gatepost.gateway.core.faults import NO_FAULTS, Faults
from gatepost.gateway.core.frames import fragments
from gatepost.gateway.core.inputs import InvocationFinished, Outcome
from gatepost.gateway.core.integrations import begin
from gatepost.gateway.core.later import Action, Later
from gatepost.gateway.core.ordering import Lanes, Wanted
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.core.throttling import Throttles


@dataclass(slots=True, eq=False)
class State:
    """The gateway's memory; `now` is the input's time, `out` collects the commands it leads to.

    `deadlines` has connection ids (idle time, lifetime) and invocation ids (integration timeout),
    `later` what faults and shuffling hold back. `settled` are invocations that ended as they began;
    the gateway takes them in after the input that began them.
    """

    settings: GatewaySettings
    addresses: Addresses
    rng: Random
    throttles: Throttles
    connections: dict[str, Connection] = field(default_factory=dict)
    handshakes: dict[int, Handshake] = field(default_factory=dict)
    invocations: dict[int, Invocation] = field(default_factory=dict)
    deadlines: Deadlines = field(default_factory=Deadlines)
    lanes: Lanes = field(default_factory=Lanes)
    settled: list[InvocationFinished] = field(default_factory=list)
    later: Later = field(default_factory=Later)
    faults: Faults = NO_FAULTS
    out: list[Command] = field(default_factory=list)
    now: float = 0.0
    shutting_down: bool = False
    invocation_count: int = 0

    def open(self, connection: Connection) -> None:
        """Count the connection as open and start its timers (B-270, B-274)."""
        connection.opened_at = connection.last_active_at = self.now
        self.connections[connection.id] = connection
        self.deadlines.set(connection.id, self.ends_at(connection))

    def ends_at(self, connection: Connection) -> float:
        """Return when the connection reaches its idle or lifetime limit, whichever is first."""
        return min(
            connection.last_active_at + self.settings.idle_timeout_s,
            connection.opened_at + self.settings.lifetime_s,
        )

    def end(self, connection: Connection, closing: Closing) -> None:
        """Forget an open connection and tell `$disconnect` about it, once."""
        del self.connections[connection.id]
        self.deadlines.cancel(connection.id)
        self.disconnect(connection, closing)

    def close(self, connection: Connection, closing: Closing) -> None:
        """End an open connection from this side, with the same code and reason on the wire."""
        self.out.append(Close(connection.id, closing.code, closing.reason))
        self.end(connection, closing)

    def disconnect(self, connection: Connection, closing: Closing) -> None:
        """Run the `$disconnect` function for a connection that is over, or as the faults say."""
        match self.faults.disconnect:
            case "lost":
                detail = "$disconnect lost by a fault"
                self.out.append(
                    Report("disconnect", connection.id, None, closing.code, None, detail)
                )
            case "late" if not self.shutting_down:
                at = self.now + self.faults.late_s
                self.later.put(at, partial(self._disconnect, connection, closing))
            case "twice":
                self._disconnect(connection, closing)
                self._disconnect(connection, closing)
            case _:
                self._disconnect(connection, closing)

    def _disconnect(self, connection: Connection, closing: Closing) -> None:
        """Run the `$disconnect` function, if there is one."""
        route = connection.api.deployed.routes.get(DISCONNECT)
        if route is None:
            self.out.append(Report("disconnect", connection.id, None, closing.code))
            return
        request_id = connection.api.ids.request_id(self.now)
        event = disconnect_event(connection, closing, request_id=request_id, now=self.now)
        self.invoke(connection, route, event, request_id=request_id, cause=closing)

    def deliver(self, connection: Connection, payload: bytes, *, binary: bool) -> None:
        """Send what was posted to an open connection, later when order is shuffled (B-292)."""
        if self.settings.ordering == "shuffle":
            self._hold(partial(self._arrive, connection, payload, binary=binary))
        else:
            self.send(connection, payload, binary=binary)

    def send(self, connection: Connection, payload: bytes, *, binary: bool = False) -> None:
        """Send one message, of text as a rule, to an open connection."""
        connection.last_active_at = self.now
        parts = fragments(payload, self.settings.frame_bytes_max)
        self.out.append(Send(connection.id, parts, binary))

    def invoke(
        self,
        connection: Connection,
        route: Route,
        event: bytes,
        *,
        request_id: str,
        cause: Handshake | Closing | None = None,
    ) -> None:
        """Begin the route's integration, or let it wait where the settings order messages."""
        wanted = Wanted(connection, route, event, request_id, cause)
        match self.settings.ordering:
            case "shuffle" if cause is None:
                self._hold(partial(self._begin, wanted))
            case "serial" if not isinstance(cause, Handshake):
                if self.lanes.enter(wanted):
                    self._begin(wanted)
            case _:
                self._begin(wanted)

    def ended(self, invocation: Invocation) -> None:
        """Let the next invocation of the connection begin, where one waits for this one."""
        if self.settings.ordering == "serial" and not isinstance(invocation.cause, Handshake):
            following = self.lanes.leave(invocation.connection.id)
            if following is not None:
                self._begin(following)

    def _hold(self, action: Action) -> None:
        """Let something happen after a random time."""
        self.later.put(self.now + self.rng.uniform(0.0, self.settings.shuffle_s_max), action)

    def _arrive(self, connection: Connection, payload: bytes, *, binary: bool) -> None:
        """Send what was posted, unless the connection has closed meanwhile."""
        if connection.id in self.connections:
            self.send(connection, payload, binary=binary)

    def _begin(self, wanted: Wanted) -> None:
        """Begin an integration; its deadline is the integration timeout (B-275)."""
        self.invocation_count += 1
        number = self.invocation_count
        connection, route = wanted.connection, wanted.route
        self.invocations[number] = Invocation(
            number, connection, route, wanted.request_id, self.now, wanted.cause
        )
        self.deadlines.set(number, self.now + route.integration_timeout_s)
        # An authorizer stands behind no route, so it is in no table; a function needs no reading.
        ready = (
            route.integration
            if isinstance(route.integration, LambdaProxy)
            else connection.api.integrations[route.key]
        )
        begun = begin(ready, number, wanted)
        if isinstance(begun, Outcome):
            self.settled.append(InvocationFinished(number, begun))
        else:
            self.out.append(begun)

    def report(self, invocation: Invocation, *, status: int | None, detail: str = "") -> None:
        """Write the live log's line about an invocation that is over."""
        duration_ms = (self.now - invocation.started_at) * 1000
        self.out.append(
            Report(
                _kind(invocation),
                invocation.connection.id,
                invocation.route.key,
                status,
                duration_ms,
                detail,
            )
        )


def _kind(invocation: Invocation) -> ReportKind:
    match invocation.cause:
        case None:
            return "message"
        case Handshake():
            return "connect"
        case Closing():
            return "disconnect"
