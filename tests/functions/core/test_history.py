"""What a subscriber missed, where a new one begins, and pages both ways."""

import pytest

from functions.core import history
from functions.core.context import Services
from functions.core.errors import ProtocolError
from functions.core.protocol import Position
from tests.fake_rows import Rows
from tests.functions.conftest import START, Clock
from tests.functions.core.conftest import AGE_S, CHANNEL, LaidLog, log_services, offsets, told


async def test_what_was_missed_comes_whole_and_in_order(log: LaidLog) -> None:
    """From the position on, up to where the log ends."""
    log.stands(5)
    log.holds(3, 1, 2, 5, 4)
    assert told(await log.recover(2)) == ([3, 4, 5], 5, False)
    assert told(await log.recover(5)) == ([], 5, False)
    assert told(await log.recover(0)) == ([1, 2, 3, 4, 5], 5, False)


async def test_a_log_begins_with_its_first_reader(log: LaidLog, rows: Rows) -> None:
    """So that he has a position to recover from."""
    assert told(await history.begin(log.services, CHANNEL, with_last=True, bytes_max=9)) == (
        [],
        0,
        False,
    )
    log.clock.now += 9
    found = await history.begin(log.services, CHANNEL, with_last=False, bytes_max=9)
    assert found.position == rows.heads[CHANNEL][0].position == Position("id-1", 0)


@pytest.mark.parametrize("since", [Position("e2", 2), Position("e1", 6)])
async def test_a_position_of_another_log_recovers_nothing(log: LaidLog, since: Position) -> None:
    """Another epoch, or further than this log ever was; 112 for a page."""
    log.stands(5)
    log.holds(1, 2, 3, 4, 5)
    assert await history.recover(log.services, CHANNEL, since, bytes_max=1000) is None
    with pytest.raises(ProtocolError, match="112"):
        await history.page(log.services, CHANNEL, since=since, limit=9, reverse=False)


async def test_no_more_is_kept_than_the_namespace_says(log: LaidLog) -> None:
    """Ten: whoever missed an eleventh has not recovered, even while its row is there."""
    log.stands(12)
    log.holds(*range(1, 13))
    assert offsets(await log.recover(2)) == list(range(3, 13))
    assert await log.recover(1) is None
    assert offsets(await log.page()) == list(range(3, 13))
    with pytest.raises(ProtocolError, match="112"):
        await log.page(1)


async def test_a_page_ends_at_its_limit_and_leads_to_the_next(log: LaidLog) -> None:
    """Each one exactly where the one before it ended."""
    log.stands(5)
    log.holds(1, 2, 3, 4, 5)
    assert told(await log.page(limit=2)) == ([1, 2], 2, True)
    assert told(await log.page(2, limit=2)) == ([3, 4], 4, True)
    assert told(await log.page(4, limit=2)) == ([5], 5, False)
    assert told(await log.page(0, limit=5)) == ([1, 2, 3, 4, 5], 5, False)


async def test_a_page_whose_limit_falls_on_a_hole_goes_on_after_it(log: LaidLog) -> None:
    """An old one."""
    log.stands(5)
    log.holds(1, 2, 5)
    log.clock.now += 9
    assert told(await log.page(limit=2)) == ([1, 2], 2, True)
    assert told(await log.page(2, limit=2)) == ([5], 5, False)


async def test_a_page_before_a_young_hole_has_no_more(log: LaidLog) -> None:
    """Who is told so waits, instead of asking at once again."""
    log.stands(5)
    log.holds(1, 2, 5)
    assert told(await log.page(1, limit=2)) == ([2, 5], 2, False)


async def test_a_first_page_of_what_is_about_to_expire_leads_on(log: LaidLog) -> None:
    """Nothing of it is given, and the next page has what is kept."""
    log.stands(4, moved=START + 50)
    log.holds(1, 2, at=START)
    log.holds(3, 4, at=START + 50)
    log.clock.now = START + AGE_S - 1
    assert told(await log.page(limit=1)) == ([], 2, True)
    assert told(await log.page(2)) == ([3, 4], 4, False)


async def test_a_list_ends_where_its_bytes_do(log: LaidLog) -> None:
    """Each with its comma; what does not fit is more, even if that is all."""
    log.stands(3)
    log.holds(1, 2, 3, bytes_each=10)
    assert told(await log.recover(0, bytes_max=22)) == ([1, 2], 2, True)
    assert told(await log.recover(0, bytes_max=21)) == ([1], 1, True)
    assert told(await log.recover(1, bytes_max=5)) == ([], 1, True)


async def test_what_lies_beyond_a_hole_is_cut_without_more(log: LaidLog) -> None:
    """It is no part of the prefix, which ended before it."""
    log.stands(4)
    log.holds(1, 3, 4, bytes_each=10)
    assert told(await log.recover(0, bytes_max=22)) == ([1, 3], 1, False)


