"""What may be used to answer, and who asks: what the domain and every action are given."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from functions.core.namespaces import Namespaces
from functions.core.permissions import Identity
from functions.core.ports import Store, Transport
from functions.core.rates import Buckets

if TYPE_CHECKING:
    from functions.core.happenings import Outlets
    from functions.core.workers import Workers


class Services(Struct, frozen=True):
    """The surroundings of all work.

    `clock` returns epoch seconds, `sleep` lets seconds pass; `new_id` returns a string that no
    other call returns. `buckets` are those of this execution environment,
    `outlets` lead to other systems. Without `workers` every broadcast is sent from here.
    """

    store: Store
    transport: Transport
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    new_id: Callable[[], str]
    namespaces: Namespaces
    buckets: Buckets
    outlets: "Outlets"
    workers: "Workers | None" = None


class Context(Services, frozen=True, kw_only=True):
    """One request's surroundings: the services, and the connection that asks.

    `connected_at_ms` is epoch milliseconds, the same in every event of a connection (B-007).
    """

    connection_id: str
    identity: Identity
    connected_at_ms: int

    @property
    def user(self) -> str:
        """The user behind the connection."""
        return self.identity.user
