"""What the gateway knows of one API and of one connection. Plain data, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatepost.gateway.core.closing import Closing
from gatepost.gateway.core.deployment import Route, WebSocketApi
from gatepost.gateway.core.identity_sources import IdentitySource
from gatepost.gateway.core.ids import IdSource
from gatepost.gateway.core.integrations import Ready
from gatepost.gateway.core.models import Models
from gatepost.gateway.core.routes import RouteSelector

MultiValue = dict[str, list[str]]
"""Names with all their values, the last one being the one that counts (B-104, B-105)."""


@dataclass(frozen=True, slots=True)
class Api:
    """A WebSocket API, ready to be served; `integrations` and `models` are by route key.

    `identity_sources` are those of the authorizer at `$connect`, if there is one.
    """

    deployed: WebSocketApi
    ids: IdSource
    selector: RouteSelector
    region: str
    account_id: str
    integrations: Mapping[str, Ready]
    models: Mapping[str, Models]
    identity_sources: tuple[IdentitySource, ...] = ()

    def arn(self, part: str, *, account_id: str | None = None) -> str:
        """Return the ARN of a part of the API, a route key for one (B-011)."""
        api = f"{self.deployed.api_id}/{self.deployed.stage}"
        return f"arn:aws:execute-api:{self.region}:{account_id or self.account_id}:{api}/{part}"


@dataclass(slots=True, eq=False)
class Connection:
    """One connection, or one that is still being made. Moments are epoch seconds.

    `context` holds those keys of `requestContext` that never change. `last_active_at` moves with
    each message in either direction (B-211, B-272). `backlogged` is whether what waits for a slow
    reader is at its bound (B-203).
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
    backlogged: bool = False


@dataclass(slots=True, eq=False)
class Handshake:
    """An upgrade whose authorizer or `$connect` function runs.

    `headers` and `query` are what functions are shown, `request_id` is one for all of them.
    `offered` are the client's subprotocols. `authorizing` holds until the authorizer has allowed
    the client, which took it `authorizer_ms`. `ended` is set when nobody waits for the answer any
    more, and is what `$disconnect` is told if the function accepts all the same.
    """

    id: int
    connection: Connection
    request_id: str
    headers: MultiValue
    query: MultiValue
    offered: tuple[str, ...]
    authorizing: bool = False
    authorizer_ms: int | None = None
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
