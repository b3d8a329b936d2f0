"""In-memory stand-ins for the two ports of functions/core, for tests of what lies behind them.

tests/contract/test_store.py runs MemoryStore through the same contract as the adapter, so what a
unit test learns from it holds for DynamoDB.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from functions.core.ports import (
    Connection,
    ConnectionClosed,
    Delivered,
    Outcome,
    SubscriptionsFull,
    UserBlocked,
)


class MemoryStore:
    """Store in dictionaries; `page_rows` subscribers to a page."""

    def __init__(self, *, page_rows: int = 2) -> None:
        self.connections: dict[str, Connection] = {}
        self.subscriptions: dict[tuple[str, str], int] = {}
        self.blocks: dict[str, int] = {}
        self._page_rows = page_rows

    async def open_connection(self, connection: Connection, *, now: int) -> None:
        """Keep the connection, unless its user is blocked."""
        if self.blocks.get(connection.user, now) > now:
            raise UserBlocked
        self.connections[connection.connection_id] = connection

    async def close_connection(self, connection_id: str) -> None:
        """Forget the connection and its subscriptions."""
        self.connections.pop(connection_id, None)
        for pair in [pair for pair in self.subscriptions if pair[1] == connection_id]:
            del self.subscriptions[pair]

    async def renew_lease(self, connection_id: str, *, lease_until: int, now: int) -> None:
        """Replace the connection by one with another lease."""
        kept = self._live(connection_id, now)
        self.connections[connection_id] = Connection(
            connection_id=kept.connection_id,
            user=kept.user,
            info=kept.info,
            connected_at_ms=kept.connected_at_ms,
            lease_until=lease_until,
            expires_at=kept.expires_at,
        )

    async def add_subscriptions(
        self,
        connection_id: str,
        channels: Sequence[str],
        *,
        subscriptions_max: int,
        expires_at: int,
        now: int,
    ) -> None:
        """Keep the pairs that are new."""
        self._live(connection_id, now)
        held = sum(pair[1] == connection_id for pair in self.subscriptions)
        missing = [
            channel for channel in channels if (channel, connection_id) not in self.subscriptions
        ]
        if held + len(missing) > subscriptions_max:
            raise SubscriptionsFull
        for channel in missing:
            self.subscriptions[channel, connection_id] = expires_at

    async def remove_subscription(self, connection_id: str, channel: str) -> None:
        """Forget one pair."""
        self.subscriptions.pop((channel, connection_id), None)

    async def subscribers(self, channel: str, *, now: int) -> AsyncIterator[Sequence[str]]:
        """Give the pairs of a channel, page by page."""
        found = [
            connection_id
            for (subscribed, connection_id), expires_at in self.subscriptions.items()
            if subscribed == channel and expires_at > now
        ]
        for start in range(0, len(found), self._page_rows):
            yield found[start : start + self._page_rows]

    def _live(self, connection_id: str, now: int) -> Connection:
        connection = self.connections.get(connection_id)
        if connection is None or connection.expires_at <= now:
            raise ConnectionClosed
        return connection


class MemoryTransport:
    """Transport that remembers what it was given.

    `outcomes` says what becomes of a connection (an exception is raised), and Delivered is the
    rule. A connection in `hanging` is answered when its event is set.
    """

    def __init__(self, *, width: int = 3) -> None:
        self.width = width
        self.sent: list[tuple[str, bytes]] = []
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
        outcome = self.outcomes.get(connection_id, Delivered())
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
