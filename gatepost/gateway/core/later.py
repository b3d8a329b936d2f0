"""What is to happen at a later moment, as faults and the ordering of this run want it."""

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf

Action = Callable[[], None]


class Later:
    """Actions with their moments (epoch seconds); those of one moment keep their order."""

    __slots__ = ("_heap", "_serial")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Action]] = []
        self._serial = 0

    def put(self, at: float, action: Action) -> None:
        """Let the action happen at this moment."""
        self._serial += 1
        heappush(self._heap, (at, self._serial, action))

    def next_at(self) -> float:
        """Return the nearest moment, infinity when there is none."""
        return self._heap[0][0] if self._heap else inf

    def pop_due(self, now: float) -> Action | None:
        """Take out one action whose moment has come, the earliest first; None if there is none."""
        return heappop(self._heap)[2] if self._heap and self._heap[0][0] <= now else None
