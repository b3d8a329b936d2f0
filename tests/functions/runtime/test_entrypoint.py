"""The handler that Lambda calls."""

import asyncio
import math
import threading

import pytest

from functions.runtime.entrypoint import STARTING, Event, Handler, Result, time_left_s


class Kept:
    """What an environment keeps, for tests."""

    def __init__(self) -> None:
        self.loops: list[asyncio.AbstractEventLoop] = []
        self.closed = False

    async def close(self) -> None:
        """Note it."""
        self.closed = True


async def note_loop(kept: Kept, event: Event) -> Result:
    """Note the loop, and answer or raise as the event says."""
    kept.loops.append(asyncio.get_running_loop())
    if "raise" in event:
        raise ZeroDivisionError
    return {"loops": kept.loops, "kept": kept}


def test_loop_and_environment_are_kept_between_invocations() -> None:
    """Clients hold open links that live in one loop; a failed invocation changes nothing."""
    made: list[Kept] = []

    def make() -> Kept:
        made.append(Kept())
        return made[-1]

    handler = Handler(note_loop, make)
    assert made == []
    handler({}, None)
    with pytest.raises(ZeroDivisionError):
        handler({"raise": True}, None)
    handler({}, None)
    assert len(made) == 1
    assert len(set(made[0].loops)) == 1
    handler.close()
    assert made[0].closed
    assert made[0].loops[0].is_closed()


def test_in_lambda_the_environment_is_made_while_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There a handler is imported to be called, with all of a processor to begin with."""
    monkeypatch.setenv(STARTING, "on-demand")
    made: list[Kept] = []

    def make() -> Kept:
        made.append(Kept())
        return made[-1]

    handler = Handler(note_loop, make)
    assert len(made) == 1
    assert handler({}, None)["kept"] is made[0]
    assert len(made) == 1
    handler.close()
    assert made[0].closed


def test_an_exception_passes_through_and_is_not_logged_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Lambda logs it with its traceback, and reports the invocation as failed."""
    handler = Handler(note_loop, Kept)
    with pytest.raises(ZeroDivisionError):
        handler({"raise": True}, None)
    assert caplog.text == ""
    handler.close()


def test_an_environment_that_cant_be_made_is_tried_again() -> None:
    """A missing variable fails every invocation, not only the first."""

    def make() -> Kept:
        raise LookupError("TABLE_NAME is not set")

    handler = Handler(note_loop, make)
    for _ in range(2):
        with pytest.raises(LookupError, match="TABLE_NAME"):
            handler({}, None)
    handler.close()


def test_a_handler_runs_in_any_thread() -> None:
    """As where the emulator runs handlers in its own process, beside a loop of its own."""
    handler = Handler(note_loop, Kept)
    results: list[Result] = []

    def work() -> None:
        results.append(handler({}, None))
        results.append(handler({}, None))
        handler.close()

    async def beside_a_running_loop() -> None:
        thread = threading.Thread(target=work)
        thread.start()
        await asyncio.to_thread(thread.join)

    asyncio.run(beside_a_running_loop())
    assert len(results) == 2


def test_a_handler_may_ask_how_long_it_may_take() -> None:
    """Which Lambda's context knows; where there is none, there is no limit."""

    class Context:
        """Lambda's context."""

        def get_remaining_time_in_millis(self) -> int:
            """Give what is left."""
            return 1500

    async def tell(_kept: Kept, _event: Event) -> Result:
        return {"left": time_left_s()}

    handler = Handler(tell, Kept)
    assert handler({}, Context()) == {"left": 1.5}
    assert handler({}) == {"left": math.inf}
    handler.close()
