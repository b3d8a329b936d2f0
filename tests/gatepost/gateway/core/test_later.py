"""Actions happen once their moment has come, in order."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.later import Later


def run_due(later: Later, now: float) -> None:
    """Let everything happen that is due."""
    while (action := later.pop_due(now)) is not None:
        action()


@given(moments=st.lists(st.integers(0, 10)), now=st.integers(0, 10))
def test_what_is_due_happens_in_order_and_the_rest_waits(moments: list[int], now: int) -> None:
    """The earliest first; those of one moment as they were put."""
    later, happened = Later(), list[tuple[int, int]]()
    for number, at in enumerate(moments):
        later.put(at, lambda entry=(at, number): happened.append(entry))  # type: ignore[misc] # bound
    run_due(later, now)
    every = sorted((at, number) for number, at in enumerate(moments))
    assert happened == [entry for entry in every if entry[0] <= now]
    assert later.next_at() == min((at for at in moments if at > now), default=inf)
