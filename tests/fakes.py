"""In-memory stand-ins for the two ports of functions/core, for tests of what lies behind them.

tests/contract runs the memory Store through the same contract as the adapter, so what a unit test
learns from it holds for DynamoDB.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Collection, Container, Sequence

from msgspec import structs

from functions.core.namespaces import Rate
from functions.core.permissions import Identity
from functions.core.ports import (
    Connection,
    ConnectionClosed,
    Delivered,
    IdentityChanged,
    Outcome,
    PresencePage,
    PresentUser,
    Store,
    Subscription,
    SubscriptionsFull,
    UserBlocked,
)
from tests.fake_log import MemoryLog
from tests.fake_rows import PresenceRow, Rows


def memory_store(rows: Rows, *, page_rows: int = 2) -> Store:
    """Make a Store over `rows`, with so many subscribers to a page."""
    return Store(
        connections=MemoryConnections(rows),
        subscriptions=MemorySubscriptions(rows, page_rows=page_rows),
        log=MemoryLog(rows),
        presence=MemoryPresence(rows),
    )


class MemoryConnections:
    """ConnectionStore in dictionaries."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def open(self, connection: Connection, *, now: int) -> None:
        """Keep the connection, unless its user is blocked."""
        if self._rows.blocks.get(connection.identity.user, now) > now:
            raise UserBlocked
        self._rows.connections[connection.connection_id] = connection

    async def read(self, connection_id: str, *, now: int) -> Connection | None:
        """Give the connection, if it is open."""
        try:
            return self._rows.open(connection_id, now)
        except ConnectionClosed:
            return None

    async def remove(self, connection_id: str) -> Sequence[Subscription]:
        """Forget the connection; give its subscriptions."""
        self._rows.connections.pop(connection_id, None)
        self._rows.buckets.pop(connection_id, None)
        return self._rows.subscriptions_of(connection_id)

    async def renew_lease(self, connection_id: str, *, lease_until: int, now: int) -> None:
        """Replace the connection by one with another lease."""
        kept = self._rows.open(connection_id, now)
        self._rows.connections[connection_id] = structs.replace(kept, lease_until=lease_until)

    async def authorize(
        self, connection_id: str, identity: Identity, *, now: int
    ) -> Sequence[Subscription]:
        """Replace the connection by one with another identity; give its subscriptions."""
        kept = self._rows.open(connection_id, now)
        self._rows.connections[connection_id] = structs.replace(kept, identity=identity)
        return self._rows.subscriptions_of(connection_id)

    async def take(self, connection_id: str, bucket: str, rate: Rate, *, now: float) -> bool:
        """Move the moment (epoch milliseconds) at which the bucket is full again."""
        self._rows.open(connection_id, int(now))
        buckets = self._rows.buckets.setdefault(connection_id, {})
        step, now_ms = int(rate.interval_s * 1000), int(now * 1000)
        full_at = max(now_ms, buckets.get(bucket, now_ms))
        taken = full_at <= now_ms + (rate.burst - 1) * step
        buckets[bucket] = full_at + step if taken else full_at
        return taken

    async def of_user(self, user: str, *, now: int) -> Sequence[str]:
        """Give the ids of a user's open connections."""
        return [
            row.connection_id
            for row in self._rows.connections.values()
            if row.identity.user == user and row.expires_at > now
        ]

    async def block(self, user: str, *, until: int) -> None:
        """Keep the block, or a longer one."""
        self._rows.blocks[user] = max(until, self._rows.blocks.get(user, until))


