"""A log: what is contiguous, what is missing, and never the one for the other."""

import asyncio
import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, structs

from functions.core import limits
from functions.core.context import Services
from functions.core.errors import ProtocolError
from functions.core.log import HOLES_MAX, Slice
from functions.core.ports import Entry, OffsetTaken
from tests.fake_log import MemoryLog
from tests.fake_rows import Rows
from tests.functions.conftest import START, Clock
from tests.functions.core.conftest import AGE_S, CHANNEL, LaidLog, log_services, offsets, told


async def test_what_has_expired_can_not_be_recovered(log: LaidLog) -> None:
    """At the log's start; it does not matter whether TTL has removed the rows."""
    log.stands(5, moved=START + 50)
    log.holds(1, 2, at=START)
    log.holds(3, 4, 5, at=START + 50)
    log.clock.now = START + AGE_S + 1
    assert await log.recover(1) is None
    assert offsets(await log.recover(2)) == [3, 4, 5]
    assert offsets(await log.page()) == [3, 4, 5]
    with pytest.raises(ProtocolError, match="112"):
        await log.page(1)


async def test_nothing_is_relied_upon_shortly_before_it_expires(log: LaidLog) -> None:
    """Writers' clocks differ: the one after it may be gone already."""
    log.stands(3, moved=START + 50)
    log.holds(1, at=START)
    log.holds(3, at=START + 50)
    log.clock.now = START + AGE_S - limits.EXPIRY_MARGIN_S + 0.1
    assert await log.recover(1) is None
    assert await log.recover(0) is None


async def test_a_log_that_has_expired_altogether_says_so(log: LaidLog) -> None:
    """To all but those who had everything."""
    log.stands(5)
    log.holds(1, 2, 3, 4, 5)
    log.clock.now = START + AGE_S + 1
    assert await log.recover(4) is None
    assert told(await log.recover(5)) == ([], 5, False)
    assert told(await log.page()) == ([], 5, False)


async def test_a_young_hole_is_waited_for(log: LaidLog, rows: Rows) -> None:
    """Its writer may be on the way: the prefix ends there, what is known beyond comes along."""
    log.stands(4)
    log.holds(1, 2, 4)
    log.clock.now += limits.HOLE_TIMEOUT_S - 0.1
    assert told(await log.recover(1)) == ([2, 4], 2, False)
    assert told(await log.recover(2)) == ([4], 2, False)
    assert len(rows.entries) == 3


async def test_an_old_hole_is_closed(log: LaidLog, rows: Rows) -> None:
    """For good: who was to fill it has to take another place."""
    log.stands(4)
    log.holds(1, 2, 4)
    log.clock.now += limits.HOLE_TIMEOUT_S
    assert told(await log.recover(1)) == ([2, 4], 4, False)
    with pytest.raises(OffsetTaken):
        await log.services.store.log.append(
            CHANNEL, "e1", Entry(3, Raw(b"3"), START), expires_at=int(START) + AGE_S
        )
    assert rows.entries[CHANNEL, "e1", 3][0].payload is None
    assert told(await log.recover(2)) == ([4], 4, False)


async def test_a_hole_at_the_end_is_closed_too(log: LaidLog) -> None:
    """Once the head has not moved for so long."""
    log.stands(4, moved=START + 1)
    log.holds(1, 2)
    log.clock.now = START + limits.HOLE_TIMEOUT_S
    assert told(await log.recover(1)) == ([2], 2, False)
    log.clock.now += 1
    assert told(await log.recover(1)) == ([2], 4, False)


async def test_a_hole_before_an_old_publication_is_closed_though_others_come(log: LaidLog) -> None:
    """The head moves all the time on a busy channel."""
    log.stands(6, moved=START + 6)
    log.holds(1, 3, at=START)
    log.holds(4, 6, at=START + 6)
    log.clock.now = START + 6
    assert told(await log.recover(0)) == ([1, 3, 4, 6], 4, False)


async def test_a_closed_hole_goes_with_what_stands_after_it(log: LaidLog) -> None:
    """Outliving it, it would look as if nothing had expired there."""
    log.stands(4, moved=START + 60)
    log.holds(1, 3, at=START)
    log.holds(4, at=START + 60)
    log.clock.now = START + 61
    assert told(await log.recover(1)) == ([3, 4], 4, False)
    log.clock.now = START + AGE_S + 1
    assert await log.recover(1) is None
    assert told(await log.recover(3)) == ([4], 4, False)


async def test_a_hole_is_no_expiry_while_the_one_before_it_is_kept(log: LaidLog) -> None:
    """The position itself still stands in the log, so what follows has not expired."""
    log.stands(4, created=START - 9999)
    log.holds(2, 4)
    log.clock.now += 9
    assert told(await log.recover(2)) == ([4], 4, False)
    assert await log.recover(0) is None


async def test_a_writer_that_is_late_after_all_is_let_in(log: LaidLog) -> None:
    """It comes between reading and closing: read again, and it is there."""

    class Overtaken(MemoryLog):
        """A log whose hole is filled at the last moment."""

        async def close_hole(self, *args: object, **kwargs: object) -> bool:
            log.holds(2)
            return False

    log.stands(3)
    log.holds(1, 3)
    log.clock.now += 9
    log.services = _with_log(log.services, Overtaken(log.rows))
    assert told(await log.recover(0)) == ([1, 2, 3], 3, False)


