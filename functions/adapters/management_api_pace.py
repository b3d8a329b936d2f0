"""How fast a sender may go: a given rate, and less while many connections are throttled (429).

429 says either that the account's bucket is empty or that one client reads too slowly (B-203); how
many connections answer it tells them apart. Decides only: who waits does so elsewhere.
"""

from collections.abc import Callable
from typing import Final

WINDOW_S: Final = 0.5
"""What was seen counts for one to two windows; the rate changes once in each at most."""

MANY: Final = 3
MANY_SHARE: Final = 0.05
"""So many connections, and such a share of what was sent, are many. A smaller share gets through by
its repetitions: four of them in a row hit 429 less than once in 100,000 sends."""

RATE_MIN: Final = 50.0
"""Sends per second, however often the rate is halved."""

RECOVERY_STEPS: Final = 10
"""Windows in which the rate would grow from nothing to what it was; a halving lasts for half."""

BURST_S: Final = 0.01
"""So far ahead of the rate a send needs no wait: a timer for each would cost more than the send."""

MEASURED_S_MIN: Final = 0.05


class Pace:
    """The pace of one sender; `clock` gives seconds that only grow."""

    def __init__(self, sends_per_second: float | None, clock: Callable[[], float]) -> None:
        self._ceiling = sends_per_second
        self._rate = sends_per_second
        self._clock = clock
        self._goal = 0.0
        self._next_at = 0.0
        self._started_at = self._before_started_at = clock()
        self._begun = self._begun_before = 0
        self._throttled: set[str] = set()
        self._throttled_before: set[str] = set()
        self._slowed_at = float("-inf")

    @property
    def sends_per_second(self) -> float | None:
        """The rate now; None while there is no bound."""
        return self._rate

    def begin(self) -> float:
        """Take a place for one send; give the seconds until it, 0 for at once. Served in order."""
        now = self._clock()
        if now - self._started_at >= WINDOW_S:
            self._turn_window(now)
        self._begun += 1
        self._next_at = max(self._next_at, now)
        delay_s = self._next_at - now
        if self._rate is not None:
            self._next_at += 1 / self._rate
        return delay_s if delay_s > BURST_S else 0.0

    def throttled(self, connection_id: str, retry_after_s: float = 0.0) -> bool:
        """Note a 429; say whether many got one, so that it is nobody's in particular.

        Then the rate is halved, and nothing new begins for `retry_after_s`.
        """
        now = self._clock()
        self._throttled.add(connection_id)
        throttled = len(self._throttled | self._throttled_before)
        begun = self._begun + self._begun_before
        if throttled < max(MANY, MANY_SHARE * begun):
            return False
        if now - self._slowed_at >= WINDOW_S:
            self._slowed_at = now
            measured = begun / max(now - self._before_started_at, MEASURED_S_MIN)
            rate = measured if self._rate is None else self._rate
            self._goal = self._ceiling or max(self._goal, rate)
            self._rate = max(rate / 2, min(rate, RATE_MIN))
        self._next_at = max(self._next_at, now + retry_after_s)
        return True

    def _turn_window(self, now: float) -> None:
        passed = int((now - self._started_at) / WINDOW_S)
        self._recover(passed - (self._slowed_at >= self._started_at))
        lately = passed == 1
        self._begun_before = self._begun if lately else 0
        self._throttled_before = self._throttled if lately else set()
        self._before_started_at = self._started_at if lately else now
        self._begun, self._throttled, self._started_at = 0, set(), now

    def _recover(self, windows: int) -> None:
        if self._rate is None or self._rate == self._ceiling:
            return
        self._rate += windows * self._goal / RECOVERY_STEPS
        if self._rate >= self._goal:
            self._rate, self._goal = self._ceiling, 0.0
