"""ConnectionStore (core/ports.py) over one table."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from functions.adapters import dynamodb_items as items
from functions.adapters.dynamodb_table import Refused, Table
from functions.core.namespaces import Rate
from functions.core.permissions import Identity
from functions.core.ports import Connection, ConnectionClosed, Subscription, UserBlocked

CLOSE_CONFLICT_ATTEMPTS: Final = 8
"""Closing is tried longer: nobody repeats a $disconnect (B-184)."""


class DynamoDBConnections:
    """State of connections and users."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def open(self, connection: Connection, *, now: int) -> None:
        """Store the connection and its user's row, unless a block holds."""
        refused = await self._table.transact(
            [
                self._table.checking(
                    items.block_key(connection.identity.user),
                    "attribute_not_exists(pk) OR expires_at <= :now",
                    {":now": items.number(now)},
                ),
                self._table.putting(items.connection_item(connection)),
                self._table.putting(items.user_item(connection)),
            ]
        )
        if refused:
            raise UserBlocked

    async def read(self, connection_id: str, *, now: int) -> Connection | None:
        """Read the connection's row."""
        row = await self._table.get(items.connection_key(connection_id))
        return items.read_connection(row) if row and items.is_live(row, now) else None

    async def remove(self, connection_id: str) -> Sequence[Subscription]:
        """Remove the connection's rows, then query what is left of it."""
        row = await self._table.get(items.connection_key(connection_id))
        if row is not None:
            user = items.read_connection(row).identity.user
            await self._table.transact(
                [
                    self._table.deleting(items.connection_key(connection_id)),
                    self._table.deleting(items.user_key(user, connection_id)),
                ],
                attempts=CLOSE_CONFLICT_ATTEMPTS,
            )
        return await self._subscriptions(connection_id)

    async def renew_lease(self, connection_id: str, *, lease_until: int, now: int) -> None:
        """Set the lease of a connection that is open."""
        await self._update(connection_id, {"lease_until": items.number(lease_until)}, now=now)

    async def authorize(
        self, connection_id: str, identity: Identity, *, now: int
    ) -> Sequence[Subscription]:
        """Write the identity, then query: what is added later meets the new row."""
        await self._update(connection_id, items.identity_attributes(identity), now=now)
        return await self._subscriptions(connection_id)

    async def take(self, connection_id: str, bucket: str, rate: Rate, *, now: float) -> bool:
        """Move the moment at which the bucket is full again (generic cell rate algorithm).

        A bucket that is full is one conditional update, one that is not is two.
        """
        name, step = f"{bucket}_full_at_ms", int(rate.interval_s * 1000)
        now_ms = int(now * 1000)
        key = items.connection_key(connection_id)
        full = {":now": items.number(now_ms), ":next": items.number(now_ms + step)}
        try:
            await self._table.update(
                key,
                f"SET {name} = :next",
                {**full, ":now_s": items.number(int(now))},
                condition=f"expires_at > :now_s AND "
                f"(attribute_not_exists({name}) OR {name} <= :now)",
            )
        except Refused:
            pass
        else:
            return True
        return await self._take_more(connection_id, name, step=step, rate=rate, now=now)

    async def of_user(self, user: str, *, now: int) -> Sequence[str]:
        """Query the user's rows."""
        return [
            items.subscriber(row)
            async for page in self._table.query(items.user_pk(user), items.CONNECTION)
            for row in page
            if items.is_live(row, now)
        ]

    async def block(self, user: str, *, until: int) -> None:
        """Write the user's block, unless one holds for longer."""
        ends = items.number(until)
        with suppress(Refused):
            await self._table.put(
                {**items.block_key(user), "expires_at": ends},
                condition="attribute_not_exists(pk) OR expires_at < :until",
                values={":until": ends},
            )

    async def _take_more(
        self, connection_id: str, name: str, *, step: int, rate: Rate, now: float
    ) -> bool:
        now_ms = int(now * 1000)
        try:
            await self._table.update(
                items.connection_key(connection_id),
                f"SET {name} = {name} + :step",
                {
                    ":step": items.number(step),
                    ":now": items.number(now_ms),
                    ":last": items.number(now_ms + (rate.burst - 1) * step),
                },
                condition=f"{name} > :now AND {name} <= :last",
            )
        except Refused:
            if await self.read(connection_id, now=int(now)) is None:
                raise ConnectionClosed from None
            return False
        return True

    async def _update(self, connection_id: str, attributes: "items.Item", *, now: int) -> None:
        names = {f":v{place}": name for place, name in enumerate(attributes)}
        changes = ", ".join(f"{name} = {value}" for value, name in names.items())
        try:
            await self._table.update(
                items.connection_key(connection_id),
                f"SET {changes}",
                {
                    **{value: attributes[name] for value, name in names.items()},
                    ":now": items.number(now),
                },
                condition="expires_at > :now",
            )
        except Refused:
            raise ConnectionClosed from None

    async def _subscriptions(self, connection_id: str) -> Sequence[Subscription]:
        return [
            items.read_subscription(row)
            async for page in self._table.query(
                items.connection_pk(connection_id), items.SUBSCRIPTION_PREFIX
            )
            for row in page
        ]
