"""SubscriptionStore (core/ports.py) over one table: two rows each, kept alike by transactions."""

import random
import time
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from functions.adapters import dynamodb_items as items
from functions.adapters.dynamodb_table import Refused, Table
from functions.core import limits
from functions.core.ports import (
    Conflict,
    Connection,
    ConnectionClosed,
    IdentityChanged,
    Subscription,
    SubscriptionsFull,
)

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import AttributeValueTypeDef

SHARDS_CACHED_S: Final = 10.0
SHARDS_CACHED_MAX: Final = 10_000
COUNT_CHANCE: Final = 1 / 32
"""How often a subscribe counts its shard: one is passed over by about as many subscribers."""


OCCUPY_ATTEMPTS: Final = 3


def _new_id() -> str:
    return uuid.uuid4().hex


class DynamoDBSubscriptions:
    """State of subscriptions. `chance` returns a number from 0 to 1, `clock` monotonic seconds."""

    def __init__(
        self,
        table: Table,
        *,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = _new_id,
        cached_max: int = SHARDS_CACHED_MAX,
    ) -> None:
        self._table = table
        self._chance = chance
        self._clock = clock
        self._new_id = new_id
        self._cached_max = cached_max
        self._shards: dict[str, tuple[int, float]] = {}

    async def add(
        self, connection: Connection, channels: Sequence[str], *, subscriptions_max: int, now: int
    ) -> None:
        """Write both rows of each channel and the count in one transaction.

        Every round but the last drops channels that were subscribed to already.
        """
        wanted = await self._place(connection, channels)
        while wanted:
            refused = await self._write(
                connection, wanted, room=subscriptions_max - len(wanted), now=now
            )
            if not refused:
                break
            if 0 in refused:
                await self._check_open(connection, now=now)
            missing = [each for place, each in enumerate(wanted, 1) if place not in refused]
            if len(missing) == len(wanted):
                raise SubscriptionsFull
            wanted = missing
        for each in wanted:
            if self._chance() < COUNT_CHANCE:
                await self._grow(each.channel, each.shard, now=now)

    async def end(self, connection_id: str, channel: str) -> bool:
        """Remove both rows and count down in one transaction."""
        by_connection = items.by_connection_key(connection_id, channel)
        row = await self._table.get(by_connection)
        if row is None:
            return False
        subscription = items.read_subscription(row)
        refused = await self._table.transact(
            [
                self._table.updating(
                    items.connection_key(connection_id),
                    "ADD subscriptions :one",
                    {":one": items.number(-1)},
                    condition="attribute_exists(pk)",
                ),
                self._table.deleting(by_connection, condition="attribute_exists(pk)"),
                self._table.deleting(
                    items.by_channel_key(connection_id, channel, subscription.shard)
                ),
            ]
        )
        if refused == {0}:  # the connection is being closed: nothing is left to count on
            await self.remove([subscription])
        return 1 not in refused

    async def remove(self, subscriptions: Sequence[Subscription]) -> None:
        """Remove the rows in channels, then those beside the connection that lead to them."""
        await self._table.delete_all(
            items.by_channel_key(each.connection_id, each.channel, each.shard)
            for each in subscriptions
        )
        await self._table.delete_all(
            items.by_connection_key(each.connection_id, each.channel) for each in subscriptions
        )

    async def authorize(self, subscription: Subscription, *, until: int | None) -> None:
        """Change both rows, if they are there."""
        values = {":until": items.number(items.moment(until))}
        changed = (
            items.by_connection_key(subscription.connection_id, subscription.channel),
            items.by_channel_key(
                subscription.connection_id, subscription.channel, subscription.shard
            ),
        )
        await self._table.transact(  # refused, it ended meanwhile
            [
                self._table.updating(
                    key, "SET authorized_until = :until", values, condition="attribute_exists(pk)"
                )
                for key in changed
            ]
        )

    async def of_channel(
        self, channel: str, *, now: int, fresh: bool = True, shards: int | None = None
    ) -> AsyncIterator[Sequence[str]]:
        """Read the shards of a channel one after the other, consistently.

        A shard count that is not given is read after the first shard, while its connections are
        being reached.
        """
        async for page in self.of_shard(channel, 0, now=now):
            yield page
        if shards is None:
            shards = await self.shard_count(channel, fresh=fresh)
        for shard in range(1, shards):
            async for page in self.of_shard(channel, shard, now=now):
                yield page

    async def shard_count(self, channel: str, *, fresh: bool = True) -> int:
        """Read the count's row, or what was read of it lately."""
        return (await self._shard_counts([channel], fresh=fresh))[channel]

    async def of_shard(
        self, channel: str, shard: int, *, now: int, after: str | None = None
    ) -> AsyncIterator[Sequence[str]]:
        """Read a shard, consistently; all of its rows are subscriptions."""
        start = items.subscribers_after(after)
        async for page in self._table.query_after(items.channel_pk(channel, shard), start):
            yield [
                items.subscriber(row)
                for row in page
                if items.is_live(row, now) and items.is_authorized(row, now)
            ]

    async def occupy(self, channel: str, *, expires_at: int, now: int) -> bool:
        """Sign the note, unless somebody's signature that counts is there.

        A signature tells a repeated write from another's. Every call counts as a visit, so that
        `vacate` sees who came while it looked.
        """
        key, me = items.occupied_key(channel), self._signature()
        until = {":until": items.number(expires_at), ":now": items.number(now)}
        for _ in range(OCCUPY_ATTEMPTS):
            try:
                note = await self._table.update(
                    key,
                    "SET expires_at = :until, occupied_by = if_not_exists(occupied_by, :me)"
                    " ADD visits :one",
                    {**until, ":me": me, ":one": items.number(1)},
                    condition="attribute_not_exists(expires_at) OR expires_at > :now",
                    returning="ALL_NEW",
                )
            except Refused:  # it has expired, and so has its signature
                with suppress(Refused):
                    fresh = {**key, "expires_at": until[":until"], "visits": items.number(1)}
                    await self._table.put(
                        fresh, condition="expires_at <= :now", values={":now": until[":now"]}
                    )
            else:
                return note["occupied_by"] == me
        raise Conflict

    async def vacate(self, channel: str, *, now: int) -> bool:
        """Take the signature off when no subscriber is found and nobody visited meanwhile.

        Who subscribes after the look visits after it, and either prevents this or signs anew.
        """
        key, me = items.occupied_key(channel), self._signature()
        note = await self._table.get(key)
        if note is None or not items.is_live(note, now) or "occupied_by" not in note:
            return False
        if await self._has_subscriber(channel, now=now):
            return False
        try:
            await self._table.update(
                key,
                "SET vacated_by = :me REMOVE occupied_by ADD visits :one",
                {":me": me, ":one": items.number(1), ":visits": note["visits"]},
                condition="visits = :visits",
            )
        except Refused:  # perhaps by our own write, whose answer was lost
            found = await self._table.get(key)
            return found is not None and found.get("vacated_by") == me
        return True

    def _signature(self) -> "AttributeValueTypeDef":
        return {"S": self._new_id()}

    async def _has_subscriber(self, channel: str, *, now: int) -> bool:
        async for page in self.of_channel(channel, now=now):
            if page:
                return True
        return False

    async def _place(self, connection: Connection, channels: Sequence[str]) -> list[Subscription]:
        shards = await self._shard_counts(channels)
        number = zlib.crc32(connection.connection_id.encode())
        return [
            Subscription(
                connection_id=connection.connection_id,
                channel=channel,
                user=connection.identity.user,
                shard=number % shards[channel],
                authorized_until=connection.identity.authorized_until,
                expires_at=connection.expires_at,
            )
            for channel in channels
        ]

    async def _write(
        self, connection: Connection, wanted: Sequence[Subscription], *, room: int, now: int
    ) -> set[int]:
        identity = connection.identity
        return await self._table.transact(
            [
                self._table.updating(
                    items.connection_key(connection.connection_id),
                    "ADD subscriptions :count",
                    {
                        ":count": items.number(len(wanted)),
                        ":room": items.number(room),
                        ":now": items.number(now),
                        ":until": items.number(items.moment(identity.authorized_until)),
                        ":grants": items.json_text(identity.grants),
                    },
                    condition="expires_at > :now AND authorized_until = :until"
                    " AND grants = :grants AND subscriptions <= :room",
                ),
                *(
                    self._table.putting(
                        items.by_connection_item(each), condition="attribute_not_exists(pk)"
                    )
                    for each in wanted
                ),
                *(self._table.putting(items.by_channel_item(each)) for each in wanted),
            ]
        )

    async def _check_open(self, connection: Connection, *, now: int) -> None:
        row = await self._table.get(items.connection_key(connection.connection_id))
        if row is None or not items.is_live(row, now):
            raise ConnectionClosed
        if not items.read_connection(row).identity.allows_the_same_as(connection.identity):
            raise IdentityChanged

    async def _shard_counts(
        self, channels: Sequence[str], *, fresh: bool = False
    ) -> dict[str, int]:
        known = {} if fresh else self._known(channels)
        missing = [each for each in channels if each not in known]
        if not missing:
            return known
        rows = await self._table.get_all(items.shards_key(each) for each in missing)
        found = {items.sharded_channel(row): items.read_shards(row) for row in rows}
        read = {each: found.get(each, 1) for each in missing}
        if len(self._shards) + len(read) > self._cached_max:
            self._shards.clear()
        now = self._clock()
        self._shards.update({each: (shards, now) for each, shards in read.items()})
        return known | read

    def _known(self, channels: Sequence[str]) -> dict[str, int]:
        since = self._clock() - SHARDS_CACHED_S
        cached = {each: self._shards[each] for each in channels if each in self._shards}
        return {each: shards for each, (shards, read_at) in cached.items() if read_at >= since}

    async def _grow(self, channel: str, shard: int, *, now: int) -> None:
        """Double the channel's shards when this one holds more subscribers than it should.

        Only a shard of the newest half is a measure: the others hold who came before the doubling.
        """
        shards = await self.shard_count(channel)
        if shard < shards // 2:
            return
        at_most = limits.SHARD_SUBSCRIBERS_MAX + 1
        held = await self._table.count(
            items.channel_pk(channel, shard), items.CONNECTION, at_most=at_most, now=now
        )
        if held < at_most:
            return
        with suppress(Refused):  # somebody else did
            await self._table.update(
                items.shards_key(channel),
                "SET shards = :doubled",
                {":doubled": items.number(shards * 2), ":shards": items.number(shards)},
                condition="shards = :shards OR attribute_not_exists(shards)",
            )
        self._shards.pop(channel, None)
