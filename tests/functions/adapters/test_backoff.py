"""Waits before repetitions."""

import pytest

from functions.adapters.backoff import FIRST_S, backoff_s


@pytest.mark.parametrize(("attempt", "wait_s"), [(1, FIRST_S), (2, 0.1), (4, 0.4), (5, 0.5)])
def test_the_wait_doubles_up_to_a_bound(attempt: int, wait_s: float) -> None:
    """A quarter less to a quarter more, and not every time the same."""
    waits = [backoff_s(attempt, most_s=0.5) for _ in range(200)]
    assert min(waits) >= wait_s * 0.75
    assert max(waits) <= wait_s * 1.25
    assert max(waits) > wait_s > min(waits)
