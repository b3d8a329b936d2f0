"""In-memory stand-in for LogStore, the part of a Store that keeps logs (fakes.py has the rest)."""

from collections.abc import Sequence

from msgspec import structs

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
    Published,
)
from functions.core.protocol import Position
from tests.fake_rows import KeyRow, Rows


class MemoryLog:
    """LogStore in dictionaries."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def claim(self, claim: Claim, *, expires_at: int, now: float) -> ClaimOutcome:
        """Keep the claim unless a younger one or a publication holds the key."""
        row = self._row(claim)
        if row is not None and row.expires_at > int(now):
            if row.position is not None:
                return Published(row.position, row.fanned)
            if row.claimant != claim.token and row.claimed_at > now - limits.CLAIM_TIMEOUT_S:
                return Pending()
        fresh = KeyRow(claim.token, claimed_at=now, expires_at=expires_at)
        self._rows.keys[claim.channel, claim.user, claim.key] = fresh
        return Claimed()

    async def next_position(
        self, channel: str, *, new_epoch: str, expires_at: int, now: float
    ) -> Position:
        """Move the head on."""
        head = await self.begin(channel, new_epoch=new_epoch, expires_at=expires_at, now=now)
        position = Position(head.position.epoch, head.position.offset + 1)
        moved = structs.replace(head, position=position, moved_at=now)
        self._rows.heads[channel] = (moved, expires_at)
        return position

    async def begin(self, channel: str, *, new_epoch: str, expires_at: int, now: float) -> Head:
        """Give the head, or keep one at offset 0."""
        head = await self.head(channel, now=now)
        if head is None:
            head = Head(Position(new_epoch, 0), created_at=now, moved_at=now)
            self._rows.heads[channel] = (head, expires_at)
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
        """Keep the publication where nothing is, and its position under the key."""
        position = Position(epoch, entry.offset)
        row = None if claim is None else self._claimed(claim, position)
        kept = self._rows.entries.get((channel, epoch, entry.offset))
        if kept is not None and kept[0].payload != entry.payload:
            raise OffsetTaken
        self._rows.entries[channel, epoch, entry.offset] = (entry, expires_at)
        if row is not None:
            row.position = position

    async def mark_fanned(self, claim: Claim) -> None:
        """Note it under the key."""
        row = self._row(claim)
        if row is not None and row.position is not None:
            row.fanned = True

    async def head(self, channel: str, *, now: float) -> Head | None:
        """Give the head, if it counts."""
        head, expires_at = self._rows.heads.get(channel, (None, 0))
        return head if expires_at > int(now) else None

    async def entries(
        self, channel: str, epoch: str, first: int, last: int, *, now: float, limit: int = 1000
    ) -> Sequence[Entry]:
        """Give those between, in order."""
        low, high = sorted((first, last))
        found = [
            entry
            for (of_channel, of_epoch, offset), (entry, expires_at) in self._rows.entries.items()
            if (of_channel, of_epoch) == (channel, epoch)
            and low <= offset <= high
            and expires_at > int(now)
        ]
        found.sort(key=lambda entry: entry.offset, reverse=first > last)
        return found[:limit]

    async def close_hole(
        self, channel: str, epoch: str, offset: int, *, expires_at: int, at: float
    ) -> bool:
        """Keep an entry without payload where no publication is."""
        kept = self._rows.entries.get((channel, epoch, offset))
        if kept is not None and kept[0].payload is not None:
            return False
        self._rows.entries[channel, epoch, offset] = (Entry(offset, None, at), expires_at)
        return True

    def _row(self, claim: Claim) -> KeyRow | None:
        return self._rows.keys.get((claim.channel, claim.user, claim.key))

    def _claimed(self, claim: Claim, position: Position) -> KeyRow:
        row = self._row(claim)
        if row is None or row.claimant != claim.token or row.position not in {None, position}:
            raise ClaimLost
        return row