async def test_a_hole_that_can_neither_be_read_nor_closed_ends_the_prefix(log: LaidLog) -> None:
    """Rather than to be passed over: what has expired is not read any more, and holds its place."""

    class Stubborn(MemoryLog):
        """A log that closes no hole."""

        async def close_hole(self, *args: object, **kwargs: object) -> bool:
            return False

    log.stands(3)
    log.holds(1, 3)
    log.clock.now += 9
    log.services = _with_log(log.services, Stubborn(log.rows))
    assert told(await log.recover(0)) == ([1, 3], 1, False)


async def test_no_reader_closes_more_holes_than_is_bearable(rows: Rows, clock: Clock) -> None:
    """The rest is for the next page."""
    log = LaidLog(rows, log_services(rows, clock, size=1000), clock)
    log.stands(200)
    log.holds(1, 200)
    clock.now += 9
    assert told(await log.recover(0)) == ([1], 1 + HOLES_MAX, True)
    assert len(rows.entries) == 2 + HOLES_MAX


@dataclass
class Truth:
    """One random log: what became of each offset, and when it was taken."""

    kinds: list[str]
    times: list[float]
    sizes: list[int]

    def published(self, after: int, last: int) -> list[int]:
        """Give the offsets of all publications in a part of the log."""
        return [n for n, kind in enumerate(self.kinds, 1) if after < n <= last and kind == "kept"]


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    """Make a log: publications and dead writers, seconds to half a minute apart, in disorder."""
    kinds = draw(st.lists(st.sampled_from(["kept", "kept", "kept", "dead"]), max_size=25))
    gaps = [draw(st.sampled_from([0.0, 0.3, 2.0, 9.0, 30.0])) for _ in kinds]
    late = [draw(st.sampled_from([0.0, 0.0, -1.5])) for _ in kinds]
    times = [at + delay for at, delay in zip(itertools.accumulate(gaps), late, strict=True)]
    return Truth(kinds, times, [draw(st.integers(1, 30)) for _ in kinds])


@given(
    truth=truths(),
    waited=st.sampled_from([0.0, 1.0, 5.0, 20.0, 50.0, 96.0, 100.5, 200.0]),
    removed=st.booleans(),
    data=st.data(),
)
def test_no_partial_list_is_ever_passed_off_as_whole(
    truth: Truth, waited: float, *, removed: bool, data: st.DataObject
) -> None:
    """Whatever was lost, expired or is on its way, and whoever has read before."""
    rows, clock = Rows(), Clock()
    log = LaidLog(rows, log_services(rows, clock, size=10), clock)
    newest = len(truth.kinds)
    times = [START + at for at in truth.times]
    log.stands(newest, created=min(times, default=START), moved=max(times, default=START))
    for offset, (kind, at, size) in enumerate(zip(truth.kinds, times, truth.sizes, strict=True), 1):
        if kind == "kept":
            log.holds(offset, at=at, bytes_each=size)
    for since, limit, bytes_max, pause in data.draw(
        st.lists(
            st.tuples(
                st.integers(0, newest),
                st.integers(1, 12),
                st.integers(1, 200),
                st.sampled_from([0.0, 4.0, 30.0]),
            ),
            min_size=1,
            max_size=4,
        )
    ):
        clock.now = max(clock.now, max(times, default=START) + waited) + pause
        if removed:
            for place in [p for p, (_, ends) in rows.entries.items() if ends <= int(clock.now)]:
                del rows.entries[place]
        found = asyncio.run(log.recover(since, bytes_max=bytes_max))
        if found is None:
            assert _may_be_missing(truth, since, clock.now)
        else:
            _check(truth, since, found, settled=clock.now - max(times, default=START) >= 5)
        try:
            found = asyncio.run(log.page(since, limit=limit))
        except ProtocolError:
            assert _may_be_missing(truth, since, clock.now)
        else:
            _check(truth, since, found, settled=clock.now - max(times, default=START) >= 5)


def _check(truth: Truth, since: int, found: Slice, *, settled: bool) -> None:
    """Judge what was given as whole by what was published."""
    given, end = offsets(found), found.position.offset
    assert [each for each in given if each <= end] == truth.published(since, end)
    assert end >= since
    beyond = [each for each in given if each > end]
    assert not (beyond and found.more)
    assert beyond == sorted(set(beyond) & set(truth.published(end, len(truth.kinds))))
    if settled and not found.more:
        assert end == len(truth.kinds)


def _may_be_missing(truth: Truth, since: int, now: float) -> bool:
    """Say whether something after a position is no longer kept, or can't be shown to be."""
    newest, unsure = len(truth.kinds), now - START - AGE_S + limits.EXPIRY_MARGIN_S + 0.01
    if since == newest or min(truth.times) > unsure:
        return since < newest - 10
    near = [n for n in (since, since + 1) if n > 0]
    shown = any(truth.kinds[n - 1] == "kept" and truth.times[n - 1] > unsure for n in near)
    return since < newest - 10 or not shown


def _with_log(services: Services, log: MemoryLog) -> Services:
    return structs.replace(services, store=structs.replace(services.store, log=log))
