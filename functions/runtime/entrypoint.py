"""A Lambda handler over one kept event loop and one kept environment.

Lambda calls a plain function, one invocation at a time. Clients with open connections are worth
keeping between invocations, and they live in an event loop: so that is kept too.
"""

import asyncio
import atexit
import math
import os
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from functions.runtime.logs import RecordFields, show_logs

STARTING: Final = "AWS_LAMBDA_INITIALIZATION_TYPE"
"""Set by Lambda, in which a handler is imported to be called."""

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
    """What Lambda calls: runs `handle` with what `make_kept` made, once for all invocations.

    In Lambda that is at once, while the environment starts with all of a processor and a snapshot
    may be taken; elsewhere at the first invocation. All invocations must come from one thread, as
    Lambda's and those of the emulator's runners do. What `handle` raises passes through: Lambda
    logs it with its traceback and reports the invocation as failed.
    """

    def __init__(
        self, handle: Callable[[Kept, Event], Awaitable[Result]], make_kept: Callable[[], Kept]
    ) -> None:
        self._handle = handle
        self._make_kept = make_kept
        self._made: tuple[Kept, asyncio.AbstractEventLoop, RecordFields] | None = None
        if STARTING in os.environ:
            self._make()

    def __call__(self, event: Event, context: object = None) -> Result:
        """Serve one invocation."""
        kept, loop, fields = self._made or self._make()
        fields.begin(event)
        _context.set(context)
        return loop.run_until_complete(self._run(kept, event))

    def close(self) -> None:
        """Close what is kept; at the end of the process this is done by itself."""
        atexit.unregister(self.close)
        if self._made is not None:
            kept, loop, _ = self._made
            loop.run_until_complete(kept.close())
            loop.close()
        self._made = None

    def _make(self) -> tuple[Kept, asyncio.AbstractEventLoop, RecordFields]:
        fields = show_logs(os.environ)
        self._made = self._make_kept(), asyncio.new_event_loop(), fields
        atexit.register(self.close)
        return self._made

    async def _run(self, kept: Kept, event: Event) -> Result:
        return await self._handle(kept, event)
