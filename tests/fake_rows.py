"""What the memory Store of tests/fakes.py keeps: rows, which a test may read and change."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from functions.core.ports import Connection, ConnectionClosed, Entry, Head, Subscription
from functions.core.protocol import Position

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(slots=True)
class KeyRow:
    """An idempotency key."""

    claimant: str
    claimed_at: float
    expires_at: int
    position: Position | None = None
    fanned: bool = False


@dataclass(slots=True)
class PresenceRow:
    """A user's entry in a channel."""

    members: set[str]
    info: dict[str, object]
    expires_at: int


@dataclass(slots=True)
class Rows:
    """All rows of a memory Store.

    Subscriptions are by channel and connection, keys by channel, user and key, presence by channel
    and user, entries by channel, epoch and offset; heads and entries come with their expiry. A
    channel without a number of shards has one.
    """

    connections: dict[str, Connection] = field(default_factory=dict)
    buckets: dict[str, dict[str, int]] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    subscriptions: dict[tuple[str, str], Subscription] = field(default_factory=dict)
    shards: dict[str, int] = field(default_factory=dict)
    occupied: dict[str, int] = field(default_factory=dict)
    heads: dict[str, tuple[Head, int]] = field(default_factory=dict)
    entries: dict[tuple[str, str, int], tuple[Entry, int]] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], KeyRow] = field(default_factory=dict)
    presence: dict[tuple[str, str], PresenceRow] = field(default_factory=dict)

    def count(self) -> int:
        """Count all rows; a bucket is part of its connection's."""
        tables: tuple[Collection[Any], ...] = (
            self.connections,
            self.blocks,
            self.subscriptions,
            self.shards,
            self.occupied,
            self.heads,
            self.entries,
            self.keys,
            self.presence,
        )
        return sum(map(len, tables))

    def open(self, connection_id: str, now: int) -> Connection:
        """Give a connection that is open, or raise ConnectionClosed."""
        connection = self.connections.get(connection_id)
        if connection is None or connection.expires_at <= now:
            raise ConnectionClosed
        return connection

    def subscriptions_of(self, connection_id: str) -> list[Subscription]:
        """Give what a connection is subscribed to."""
        return [row for row in self.subscriptions.values() if row.connection_id == connection_id]
