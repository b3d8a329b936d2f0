"""Reading a channel's log: the contiguous part after a position, and whether anything is missing.

Offsets are contiguous from 1. A place without entry is a publication on its way, or a hole whose
writer died: after HOLE_TIMEOUT_S it is closed, so that the log goes on.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Raw, Struct

from functions.core import limits
from functions.core.context import Services
from functions.core.errors import NOT_AVAILABLE, UNRECOVERABLE_POSITION, ProtocolError
from functions.core.namespaces import Namespace, namespace_of
from functions.core.ports import Entry, Head
from functions.core.protocol import Position

READ_ATTEMPTS: Final = 3


class Slice(Struct, frozen=True):
    """A part of a log.

    `publications` are as they were sent, in order, up to `position`; then those known beyond a
    place that is still empty. `more` says that the log goes on after `position`. Not `complete`
    means that some of those asked for are no longer kept.
    """

    publications: Sequence[Raw]
    position: Position
    more: bool
    complete: bool


class _Log(Struct, frozen=True):
    """One channel's log at one moment."""

    channel: str
    namespace: Namespace
    head: Head
    now: float

    @property
    def oldest_kept(self) -> int:
        """The first offset that the namespace's size leaves."""
        return max(1, self.head.position.offset - self.namespace.history_size + 1)

    @property
    def nothing_expired(self) -> bool:
        """Whether the whole log is younger than what is kept."""
        return self.head.created_at + self.namespace.history_age_s > self.now


async def position(services: Services, channel: str) -> Position:
    """Give where the log of a channel with history ends, beginning one if there is none."""
    return (await _open(services, channel)).head.position


async def recover(
    services: Services, channel: str, since: Position, *, bytes_max: int
) -> Slice | None:
    """Give what was published after a position; None when that can't be told whole.

    The first contiguous part, of up to `bytes_max` bytes: the rest is `more`.
    """
    log = await _open(services, channel)
    if since.epoch != log.head.position.epoch or since.offset > log.head.position.offset:
        return None
    found = await _read_on(
        services, log, since.offset, limit=limits.HISTORY_PAGE_MAX, bytes_max=bytes_max
    )
    return found if found.complete else None


async def page(
    services: Services, channel: str, *, since: Position | None, limit: int, reverse: bool
) -> Slice:
    """Give up to `limit` publications after a position, or from the oldest kept.

    In `reverse` those before it, or from the newest. Raises ProtocolError: 108 where no history
    is kept, 112 when what was asked for is not kept any more or never was there.
    """
    if not namespace_of(services.namespaces, channel).keeps_history:
        raise ProtocolError(NOT_AVAILABLE, "this namespace keeps no history")
    log = await _open(services, channel)
    if since is not None and not _knows(log, since):
        raise ProtocolError(UNRECOVERABLE_POSITION)
    limit = min(limit, limits.HISTORY_PAGE_MAX)
    if reverse:
        return await _read_back(services, log, since, limit)
    after = log.oldest_kept - 1 if since is None else since.offset
    found = await _read_on(services, log, after, limit=limit, bytes_max=limits.REPLY_LIST_BYTES_MAX)
    if since is not None and not found.complete:
        raise ProtocolError(UNRECOVERABLE_POSITION)
    return found


async def last(services: Services, channel: str) -> Raw | None:
    """Give the newest publication that is kept, if there is one."""
    log = await _open(services, channel)
    found = await _read_back(services, log, None, 1)
    return found.publications[0] if found.publications else None


async def behind(services: Services, positions: Mapping[str, Position]) -> list[str]:
    """Give the channels with history whose log has moved on from these positions."""
    found = []
    for channel, at in positions.items():
        if not namespace_of(services.namespaces, channel).keeps_history:
            continue
        head = await services.store.log.head(channel, now=services.clock())
        if head is not None and head.position != at:
            found.append(channel)
    return found


async def _open(services: Services, channel: str) -> _Log:
    namespace, now = namespace_of(services.namespaces, channel), services.clock()
    head = await services.store.log.head(channel, now=now)
    if head is None:
        head = await services.store.log.begin(
            channel,
            new_epoch=services.new_id(),
            expires_at=head_expires_at(namespace, now),
            now=now,
        )
    return _Log(channel, namespace, head, now)


def head_expires_at(namespace: Namespace, now: float) -> int:
    """Give when a head that moves now stops counting: after all that it counts."""
    return int(now) + namespace.history_age_s + limits.HEAD_OUTLIVES_S


def _knows(log: _Log, since: Position) -> bool:
    head = log.head.position
    return since.epoch == head.epoch and since.offset <= head.offset