async def test_a_page_has_a_hundred_at_most(rows: Rows, clock: Clock) -> None:
    """Whatever is asked for; and recovery too."""
    log = LaidLog(rows, log_services(rows, clock, size=1000), clock)
    log.stands(150)
    log.holds(*range(1, 151))
    assert told(await log.page(limit=1000)) == (list(range(1, 101)), 100, True)
    assert told(await log.recover(20)) == (list(range(21, 121)), 120, True)
    assert told(await log.page(limit=1000, reverse=True)) == (
        list(range(150, 50, -1)),
        51,
        True,
    )


async def test_pages_backwards_begin_at_the_newest(log: LaidLog) -> None:
    """Each one before the oldest that the page before it gave; holes are passed over."""
    log.stands(12)
    log.holds(*range(1, 8), *range(9, 13))
    assert told(await log.page(limit=5, reverse=True)) == ([12, 11, 10, 9, 7], 7, True)
    assert told(await log.page(7, limit=3, reverse=True)) == ([6, 5, 4], 4, True)
    assert told(await log.page(4, limit=3, reverse=True)) == ([3], 3, False)
    assert told(await log.page(3, limit=3, reverse=True)) == ([], 3, False)


async def test_pages_backwards_end_where_everything_has_expired(log: LaidLog) -> None:
    """And so does a log without publications."""
    log.stands(0)
    assert told(await log.page(reverse=True)) == ([], 0, False)
    log.stands(4, moved=START + 50)
    log.holds(1, 2)
    log.holds(3, 4, at=START + 50)
    log.clock.now = START + AGE_S + 1
    assert told(await log.page(reverse=True)) == ([4, 3], 3, False)


async def test_a_page_backwards_passes_closed_holes_and_keeps_to_its_bytes(log: LaidLog) -> None:
    """88 KiB of publications of up to 32."""
    log.stands(5)
    log.holds(1, 2, 4, 5, bytes_each=28 * 1024)
    log.clock.now += 9
    await log.recover(2)
    assert told(await log.page(reverse=True)) == ([5, 4, 2], 2, True)


async def test_a_subscriber_begins_where_the_log_ends(log: LaidLog) -> None:
    """Which costs one read while nothing has moved lately."""
    log.stands(5)
    log.clock.now += 9
    found = await history.begin(log.services, CHANNEL, with_last=False, bytes_max=9)
    assert told(found) == ([], 5, False)


async def test_a_subscriber_begins_before_what_is_on_its_way(log: LaidLog) -> None:
    """He would take it for what he has already, and drop it."""
    log.stands(5)
    log.holds(1, 2, 3, 5)
    found = await history.begin(log.services, CHANNEL, with_last=False, bytes_max=9)
    assert told(found) == ([], 3, False)
    log.holds(4)
    found = await history.begin(log.services, CHANNEL, with_last=False, bytes_max=9)
    assert told(found) == ([], 5, False)


async def test_all_that_is_on_its_way_may_be_the_log(log: LaidLog) -> None:
    """Fifty at once, on a channel that has just begun or been quiet for long."""
    log.stands(40)
    found = await history.begin(log.services, CHANNEL, with_last=False, bytes_max=9)
    assert told(found) == ([], 0, False)
    log.stands(40, created=START - 9999)
    found = await history.begin(log.services, CHANNEL, with_last=False, bytes_max=9)
    assert told(found) == ([], 39, False)


async def test_the_last_value_is_found_behind_a_hole(log: LaidLog) -> None:
    """A writer that died leaves the value of before."""
    log.stands(4)
    log.holds(1, 2, 3)
    log.clock.now += 9
    found = await history.begin(log.services, CHANNEL, with_last=True, bytes_max=9)
    assert told(found) == ([3], 4, False)


async def test_a_last_value_that_does_not_fit_is_more(log: LaidLog) -> None:
    """The subscriber reads it with `history`, as any page that goes on."""
    log.stands(4)
    log.holds(1, 2, 3, 4, bytes_each=20)
    found = await history.begin(log.services, CHANNEL, with_last=True, bytes_max=20)
    assert told(found) == ([], 3, True)
    assert told(await log.page(3)) == ([4], 4, False)


async def test_without_history_there_is_no_page(services: Services) -> None:
    """108; and 102 where there is not even a namespace."""
    with pytest.raises(ProtocolError, match="108"):
        await history.page(services, "plain:a", since=None, limit=1, reverse=False)
    with pytest.raises(ProtocolError, match="102"):
        await history.page(services, "none:a", since=None, limit=1, reverse=False)


async def test_who_is_behind_is_told(log: LaidLog) -> None:
    """Another offset or epoch is behind; no history or no log is not."""
    log.stands(5)
    positions = {CHANNEL: Position("e1", 4), "plain:a": Position("e1", 4)}
    assert await history.behind(log.services, positions) == [CHANNEL]
    positions = {CHANNEL: Position("e2", 5), "log:other": Position("e1", 4)}
    assert await history.behind(log.services, positions) == [CHANNEL]
    assert await history.behind(log.services, {CHANNEL: Position("e1", 5)}) == []
