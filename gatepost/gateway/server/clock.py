"""The gateway's clock."""

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