async def _read_on(
    services: Services, log: _Log, after: int, *, limit: int, bytes_max: int
) -> Slice:
    """Read the contiguous part after an offset, closing the holes in it."""
    first, epoch = max(after + 1, log.oldest_kept), log.head.position.epoch
    entries: Sequence[Entry] = ()
    for _ in range(READ_ATTEMPTS):
        if first <= log.head.position.offset:
            entries = await services.store.log.entries(
                log.channel, epoch, first, log.head.position.offset, now=log.now, limit=limit
            )
        order = _arrange(log, entries, first, is_cut=len(entries) == limit)
        if await _close(services, log, order.holes):
            break
    else:  # somebody writes late into what looked like a hole: let him, and end before it
        order = _Order(order.start, order.holes[0], (), is_cut=False)
    complete = after + 1 >= log.oldest_kept and order.start == first
    return _fill(log, entries, order, bytes_max=bytes_max, complete=complete)


class _Order(Struct, frozen=True):
    """How entries follow one another: without a gap from `start` to before `end`.

    `holes` are the places between that nobody will fill any more. `is_cut` says that the log goes
    on at `end` rather than having a gap there.
    """

    start: int
    end: int
    holes: Sequence[int]
    is_cut: bool


def _arrange(log: _Log, entries: Sequence[Entry], first: int, *, is_cut: bool) -> _Order:
    """Find the gaps between the entries from `first` to the log's end."""
    newest = log.head.position.offset
    start = expected = first if log.nothing_expired else _first_left(log, entries, first)
    holes: list[int] = []
    settled = log.now - limits.HOLE_TIMEOUT_S
    for entry in entries:
        if entry.offset > expected and entry.at > settled:
            return _Order(start, expected, holes, is_cut=False)
        holes += range(expected, entry.offset)
        expected = entry.offset + 1
    if is_cut and expected <= newest:
        return _Order(start, expected, holes, is_cut=True)
    if log.head.moved_at > settled:
        return _Order(start, expected, holes, is_cut=False)
    return _Order(start, newest + 1, [*holes, *range(expected, newest + 1)], is_cut=False)


def _first_left(log: _Log, entries: Sequence[Entry], first: int) -> int:
    """Give the first offset that has not expired: what is missing before an entry has."""
    if entries:
        return entries[0].offset
    newest = log.head.position.offset
    is_moving = log.head.moved_at > log.now - limits.HOLE_TIMEOUT_S
    return max(first, newest if is_moving else newest + 1)


async def _close(services: Services, log: _Log, holes: Sequence[int]) -> bool:
    """Close holes; False when one of them has a publication after all."""
    expires_at = int(log.now) + log.namespace.history_age_s
    for offset in holes:
        epoch = log.head.position.epoch
        closed = await services.store.log.close_hole(
            log.channel, epoch, offset, expires_at=expires_at, now=log.now
        )
        if not closed:
            return False
    return True


def _fill(
    log: _Log, entries: Sequence[Entry], order: _Order, *, bytes_max: int, complete: bool
) -> Slice:
    """Take what fits into `bytes_max`: the contiguous part, then what lies beyond the gap."""
    taken: list[Raw] = []
    left = bytes_max
    for entry in entries:
        if entry.payload is None or entry.offset < order.start:
            continue
        left -= len(memoryview(entry.payload)) + 1
        if left < 0 and entry.offset < order.end:
            end = Position(log.head.position.epoch, entry.offset - 1)
            return Slice(taken, end, more=True, complete=complete)
        if left < 0 or (order.is_cut and entry.offset >= order.end):
            break
        taken.append(entry.payload)
    end = Position(log.head.position.epoch, order.end - 1)
    return Slice(taken, end, more=order.is_cut, complete=complete)


async def _read_back(services: Services, log: _Log, since: Position | None, limit: int) -> Slice:
    """Read what is there before a position, the newest first."""
    first = log.head.position.offset if since is None else since.offset - 1
    entries: Sequence[Entry] = ()
    if first >= log.oldest_kept:
        entries = await services.store.log.entries(
            log.channel, log.head.position.epoch, first, log.oldest_kept, now=log.now, limit=limit
        )
    taken: list[Raw] = []
    left = limits.REPLY_LIST_BYTES_MAX
    last = first + 1
    for entry in entries:
        left -= len(memoryview(entry.payload or b"")) + 1
        if left < 0:
            break
        last = entry.offset
        if entry.payload is not None:
            taken.append(entry.payload)
    more = bool(entries) and last > log.oldest_kept
    return Slice(taken, Position(log.head.position.epoch, last), more=more, complete=True)
