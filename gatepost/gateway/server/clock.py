"""The gateway's clock, and one that tests move."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Epoch seconds, never going backwards."""


def steady_clock() -> Clock:
    """Return a clock that starts at the time of day and then follows the monotonic clock.

    A correction of the system's time can't end connections or turn time back.
    """
    offset_s = time.time() - time.monotonic()
    return lambda: offset_s + time.monotonic()


class MovableClock:
    """A clock that jumps ahead when told to; after a jump `GatewayServer.tick` rings timers.

    It follows the steady clock, or stands still where `standing` is given: epoch seconds to show.
    """

    def __init__(self, *, standing: float | None = None) -> None:
        self._follows: Clock = steady_clock() if standing is None else lambda: standing
        self._ahead_s = 0.0

    def __call__(self) -> float:
        """Return epoch seconds."""
        return self._follows() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Jump ahead. Raises ValueError for a jump back: the gateway's time never goes there."""
        if not seconds >= 0:
            raise ValueError(f"time can only go forward, not by {seconds} s")
        self._ahead_s += seconds
