"""Deadlines come up in order, once, unless cancelled or moved."""

from math import inf
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gatepost.gateway.core.deadlines import Deadlines

if TYPE_CHECKING:
    from gatepost.gateway.core.deadlines import Key

KEYS = st.integers(0, 20)
MOMENTS = st.integers(0, 100).map(float)


class DeadlinesModel(RuleBasedStateMachine):
    """The same changes, made to a plain dict."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlines = Deadlines()
        self.model: dict[Key, float] = {}

    @rule(key=KEYS, at=MOMENTS)
    def set(self, key: int, at: float) -> None:
        """Set or move."""
        self.deadlines.set(key, at)
        self.model[key] = at

    @rule(key=KEYS)
    def cancel(self, key: int) -> None:
        """Cancel, whether set or not."""
        self.deadlines.cancel(key)
        self.model.pop(key, None)

    @rule(now=MOMENTS)
    def pop_due(self, now: float) -> None:
        """Take everything that is due, the earliest first."""
        popped: list[float] = []
        while (key := self.deadlines.pop_due(now)) is not None:
            popped.append(self.model.pop(key))
        assert popped == sorted(popped)
        assert all(at > now for at in self.model.values())

    @invariant()
    def next_is_the_nearest(self) -> None:
        """The nearest moment is known, infinity when there is none."""
        assert self.deadlines.next_at() == min(self.model.values(), default=inf)
        assert len(self.deadlines) == len(self.model)


TestDeadlines = DeadlinesModel.TestCase


def test_a_hundred_thousand_finished_invocations_leave_little_behind() -> None:
    """Memory is bounded by what is live, behind a deadline that stays on top too."""
    deadlines = Deadlines()
    deadlines.set("early", 1.0)
    for number in range(100_000):
        deadlines.set(number, 30.0)
        deadlines.cancel(number)
    assert len(deadlines) == 1
    assert len(deadlines._heap) < 100  # noqa: SLF001 - what is bounded can't be seen from outside
