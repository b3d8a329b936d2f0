"""The two ports of the domain, and the plain data that passes through them.

The docstrings are the contract: tests/contract runs every adapter against them.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec import Struct


class Connection(Struct, frozen=True):
    """What is stored of one connection.

    `info` is what others may see of the user. `connected_at_ms` is epoch milliseconds, as in the
    gateway's events; `lease_until` and `expires_at` are epoch seconds.
    """

    connection_id: str
    user: str
    info: dict[str, str]
    connected_at_ms: int
    lease_until: int
    expires_at: int


class UserBlocked(Exception):  # noqa: N818 - named for what happened
    """The user may not connect for the time being."""


class ConnectionClosed(Exception):  # noqa: N818 - named for what happened
    """The connection has no row: it was closed, or its row expired."""


class SubscriptionsFull(Exception):  # noqa: N818 - named for what happened
    """The connection would hold more subscriptions than it may."""


class Conflict(Exception):  # noqa: N818 - named for what happened
    """Others kept writing the same rows through every retry; the same call may succeed later."""


class Store(Protocol):
    """State. Every write is idempotent: repeating one whose answer was lost does no harm.

    `now` is epoch seconds; rows whose `expires_at` has passed count as absent in every read. What
    the technology behind it raises (no network, throttled through every retry) passes through.
    """

    async def open_connection(self, connection: Connection, *, now: int) -> None:
        """Store a connection, unless its user is blocked.

        Raises UserBlocked, Conflict.
        """
        ...

    async def close_connection(self, connection_id: str) -> None:
        """Remove a connection and all its subscriptions; right from any partial state.

        The connection itself goes first, so that no subscription is added meanwhile. An unknown
        connection is fine. Raises Conflict.
        """
        ...

    async def renew_lease(self, connection_id: str, *, lease_until: int, now: int) -> None:
        """Set the connection's lease. Raises ConnectionClosed, Conflict."""
        ...

    async def add_subscriptions(
        self,
        connection_id: str,
        channels: Sequence[str],
        *,
        subscriptions_max: int,
        expires_at: int,
        now: int,
    ) -> None:
        """Subscribe a connection to all of these distinct channels (1 to 20), or to none.

        Channels that it is subscribed to already are left alone and don't count again.
        `expires_at` (epoch seconds) is the connection's. Raises ConnectionClosed,
        SubscriptionsFull, Conflict.
        """
        ...

    async def remove_subscription(self, connection_id: str, channel: str) -> None:
        """End one subscription; none to end is fine. Raises Conflict."""
        ...

    def subscribers(self, channel: str, *, now: int) -> AsyncIterator[Sequence[str]]:
        """Give the ids of the connections subscribed to a channel, page by page.

        Includes every subscription added before the call; those that come or go meanwhile may be
        given or not. None is given twice. A page may be empty.
        """
        ...


class Delivered(Struct, frozen=True):
    """The gateway took the message for this connection."""


class Gone(Struct, frozen=True):
    """The connection does not exist any more, or never could: its rows are to be removed."""


class Failed(Struct, frozen=True):
    """The message did not get through; `reason` is one short word for counting and logs."""

    reason: str


Outcome = Delivered | Gone | Failed


class Transport(Protocol):
    """Reaching connections."""

    @property
    def width(self) -> int:
        """How many sends may run at a time."""
        ...

    async def send(self, connection_id: str, payload: bytes) -> Outcome:
        """Send one message to one connection within a bounded time; never raises for a failure.

        At least once: a repeated attempt can deliver the message twice.
        """
        ...
