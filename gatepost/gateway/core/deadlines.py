"""Moments at which something must happen, the nearest first.

A deadline is never moved inside the heap: an outdated entry is skipped when it comes up. Work per
change is O(log n), and outdated entries never outnumber the live ones by much.
"""

from heapq import heapify, heappop, heappush
from math import inf
from typing import Final

_OUTDATED_MAX: Final = 64

Key = str | int
"""A connection id, or the number of an invocation."""


class Deadlines:
    """One moment (epoch seconds) for each key."""

    __slots__ = ("_heap", "_serial", "_serials")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Key]] = []
        self._serials: dict[Key, int] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._serials)

    def set(self, key: Key, at: float) -> None:
        """Give the key a moment, in place of an earlier one."""
        self._serial += 1
        self._serials[key] = self._serial
        heappush(self._heap, (at, self._serial, key))

    def cancel(self, key: Key) -> None:
        """Take the key's moment away, if it has one."""
        self._serials.pop(key, None)
        if len(self._heap) > 2 * len(self._serials) + _OUTDATED_MAX:
            self._heap = [entry for entry in self._heap if self._is_live(entry)]
            heapify(self._heap)

    def next_at(self) -> float:
        """Return the nearest moment, infinity when there is none."""
        heap = self._heap
        while heap and not self._is_live(heap[0]):
            heappop(heap)
        return heap[0][0] if heap else inf

    def pop_due(self, now: float) -> Key | None:
        """Take out one key whose moment has come, the earliest first; None when there is none."""
        if self.next_at() > now:
            return None
        _, _, key = heappop(self._heap)
        del self._serials[key]
        return key

    def _is_live(self, entry: tuple[float, int, Key]) -> bool:
        return self._serials.get(entry[2]) == entry[1]
