"""The clock."""

import time

from gatepost.gateway.server.clock import steady_clock


def test_it_is_the_time_of_day_and_never_goes_back() -> None:
    """Epoch seconds now, and never less at the next look."""
    clock = steady_clock()
    assert abs(clock() - time.time()) < 5
    looks = [clock() for _ in range(1000)]
    assert looks == sorted(looks)
