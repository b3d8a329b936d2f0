"""The ports of the domain, and the plain data that passes through them: state, and connections.

The docstrings are the contract: tests/contract runs every adapter against them.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol

from msgspec import Raw, Struct

from functions.core.namespaces import Rate
from functions.core.permissions import Identity
from functions.core.protocol import Position


class Connection(Struct, frozen=True):
    """What is stored of one connection.

    `connected_at_ms` is epoch milliseconds, as in the gateway's events; `lease_until` and
    `expires_at` are epoch seconds.
    """

    connection_id: str
    identity: Identity
    connected_at_ms: int
    lease_until: int
    expires_at: int


class Subscription(Struct, frozen=True):
    """One (channel, connection) pair.

    `shard` is the part of the channel's subscribers that it is kept in. Publications skip it from
    `authorized_until` on (epoch seconds; None is never); `expires_at` is its connection's.
    """

    connection_id: str
    channel: str
    user: str
    shard: int
    authorized_until: int | None
    expires_at: int


class UserBlocked(Exception):  # noqa: N818 - named for what happened
    """The user may not connect for the time being."""


class ConnectionClosed(Exception):  # noqa: N818 - named for what happened
    """The connection has no row: it was closed, or its row expired."""


class SubscriptionsFull(Exception):  # noqa: N818 - named for what happened
    """The connection would hold more subscriptions than it may."""


class IdentityChanged(Exception):  # noqa: N818 - named for what happened
    """The connection may do something else, or for another time, than was believed: read it."""


class Conflict(Exception):  # noqa: N818 - named for what happened
    """Others kept writing the same rows through every retry; the same call may succeed later."""


class OffsetTaken(Exception):  # noqa: N818 - named for what happened
    """The offset was closed as a hole before its publication came: take another one."""


class ClaimLost(Exception):  # noqa: N818 - named for what happened
    """Somebody else took the idempotency key over."""


class ConnectionStore(Protocol):
    """State of connections and users."""

    async def open(self, connection: Connection, *, now: int) -> None:
        """Store a connection, unless its user is blocked. Raises UserBlocked, Conflict."""
        ...

    async def read(self, connection_id: str, *, now: int) -> Connection | None:
        """Give an open connection; consistent with every write that has returned."""
        ...

    async def remove(self, connection_id: str) -> Sequence[Subscription]:
        """Remove a connection, so that nothing is added to it; give the subscriptions left of it.

        They stay until SubscriptionStore.remove, so that an end that died half way can be done
        again. An unknown connection is fine. Raises Conflict.
        """
        ...

    async def renew_lease(self, connection_id: str, *, lease_until: int, now: int) -> None:
        """Set the connection's lease. Raises ConnectionClosed, Conflict."""
        ...

    async def authorize(
        self, connection_id: str, identity: Identity, *, now: int
    ) -> Sequence[Subscription]:
        """Replace the identity of a connection (of the same user); give its subscriptions.

        A subscription added meanwhile is either given or refused with IdentityChanged. Raises
        ConnectionClosed, Conflict.
        """
        ...

    async def take(self, connection_id: str, bucket: str, rate: Rate, *, now: float) -> bool:
        """Take one from a connection's bucket; False when it is empty. Exact under concurrency.

        `now` is epoch seconds with fractions. A call whose answer was lost may take two. Raises
        ConnectionClosed, Conflict.
        """
        ...

    async def of_user(self, user: str, *, now: int) -> Sequence[str]:
        """Give the ids of a user's connections: every one whose `open` has returned."""
        ...

    async def block(self, user: str, *, until: int) -> None:
        """Refuse a user's new connections until a moment (epoch seconds), if not for longer."""
        ...


class SubscriptionStore(Protocol):
    """State of subscriptions."""

    async def add(
        self, connection: Connection, channels: Sequence[str], *, subscriptions_max: int, now: int
    ) -> None:
        """Subscribe a connection to all of these distinct channels (1 to 20), or to none.

        Channels that it is subscribed to already are left alone and don't count again. Of
        `connection` this uses the id, the identity and `expires_at`. Raises
        ConnectionClosed, IdentityChanged, SubscriptionsFull, Conflict.
        """
        ...

    async def end(self, connection_id: str, channel: str) -> bool:
        """End one subscription; False when there was none. Raises Conflict."""
        ...

    async def remove(self, subscriptions: Sequence[Subscription]) -> None:
        """Remove what is left of subscriptions whose connection is removed; idempotent."""
        ...

    async def authorize(self, subscription: Subscription, *, until: int | None) -> None:
        """Set `authorized_until` of a subscription; one that ended meanwhile is left alone."""
        ...

    def of_channel(
        self, channel: str, *, now: int, fresh: bool = True, shards: int | None = None
    ) -> AsyncIterator[Sequence[str]]:
        """Give the ids of the connections subscribed to a channel, page by page.

        Includes every subscription added before the call, but those past `authorized_until`;
        those that come or go meanwhile may be given or not. None is given twice. A page may be
        empty. Without `fresh`, those added within the last 10 s to a channel that grew may lack.
        Who has counted the shards gives their number, which is not counted again then.
        """
        ...

    async def shard_count(self, channel: str, *, fresh: bool = True) -> int:
        """Count a channel's shards, from 1 up: numbered from 0, they hold all its subscribers.

        Without `fresh` the number may be 10 s old. It never falls while there are subscribers.
        """
        ...

    def of_shard(
        self, channel: str, shard: int, *, now: int, after: str | None = None
    ) -> AsyncIterator[Sequence[str]]:
        """Give those of one shard as `of_channel` does, in ascending order of their ids.

        `after` is a cursor: only ids beyond it are given, whether it still has a subscription or
        not. A page has 1,000 at most.
        """
        ...

    async def occupy(self, channel: str, *, expires_at: int, now: int) -> bool:
        """Note that a channel has subscribers; True for the one call that found it vacant.

        Call it after `add`. The note lasts until `expires_at` at least. Raises Conflict.
        """
        ...

    async def vacate(self, channel: str, *, now: int) -> bool:
        """Note that a channel is vacant if it is; True for the one call that ended it.

        False when somebody occupies it meanwhile. One who subscribes meanwhile and has yet to call
        `occupy` finds the channel vacant there. Raises Conflict.
        """
        ...


