"""Functions to run, runners that are closed in any case, and what they printed."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatepost.gateway.core.deployment import Function
from gatepost.gateway.runner.in_process import InProcessRunner
from gatepost.gateway.runner.pool import WorkerRunner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from gatepost.gateway.runner.output import Output

PROJECT = Path(__file__).parents[3] / "fixtures" / "runner"
PATIENCE_S = 10.0


@pytest.fixture
def function() -> Callable[..., Function]:
    """Make a function from a handler string; a bare name means one of handlers.py."""

    def make(handler: str, **changes: Any) -> Function:  # noqa: ANN401 - fields of Function
        fields = {"code_root": PROJECT, "runtime": "python3.13", "name": handler, **changes}
        return Function(handler=handler if "." in handler else f"handlers.{handler}", **fields)

    return make


@pytest.fixture
def project() -> Path:
    """Give the folder that the functions are in."""
    return PROJECT


@pytest.fixture
def python() -> Path:
    """Give the interpreter for workers."""
    return Path(sys.executable)


@pytest.fixture
def outputs() -> list[Output]:
    """Collect what workers print."""
    return []


@pytest.fixture
async def start(
    outputs: list[Output], python: Path
) -> AsyncIterator[Callable[..., Awaitable[WorkerRunner]]]:
    """Start a WorkerRunner for some functions, and close it in the end."""
    started = []

    async def make(*functions: Function, **options: Any) -> WorkerRunner:  # noqa: ANN401
        by_name = {function.name: function for function in functions}
        runner = WorkerRunner(by_name, python=python, on_output=outputs.append, **options)
        started.append(runner)
        await runner.start()
        return runner

    yield make
    for runner in started:
        await runner.close()


@pytest.fixture(params=["worker processes", "in process"])
async def start_any(
    request: pytest.FixtureRequest,
    start: Callable[..., Awaitable[WorkerRunner]],
    start_in_process: Callable[..., Awaitable[InProcessRunner]],
) -> Callable[..., Awaitable[WorkerRunner | InProcessRunner]]:
    """Start a runner of either kind."""
    return start if request.param == "worker processes" else start_in_process


@pytest.fixture
async def start_in_process(
    outputs: list[Output],
) -> AsyncIterator[Callable[..., Awaitable[InProcessRunner]]]:
    """Start an InProcessRunner for some functions, and close it in the end."""
    started = []

    async def make(*functions: Function, **options: Any) -> InProcessRunner:  # noqa: ANN401
        by_name = {function.name: function for function in functions}
        runner = InProcessRunner(by_name, on_output=outputs.append, **options)
        started.append(runner)
        await runner.start()
        return runner

    yield make
    for runner in started:
        await runner.close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Awaitable[Any]]:
    """Poll until a condition gives something true, and return that; fail after a deadline."""

    async def poll(condition: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the condition gives
        deadline = time.monotonic() + PATIENCE_S
        while not (result := condition()):
            if time.monotonic() > deadline:
                pytest.fail("what was waited for did not happen")
            await asyncio.sleep(0.005)
        return result

    return poll


@pytest.fixture
def printed(
    outputs: list[Output], eventually: Callable[[Callable[[], Any]], Awaitable[Any]]
) -> Callable[[str], Awaitable[Output]]:
    """Wait for an output whose line contains a text."""

    async def wait(text: str) -> Output:
        found: Output = await eventually(
            lambda: next((output for output in outputs if text in output.line), None)
        )
        return found

    return wait


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Path]:
    """Make a FIFO that the handler `waits` can wait on."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    yield path
    path.unlink()
