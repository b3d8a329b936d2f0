"""A Lambda handler over one kept event loop and one kept environment.

Lambda calls a plain function, one invocation at a time. Clients with open connections are worth
keeping between invocations, and they live in an event loop: so that is kept too.
"""

import asyncio
import atexit
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Generic, Protocol, TypeAlias, TypeVar

Event: TypeAlias = Mapping[str, object]
Result: TypeAlias = dict[str, object]


class Closable(Protocol):
    """What an execution environment keeps between invocations."""

    async def close(self) -> None:
        """Close what was opened."""
        ...


Kept = TypeVar("Kept", bound=Closable)

_context: ContextVar[object] = ContextVar("_context", default=None)


def time_left_s() -> float:
    """Say how long the invocation that runs may still take; infinite where Lambda sets no limit."""
    remaining_ms = getattr(_context.get(), "get_remaining_time_in_millis", None)
    return math.inf if remaining_ms is None else remaining_ms() / 1000


class Handler(Generic[Kept]):
    """What Lambda calls: runs `handle` with what `make_kept` made at the first invocation.

    Loop and environment belong to the thread of the first invocation, which must make them all;
    Lambda and the emulator's runners do. What `handle` raises passes through: Lambda logs it with
    its traceback and reports the invocation as failed.
    """

    def __init__(
        self, handle: Callable[[Kept, Event], Awaitable[Result]], make_kept: Callable[[], Kept]
    ) -> None:
        self._handle = handle
        self._make_kept = make_kept
        self._loop: asyncio.AbstractEventLoop | None = None
        self._kept: Kept | None = None

    def __call__(self, event: Event, context: object = None) -> Result:
        """Serve one invocation."""
        if self._loop is None or self._kept is None:
            _show_logs()
            self._kept = self._make_kept()
            self._loop = asyncio.new_event_loop()
            atexit.register(self.close)
        _context.set(context)
        return self._loop.run_until_complete(self._run(self._kept, event))

    def close(self) -> None:
        """Close what is kept; at the end of the process this is done by itself."""
        atexit.unregister(self.close)
        if self._loop is not None and self._kept is not None:
            self._loop.run_until_complete(self._kept.close())
            self._loop.close()
        self._loop = self._kept = None

    async def _run(self, kept: Kept, event: Event) -> Result:
        return await self._handle(kept, event)


def _show_logs() -> None:
    """Let INFO lines through; outside Lambda the root logger may have no handler yet."""
    logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("functions").setLevel(logging.INFO)
