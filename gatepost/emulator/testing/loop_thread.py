"""An event loop in a thread of its own, and waiting from outside for what happens there.

A test may be a plain function or a coroutine; neither shares its loop with the gateway.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

POLL_S: Final = 0.02
"""How often a condition is looked at that depends on something nobody tells of, such as a file."""


class LoopThread:
    """An event loop that runs from the beginning until `close`."""

    def __init__(self, name: str) -> None:
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=[started], name=name, daemon=True)
        self._thread.start()
        started.wait()

    def call(self, coroutine: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Run a coroutine there and wait for its result. Raises what it raises, TimeoutError."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout_s)
        finally:
            future.cancel()

    def run(self, function: Callable[[], T]) -> T:
        """Call a function there and wait for its result."""

        async def running() -> T:
            return function()

        return self.call(running())

    async def call_async(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and await its result in the caller's own loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def close(self) -> None:
        """Cancel what still runs, end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()

    def _run(self, started: threading.Event) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._closing = asyncio.Event()
            self._loop.call_soon(started.set)
            runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        await self._closing.wait()


class Happenings:
    """Wakes those who wait whenever something has happened. Thread-safe."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    def tell(self) -> None:
        """Say that something has happened."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def wait(self, check: Callable[[], T], timeout_s: float, what: Callable[[], str]) -> T:
        """Give what `check` returns as soon as it is true; what it looks up may be missing yet.

        Raises TimeoutError, with the text of `what`, after `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            before = self._count
            if value := _or_none(check):
                return value
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"not within {timeout_s:g} s: {what()}")
            with self._condition:
                self._condition.wait_for(lambda: self._count != before, min(left_s, POLL_S))  # noqa: B023 - called at once

    async def wait_async(
        self, check: Callable[[], T], timeout_s: float, what: Callable[[], str]
    ) -> T:
        """Do the same in a coroutine, whose loop goes on meanwhile."""
        deadline = time.monotonic() + timeout_s
        while not (value := _or_none(check)):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"not within {timeout_s:g} s: {what()}")
            await asyncio.sleep(POLL_S / 4)
        return value


def _or_none(check: Callable[[], T]) -> T | None:
    """Take a missing item, as of a list that is still empty, for something that may come."""
    try:
        return check()
    except LookupError:
        return None