class Head(Struct, frozen=True):
    """The end of a channel's log; `created_at` and `moved_at` are epoch seconds with fractions."""

    position: Position
    created_at: float
    moved_at: float


class Entry(Struct, frozen=True):
    """One place in a channel's log.

    `payload` is the publication as it is sent, or None for a hole that was closed; `at` is epoch
    seconds with fractions.
    """

    offset: int
    payload: Raw | None
    at: float


class Claim(Struct, frozen=True):
    """One try to publish under an idempotency key; `token` tells it from every other try."""

    channel: str
    user: str
    key: str
    token: str


class Claimed(Struct, frozen=True):
    """The key is this try's: publish."""


class Pending(Struct, frozen=True):
    """Another try holds the key and has not published yet."""


class Published(Struct, frozen=True):
    """The key has its publication; `fanned` is false when its fan-out may not have ended."""

    position: Position
    fanned: bool


ClaimOutcome = Claimed | Pending | Published


class LogStore(Protocol):
    """State of channels' logs."""

    async def claim(self, claim: Claim, *, expires_at: int, now: float) -> ClaimOutcome:
        """Claim an idempotency key; one claimed over 10 s ago without publication is taken over.

        Claiming again with the same token is fine. Raises Conflict.
        """
        ...

    async def next_position(
        self, channel: str, *, new_epoch: str, expires_at: int, now: float
    ) -> Position:
        """Move the head on by one: no two calls get the same position.

        A head that is absent or expired is replaced by one of `new_epoch`, at offset 1. A call
        whose answer was lost may leave a hole. Raises Conflict.
        """
        ...

    async def begin(self, channel: str, *, new_epoch: str, expires_at: int, now: float) -> Head:
        """Give the head; where none counts, put one of `new_epoch` at offset 0. Raises Conflict."""
        ...

    async def append(
        self,
        channel: str,
        epoch: str,
        entry: Entry,
        *,
        expires_at: int,
        claim: Claim | None = None,
    ) -> None:
        """Store a publication at its place, and with a claim its position under the key.

        Both or neither. Storing the same again is fine. Raises OffsetTaken, ClaimLost, Conflict.
        """
        ...

    async def mark_fanned(self, claim: Claim) -> None:
        """Note under the key that the fan-out has ended."""
        ...

    async def head(self, channel: str, *, now: float) -> Head | None:
        """Give the head; consistent with every write that has returned."""
        ...

    async def entries(
        self, channel: str, epoch: str, first: int, last: int, *, now: float, limit: int = 1000
    ) -> Sequence[Entry]:
        """Give the entries from offset `first` to `last` that live, in this order, consistently.

        With `first` > `last` in descending order. Fewer than `limit` are all there are.
        """
        ...

    async def close_hole(
        self, channel: str, epoch: str, offset: int, *, expires_at: int, at: float
    ) -> bool:
        """Close a hole by an entry of the moment `at`.

        False when a publication (or what has expired) holds its place.
        """
        ...


class PresentUser(Struct, frozen=True):
    """A user in a channel: the connections whose lease runs, and what others see of the user."""

    user: str
    connections: Sequence[str]
    info: Mapping[str, object]


class PresencePage(Struct, frozen=True):
    """Some of a channel's users; `after` leads to the next page, None after the last."""

    users: Sequence[PresentUser]
    after: str | None


class PresenceStore(Protocol):
    """State of who is where."""

    async def enter(
        self, channel: str, identity: Identity, connection_id: str, *, expires_at: int
    ) -> Collection[str]:
        """Add a connection to its user's entry; give the connections that it held before."""
        ...

    async def leave(self, channel: str, user: str, connection_id: str) -> Collection[str] | None:
        """Take a connection out of its user's entry; give the rest, or None if it was not in."""
        ...

    async def alive(self, connection_ids: Collection[str], *, now: int) -> Collection[str]:
        """Give those of these connections that are open and whose lease runs."""
        ...

    async def page(
        self, channel: str, *, limit: int, now: int, after: str | None = None
    ) -> PresencePage:
        """Give up to `limit` users that have a connection whose lease runs, ordered by user."""
        ...

    async def count(self, channel: str, *, at_most: int, now: int) -> int:
        """Count a channel's entries, no further than `at_most`; leases are not looked at."""
        ...


class Store(Struct, frozen=True):
    """State. Every write is idempotent: repeating one whose answer was lost does no harm.

    `now` is epoch seconds; rows whose `expires_at` has passed count as absent in every read. What
    the technology behind it raises (no network, throttled through every retry) passes through.
    """

    connections: ConnectionStore
    subscriptions: SubscriptionStore
    log: LogStore
    presence: PresenceStore


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

    async def close(self, connection_id: str) -> Outcome:
        """End a connection from the server's side within a bounded time; never raises."""
        ...
