"""LogStore (core/ports.py) over one table: a head that counts, and a row a publication."""

from collections.abc import Sequence
from contextlib import suppress

from functions.adapters import dynamodb_items as items
from functions.adapters.dynamodb_table import Refused, Table
from functions.core import limits
from functions.core.ports import (
    Claim,
    Claimed,
    ClaimLost,
    ClaimOutcome,
    Entry,
    Head,
    OffsetTaken,
    Pending,
)
from functions.core.protocol import Position


class DynamoDBLog:
    """State of channels' logs."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def claim(self, claim: Claim, *, expires_at: int, now: float) -> ClaimOutcome:
        """Write the claim unless a younger one or a publication holds the key, then read it."""
        try:
            await self._table.put(
                items.claim_item(claim, claimed_at=now, expires_at=expires_at),
                condition="attribute_not_exists(pk) OR expires_at <= :now OR claimant = :claimant"
                " AND attribute_not_exists(log_offset)"
                " OR attribute_not_exists(log_offset) AND claimed_at_ms <= :stale",
                values={
                    ":now": items.number(int(now)),
                    ":claimant": {"S": claim.token},
                    ":stale": items.milliseconds(now - limits.CLAIM_TIMEOUT_S),
                },
            )
        except Refused:
            row = await self._table.get(items.claim_key(claim))
            published = row and items.read_published(row)
            return published or Pending()
        return Claimed()

    async def next_position(
        self, channel: str, *, new_epoch: str, expires_at: int, now: float
    ) -> Position:
        """Count the head up; when none counts, begin one first."""
        while True:
            try:
                row = await self._table.update(
                    items.head_key(channel),
                    "SET moved_at_ms = :at, expires_at = :expires_at ADD log_offset :one",
                    {
                        ":at": items.milliseconds(now),
                        ":expires_at": items.number(expires_at),
                        ":one": items.number(1),
                        ":now": items.number(int(now)),
                    },
                    condition="expires_at > :now",
                    returning="ALL_NEW",
                )
            except Refused:
                await self.begin(channel, new_epoch=new_epoch, expires_at=expires_at, now=now)
            else:
                return items.read_head(row).position

    async def begin(self, channel: str, *, new_epoch: str, expires_at: int, now: float) -> Head:
        """Put a head, which one of several callers does; the others read his."""
        head = Head(Position(new_epoch, 0), created_at=now, moved_at=now)
        try:
            await self._table.put(
                items.head_item(channel, head, expires_at=expires_at),
                condition="attribute_not_exists(pk) OR expires_at <= :now",
                values={":now": items.number(int(now))},
            )
        except Refused:
            found = await self.head(channel, now=now)
            if found is not None:
                return found
        return head

    async def append(
        self,
        channel: str,
        epoch: str,
        entry: Entry,
        *,
        expires_at: int,
        claim: Claim | None = None,
    ) -> None:
        """Write the publication where nothing is, together with its position under the key."""
        item = items.entry_item(channel, epoch, entry, expires_at=expires_at)
        condition = "attribute_not_exists(pk) OR payload = :payload"
        values = {":payload": item["payload"]}
        if claim is None:  # a transaction would cost twice as much
            try:
                await self._table.put(item, condition=condition, values=values)
            except Refused:
                raise OffsetTaken from None
            return
        refused = await self._table.transact(
            [
                self._table.putting(item, condition=condition, values=values),
                self._table.updating(
                    items.claim_key(claim),
                    "SET log_epoch = :epoch, log_offset = :offset",
                    {
                        ":epoch": {"S": epoch},
                        ":offset": items.number(entry.offset),
                        ":claimant": {"S": claim.token},
                    },
                    condition="claimant = :claimant AND (attribute_not_exists(log_offset)"
                    " OR log_offset = :offset AND log_epoch = :epoch)",
                ),
            ]
        )
        if 1 in refused:
            raise ClaimLost
        if refused:
            raise OffsetTaken

    async def mark_fanned(self, claim: Claim) -> None:
        """Set the mark on a key that has its position."""
        with suppress(Refused):  # it expired and was removed
            await self._table.update(
                items.claim_key(claim),
                "SET fanned = :true",
                {":true": {"BOOL": True}},
                condition="attribute_exists(log_offset)",
            )

    async def head(self, channel: str, *, now: float) -> Head | None:
        """Read the head's row."""
        row = await self._table.get(items.head_key(channel))
        return items.read_head(row) if row and items.is_live(row, int(now)) else None

    async def entries(
        self, channel: str, epoch: str, first: int, last: int, *, now: float, limit: int = 1000
    ) -> Sequence[Entry]:
        """Read the rows between two offsets in one query."""
        descending = first > last
        low, high = sorted((first, last))
        rows = await self._table.query_between(
            items.log_pk(channel),
            (items.entry_sk(epoch, low), items.entry_sk(epoch, high)),
            limit=limit,
            now=int(now),
            descending=descending,
        )
        return [items.read_entry(row) for row in rows]

    async def close_hole(
        self, channel: str, epoch: str, offset: int, *, expires_at: int, at: float
    ) -> bool:
        """Write an entry without payload where nothing is; another's is as good."""
        void = items.entry_item(channel, epoch, Entry(offset, None, at), expires_at=expires_at)
        try:
            await self._table.put(
                void, condition="attribute_not_exists(pk) OR attribute_not_exists(payload)"
            )
        except Refused:
            return False
        return True
