"""One channel's log at one moment: what is contiguous in it, and what is missing.

Offsets are contiguous from 1. A place without entry is one of three: it has expired (then nothing
before it is left either), its publication is on its way, or its writer died. Such a hole is closed
after HOLE_TIMEOUT_S, so that the log goes on.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import Raw, Struct

from functions.core import limits
from functions.core.context import Services
from functions.core.namespaces import Namespace, namespace_of
from functions.core.ports import Entry, Head
from functions.core.protocol import Position

READ_ATTEMPTS: Final = 3
HOLES_MAX: Final = 25
"""Holes that one reader closes: who asks for more waits no longer."""
TAIL_MAX: Final = 50
"""Places at a log's end in which a publication on its way is looked for."""


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


class Log(Struct, frozen=True):
    """One channel's log at one moment."""

    channel: str
    namespace: Namespace
    head: Head
    now: float

    @property
    def newest(self) -> int:
        """The last offset that was taken."""
        return self.head.position.offset

    @property
    def oldest_kept(self) -> int:
        """The first offset that the namespace's size leaves."""
        return max(1, self.newest - self.namespace.history_size + 1)

    @property
    def settled_at(self) -> float:
        """Whoever took an offset until then has published under it, or never will."""
        return self.now - limits.HOLE_TIMEOUT_S

    @property
    def is_settled(self) -> bool:
        """Whether no publication is on its way."""
        return self.head.moved_at <= self.settled_at

    def is_kept(self, at: float) -> bool:
        """Say whether all that was published at a moment or after it is still there.

        A little less than what is: writers' clocks differ, and the Store counts whole seconds.
        """
        return at + self.namespace.history_age_s - limits.EXPIRY_MARGIN_S > self.now

    def at(self, offset: int) -> Position:
        """Give a position in this log."""
        return Position(self.head.position.epoch, offset)


def head_expires_at(namespace: Namespace, now: float) -> int:
    """Give when a head that moves now stops counting: after all that it counts."""
    return int(now) + namespace.history_age_s + limits.HEAD_OUTLIVES_S


async def open_log(services: Services, channel: str) -> Log:
    """Read a channel's head, putting one where none counts. Raises Conflict."""
    namespace, now = namespace_of(services.namespaces, channel), services.clock()
    head = await services.store.log.head(channel, now=now)
    if head is None:
        head = await services.store.log.begin(
            channel,
            new_epoch=services.new_id(),
            expires_at=head_expires_at(namespace, now),
            now=now,
        )
    return Log(channel, namespace, head, now)


async def _entries(
    services: Services, log: Log, first: int, last: int, *, limit: int
) -> Sequence[Entry]:
    return await services.store.log.entries(
        log.channel, log.head.position.epoch, first, last, now=log.now, limit=limit
    )


async def read_on(services: Services, log: Log, after: int, *, limit: int, bytes_max: int) -> Slice:
    """Read the contiguous part after an offset, closing the holes in it."""
    first = max(after + 1, log.oldest_kept)
    entries: Sequence[Entry] = ()
    start, is_cut = first, False
    for _ in range(READ_ATTEMPTS):
        if first <= log.newest:  # and the one before: while that is kept, nothing has expired
            found = await _entries(services, log, first - 1, log.newest, limit=limit + 1)
            is_cut = len(found) == limit + 1
            start = _first_left(log, found, first, is_cut=is_cut)
            entries = [entry for entry in found if entry.offset >= start][:limit]
        order = _arrange(log, entries, start, is_cut=is_cut)
        if await _close(services, log, order.holes):
            break
    else:  # somebody writes late into what looked like a hole: let him, and end before it
        order = _Order(order.holes[0].offset, (), is_cut=False)
    complete = after + 1 >= log.oldest_kept and start == first
    return _fill(log, entries, order, bytes_max=bytes_max, complete=complete)


async def read_back(services: Services, log: Log, since: Position | None, limit: int) -> Slice:
    """Read what is there before a position, the newest first."""
    last = log.newest + 1 if since is None else since.offset
    entries: Sequence[Entry] = ()
    if last > log.oldest_kept:
        entries = await _entries(services, log, last - 1, log.oldest_kept, limit=limit)
    taken: list[Raw] = []
    left = limits.REPLY_LIST_BYTES_MAX
    for entry in entries:
        left -= len(memoryview(entry.payload or b"")) + 1
        if left < 0:
            break
        last = entry.offset
        if entry.payload is not None:
            taken.append(entry.payload)
    more = left < 0 or (len(entries) == limit and last > log.oldest_kept)
    return Slice(taken, log.at(min(last, log.newest)), more=more, complete=True)


