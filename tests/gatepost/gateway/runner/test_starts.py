"""Whose turn it is to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.gateway.runner.starts import Starts

if TYPE_CHECKING:
    from gatepost.gateway.runner.starts import Start


def idle(last_used: float = 0.0) -> tuple[bool, float]:
    """Nobody waits for it."""
    return False, last_used


def turns(*starts: Start) -> list[bool]:
    """Say which may start."""
    return [start.turn.is_set() for start in starts]


def test_as_many_start_at_once_as_are_allowed() -> None:
    """The next one, when one has ended; ending twice frees one place."""
    starts = Starts(2)
    a, b, c, d = (starts.ask(idle) for _ in range(4))
    assert turns(a, b, c, d) == [True, True, False, False]
    a.end()
    a.end()
    assert sum(turns(c, d)) == 1


def test_the_function_used_last_comes_first() -> None:
    """After a save, that is the one in use."""
    starts = Starts(1)
    first = starts.ask(idle)
    old, new = starts.ask(lambda: idle(1.0)), starts.ask(lambda: idle(2.0))
    first.end()
    assert turns(old, new) == [False, True]


def test_a_start_that_somebody_waits_for_waits_for_nobody() -> None:
    """Also when the one who waits comes later than the start."""
    starts = Starts(1)
    waited_for: list[str] = []
    first, other = starts.ask(idle), starts.ask(idle)
    wanted = starts.ask(lambda: (bool(waited_for), 0.0))
    assert turns(first, other, wanted) == [True, False, False]
    waited_for.append("message")
    starts.review()
    assert turns(first, other, wanted) == [True, False, True]


def test_a_start_that_is_given_up_leaves_its_place_to_others() -> None:
    """Whoever awaits its turn goes on, and sees for itself that it has been stopped."""
    starts = Starts(1)
    first, second, third = (starts.ask(idle) for _ in range(3))
    second.end()
    assert turns(first, second, third) == [True, True, False]
    first.end()
    assert turns(third) == [True]
