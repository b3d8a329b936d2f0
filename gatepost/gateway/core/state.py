"""All that the gateway remembers, and the few changes to it that several parts share.

Opening and ending connections, sending to them and starting functions are done here and nowhere
else, so that the rules that tie them together hold: a deadline for each connection and invocation,
one `$disconnect` for each connection that was open, no command for a connection after its end.
"""

from dataclasses import dataclass, field
from random import Random

from gatepost.gateway.core.addresses import Addresses
from gatepost.gateway.core.closing import Closing
from gatepost.gateway.core.commands import Close, Command, Invoke, Report, ReportKind, Send
from gatepost.gateway.core.connection import Connection, Handshake, Invocation
from gatepost.gateway.core.deadlines import Deadlines
from gatepost.gateway.core.deployment import DISCONNECT, Route
from gatepost.gateway.core.events import disconnect_event
from gatepost.gateway.core.frames import fragments
from gatepost.gateway.core.settings import GatewaySettings


@dataclass(slots=True, eq=False)
class State:
    """The gateway's memory; `now` is the input's time, `out` collects the commands it leads to.

    `deadlines` has connection ids (idle time, lifetime) and invocation ids (integration timeout).
    """

    settings: GatewaySettings
    addresses: Addresses
    rng: Random
    connections: dict[str, Connection] = field(default_factory=dict)
    handshakes: dict[int, Handshake] = field(default_factory=dict)
    invocations: dict[int, Invocation] = field(default_factory=dict)
    deadlines: Deadlines = field(default_factory=Deadlines)
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
        """Run the `$disconnect` function for a connection that is over, if there is one."""
        route = connection.api.deployed.routes.get(DISCONNECT)
        if route is None:
            self.out.append(Report("disconnect", connection.id, None, closing.code))
            return
        request_id = connection.api.ids.request_id(self.now)
        event = disconnect_event(connection, closing, request_id=request_id, now=self.now)
        self.invoke(connection, route, event, request_id=request_id, cause=closing)

    def send(self, connection: Connection, payload: bytes) -> None:
        """Send one text message to an open connection."""
        connection.last_active_at = self.now
        self.out.append(Send(connection.id, fragments(payload, self.settings.frame_bytes_max)))

    def invoke(
        self,
        connection: Connection,
        route: Route,
        event: bytes,
        *,
        request_id: str,
        cause: Handshake | Closing | None = None,
    ) -> None:
        """Start the route's function; its deadline is the integration timeout (B-275)."""
        self.invocation_count += 1
        number = self.invocation_count
        self.invocations[number] = Invocation(
            number, connection, route, request_id, self.now, cause
        )
        self.deadlines.set(number, self.now + route.integration_timeout_s)
        self.out.append(Invoke(number, route.function or "", event, connection.id, route.key))

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
