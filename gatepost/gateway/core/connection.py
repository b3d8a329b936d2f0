"""What the gateway knows of one API and of one connection. Plain data, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatepost.gateway.core.closing import Closing
from gatepost.gateway.core.deployment import Route, WebSocketApi
from gatepost.gateway.core.ids import IdSource
from gatepost.gateway.core.integrations import Ready
from gatepost.gateway.core.models import Models
from gatepost.gateway.core.routes import RouteSelector


@dataclass(frozen=True, slots=True)
class Api:
    """A WebSocket API, ready to be served; `integrations` and `models` are by route key."""

    deployed: WebSocketApi
    ids: IdSource
    selector: RouteSelector
    integrations: Mapping[str, Ready]
    models: Mapping[str, Models]


@dataclass(slots=True, eq=False)
class Connection:
    """One connection, or one that is still being made. Moments are epoch seconds.

    `context` holds those keys of `requestContext` that never change. `last_active_at` moves with
    each message in either direction (B-211, B-272).
    """

    id: str
    api: Api
    host: str
    source_ip: str
    user_agent: str | None
    connected_at: float
    context: dict[str, object] = field(default_factory=dict)
    opened_at: float = 0.0
    last_active_at: float = 0.0


@dataclass(slots=True, eq=False)
class Handshake:
    """An upgrade whose `$connect` function runs.

    `offered` are the client's subprotocols. `ended` is set when nobody waits for the answer any
    more, and is what `$disconnect` is told if the function accepts all the same.
    """

    id: int
    connection: Connection
    offered: tuple[str, ...]
    ended: Closing | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Invocation:
    """An integration that works for a connection.

    `cause` is the handshake for `$connect`, the close for `$disconnect`, None for a message.
    """

    id: int
    connection: Connection
    route: Route
    request_id: str
    started_at: float
    cause: Handshake | Closing | None = None