async def read_end(services: Services, log: Log, *, with_last: bool, bytes_max: int) -> Slice:
    """Give where the log ends, before whatever is on its way, and perhaps its last publication."""
    if log.is_settled and not with_last:
        return Slice((), log.head.position, more=False, complete=True)
    first = max(1, log.newest - TAIL_MAX + 1)
    tail = await _entries(services, log, first, log.newest, limit=TAIL_MAX)
    order = _arrange(log, tail, _first_left(log, tail, first, is_cut=False), is_cut=False)
    last = [entry for entry in tail if entry.payload is not None][-1:] if with_last else []
    return _fill(log, last, order, bytes_max=bytes_max, complete=True)


def _first_left(log: Log, found: Sequence[Entry], first: int, *, is_cut: bool) -> int:
    """Give the first offset, from `first` on, before which nothing else can have expired."""
    if log.is_kept(log.head.created_at):
        return first
    for entry in found:
        if log.is_kept(entry.at):
            return max(first, entry.offset)
    if is_cut:
        return max(first, found[-1].offset + 1)
    return max(first, log.newest + 1 if log.is_settled else log.newest)


class _Order(Struct, frozen=True):
    """How entries follow one another: without a gap to before `end`.

    `holes` are the places between that nobody will fill any more. `is_cut` says that the log goes
    on at `end` rather than having a gap there.
    """

    end: int
    holes: Sequence[Entry]
    is_cut: bool


def _arrange(log: Log, entries: Sequence[Entry], start: int, *, is_cut: bool) -> _Order:
    """Find the gaps between the entries from `start` to the log's end."""
    settled = [entry.offset for entry in entries if entry.at <= log.settled_at]
    last_settled = log.newest if log.is_settled else max(settled, default=0)
    expected, holes = start, list[Entry]()
    for entry in entries:
        if entry.offset > expected and entry.offset > last_settled:
            return _end(expected, holes, is_cut=False)
        holes += _holes(expected, entry.offset, entry.at)
        expected = max(expected, entry.offset + 1)
    if is_cut and expected <= log.newest:
        return _end(expected, holes, is_cut=True)
    if not log.is_settled:
        return _end(expected, holes, is_cut=False)
    holes += _holes(expected, log.newest + 1, log.head.moved_at)
    return _end(log.newest + 1, holes, is_cut=False)


def _holes(first: int, end: int, at: float) -> list[Entry]:
    """Make what closes holes: they expire with what stands after them, lest they outlive it."""
    return [Entry(offset, None, at) for offset in range(first, end)]


def _end(end: int, holes: Sequence[Entry], *, is_cut: bool) -> _Order:
    if len(holes) > HOLES_MAX:
        return _Order(holes[HOLES_MAX].offset, holes[:HOLES_MAX], is_cut=True)
    return _Order(end, holes, is_cut=is_cut)


async def _close(services: Services, log: Log, holes: Sequence[Entry]) -> bool:
    """Close holes; False when one of them has a publication after all."""
    closed = await asyncio.gather(
        *(
            services.store.log.close_hole(
                log.channel,
                log.head.position.epoch,
                hole.offset,
                at=hole.at,
                expires_at=int(hole.at) + log.namespace.history_age_s,
            )
            for hole in holes
        )
    )
    return all(closed)


def _fill(
    log: Log, entries: Sequence[Entry], order: _Order, *, bytes_max: int, complete: bool
) -> Slice:
    """Take what fits into `bytes_max`: the contiguous part, then what lies beyond the gap."""
    taken: list[Raw] = []
    left = bytes_max
    for entry in entries:
        if entry.payload is None:
            continue
        left -= len(memoryview(entry.payload)) + 1
        if left < 0 and entry.offset < order.end:
            return Slice(taken, log.at(entry.offset - 1), more=True, complete=complete)
        if left < 0 or (order.is_cut and entry.offset >= order.end):
            break
        taken.append(entry.payload)
    return Slice(taken, log.at(order.end - 1), more=order.is_cut, complete=complete)
