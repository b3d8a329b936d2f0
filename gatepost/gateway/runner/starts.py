"""Who may start when: inits that nobody waits for take turns, so that the others are quick.

After a save every function starts anew. All inits at once would share the cores, and the one that
a message waits for would end last.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Urgency = Callable[[], tuple[bool, float]]
    """Whether somebody waits, and when the function was last used (the loop's time)."""


class Starts:
    """Lets `at_once` starts run that nobody waits for; a start that somebody waits for runs."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._running: set[Start] = set()
        self._waiting: list[Start] = []

    def ask(self, urgency: Urgency) -> Start:
        """Ask for a turn; it may have come when this returns."""
        start = Start(self, urgency)
        self._waiting.append(start)
        self.review()
        return start

    def end(self, start: Start) -> None:
        """Take note that a start is over, or that its turn is no longer wanted."""
        self._running.discard(start)
        if start in self._waiting:
            self._waiting.remove(start)
        self.review()

    def review(self) -> None:
        """Look again who may start: somebody waits now, or a turn is free."""
        if not self._waiting:
            return
        for start in sorted(self._waiting, key=lambda start: start.urgency(), reverse=True):
            wanted, _ = start.urgency()
            if wanted or len(self._running) < self._at_once:
                self._waiting.remove(start)
                self._running.add(start)
                start.turn.set()


class Start:
    """One start: `turn` is set when it may run; `end` ends it, whether it ran or not."""

    def __init__(self, starts: Starts, urgency: Urgency) -> None:
        self.turn = asyncio.Event()
        self.urgency = urgency
        self._starts = starts

    def end(self) -> None:
        """Give the turn back. May be repeated."""
        self._starts.end(self)
        self.turn.set()
