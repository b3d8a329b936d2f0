"""The clock, and the one that tests move."""

import math
import time

import pytest

from gatepost.gateway.server.clock import MovableClock, steady_clock


def test_it_is_the_time_of_day_and_never_goes_back() -> None:
    """Epoch seconds now, and never less at the next look."""
    clock = steady_clock()
    assert abs(clock() - time.time()) < 5
    looks = [clock() for _ in range(1000)]
    assert looks == sorted(looks)


def test_a_standing_clock_moves_only_when_told() -> None:
    """It shows what it was given and what it was advanced by."""
    clock = MovableClock(standing=1000.0)
    assert (clock(), clock()) == (1000.0, 1000.0)
    clock.advance(600)
    clock.advance(0.5)
    assert clock() == 1600.5


def test_a_moved_clock_goes_on() -> None:
    """Without `standing` it follows the steady clock from wherever it is."""
    clock = MovableClock()
    before = clock()
    clock.advance(7200)
    assert 7200 <= clock() - before < 7260
    assert clock() <= clock()


@pytest.mark.parametrize("seconds", [-1, -math.inf, math.nan])
def test_time_goes_only_forward(seconds: float) -> None:
    """A jump back is a mistake of the test, and changes nothing."""
    clock = MovableClock(standing=1000.0)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(seconds)
    assert clock() == 1000.0