class MemorySubscriptions:
    """SubscriptionStore in dictionaries."""

    def __init__(self, rows: Rows, *, page_rows: int) -> None:
        self._rows = rows
        self._page_rows = page_rows

    async def add(
        self, connection: Connection, channels: Sequence[str], *, subscriptions_max: int, now: int
    ) -> None:
        """Keep the pairs that are new."""
        connection_id, identity = connection.connection_id, connection.identity
        missing = [
            each for each in channels if (each, connection_id) not in self._rows.subscriptions
        ]
        if not missing:
            return
        kept = self._rows.open(connection_id, now)
        if not kept.identity.allows_the_same_as(identity):
            raise IdentityChanged
        if len(self._rows.subscriptions_of(connection_id)) + len(missing) > subscriptions_max:
            raise SubscriptionsFull
        for channel in missing:
            self._rows.subscriptions[channel, connection_id] = Subscription(
                connection_id=connection_id,
                channel=channel,
                user=identity.user,
                shard=zlib.crc32(connection_id.encode()) % self._rows.shards.get(channel, 1),
                authorized_until=identity.authorized_until,
                expires_at=connection.expires_at,
            )

    async def end(self, connection_id: str, channel: str) -> bool:
        """Forget one pair."""
        return self._rows.subscriptions.pop((channel, connection_id), None) is not None

    async def remove(self, subscriptions: Sequence[Subscription]) -> None:
        """Forget these pairs."""
        for each in subscriptions:
            self._rows.subscriptions.pop((each.channel, each.connection_id), None)

    async def authorize(self, subscription: Subscription, *, until: int | None) -> None:
        """Replace the pair by one with another end, if it is there."""
        pair = (subscription.channel, subscription.connection_id)
        if kept := self._rows.subscriptions.get(pair):
            self._rows.subscriptions[pair] = structs.replace(kept, authorized_until=until)

    async def of_channel(
        self, channel: str, *, now: int, fresh: bool = True, shards: int | None = None
    ) -> AsyncIterator[Sequence[str]]:
        """Give the pairs of a channel that count, page by page."""
        found = self._live(channel, now, None if shards is None else range(shards))
        for start in range(0, len(found), self._page_rows):
            yield found[start : start + self._page_rows]

    async def shard_count(self, channel: str, *, fresh: bool = True) -> int:
        """Give the number that is kept."""
        return self._rows.shards.get(channel, 1)

    async def of_shard(
        self, channel: str, shard: int, *, now: int, after: str | None = None
    ) -> AsyncIterator[Sequence[str]]:
        """Give those of one shard that come after the cursor, page by page."""
        found = [each for each in sorted(self._live(channel, now, [shard])) if each > (after or "")]
        for start in range(0, len(found), self._page_rows):
            yield found[start : start + self._page_rows]

    async def occupy(self, channel: str, *, expires_at: int, now: int) -> bool:
        """Keep the note."""
        vacant = self._rows.occupied.get(channel, now) <= now
        self._rows.occupied[channel] = expires_at
        return vacant

    async def vacate(self, channel: str, *, now: int) -> bool:
        """Forget the note when no subscriber is found."""
        if self._live(channel, now):
            return False
        return self._rows.occupied.pop(channel, now) > now

    def _live(self, channel: str, now: int, shards: Container[int] | None = None) -> list[str]:
        return [
            row.connection_id
            for row in self._rows.subscriptions.values()
            if row.channel == channel
            and (shards is None or row.shard in shards)
            and row.expires_at > now
            and (row.authorized_until is None or row.authorized_until > now)
        ]


class MemoryPresence:
    """PresenceStore in dictionaries."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def enter(
        self, channel: str, identity: Identity, connection_id: str, *, expires_at: int
    ) -> Collection[str]:
        """Add to the user's set."""
        row = self._rows.presence.get((channel, identity.user))
        before = set() if row is None else row.members
        self._rows.presence[channel, identity.user] = PresenceRow(
            before | {connection_id}, identity.info, expires_at
        )
        return frozenset(before)

    async def leave(self, channel: str, user: str, connection_id: str) -> Collection[str] | None:
        """Take from the user's set."""
        row = self._rows.presence.get((channel, user))
        if row is None or connection_id not in row.members:
            return None
        row.members.remove(connection_id)
        if not row.members:
            del self._rows.presence[channel, user]
        return frozenset(row.members)

    async def alive(self, connection_ids: Collection[str], *, now: int) -> Collection[str]:
        """Look the connections up."""
        return {
            each
            for each in connection_ids
            if (row := self._rows.connections.get(each))
            and row.expires_at > now
            and row.lease_until > now
        }

    async def page(
        self, channel: str, *, limit: int, now: int, after: str | None = None
    ) -> PresencePage:
        """Give the users whose names come next."""
        entries = sorted(
            (user, row)
            for (of_channel, user), row in self._rows.presence.items()
            if of_channel == channel and (after is None or user > after)
        )[:limit]
        users = [
            PresentUser(user, sorted(alive), row.info)
            for user, row in entries
            if row.expires_at > now and (alive := await self.alive(row.members, now=now))
        ]
        return PresencePage(users, entries[-1][0] if len(entries) == limit else None)

    async def count(self, channel: str, *, at_most: int, now: int) -> int:
        """Count the channel's entries that live."""
        entries = self._rows.presence.items()
        live = sum(at == channel and row.expires_at > now for (at, _), row in entries)
        return min(at_most, live)


class MemoryTransport:
    """Transport that remembers what it was given.

    `outcomes` says what becomes of a connection (an exception is raised), and Delivered is the
    rule. A connection in `hanging` is answered when its event is set.
    """

    def __init__(self, *, width: int = 3) -> None:
        self.width = width
        self.sent: list[tuple[str, bytes]] = []
        self.closed: list[str] = []
        self.outcomes: dict[str, Outcome | Exception] = {}
        self.hanging: dict[str, asyncio.Event] = {}
        self.running = 0
        self.running_max = 0

    async def send(self, connection_id: str, payload: bytes) -> Outcome:
        """Note the send, and answer as told."""
        self.running += 1
        self.running_max = max(self.running, self.running_max)
        try:
            if connection_id in self.hanging:
                await self.hanging[connection_id].wait()
            await asyncio.sleep(0)
        finally:
            self.running -= 1
        self.sent.append((connection_id, payload))
        return self._outcome(connection_id)

    async def close(self, connection_id: str) -> Outcome:
        """Note the end, and answer as told."""
        self.closed.append(connection_id)
        return self._outcome(connection_id)

    def _outcome(self, connection_id: str) -> Outcome:
        outcome = self.outcomes.get(connection_id, Delivered())
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
