"""What counts as work after the response, and what does not."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from gatepost.gateway.core.inputs import Returned
from gatepost.gateway.runner.background import (
    CPU_S_MAX,
    MEASURED_S,
    QUIET_AFTER_S,
    Background,
    cpu_s,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from gatepost.gateway.core.deployment import Function
    from gatepost.gateway.runner.output import Output
    from gatepost.gateway.runner.pool import WorkerRunner

    Start = Callable[..., Awaitable[WorkerRunner]]
    MakeFunction = Callable[..., Function]
    Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]


class Watched:
    """A watched worker with a clock of its own and CPU time that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.cpu: float | None = 0.0
        self.warnings: list[str] = []
        self._timers: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []
        self.background = Background(
            "chat", set(), lambda output: self.warnings.append(output.line), lambda _pid: self.cpu
        )

    def free(self) -> None:
        """An invocation ends."""
        self.background.free(1, self.now, self._later)

    def _later(self, delay: float, call: Callable[..., None], *arguments: object) -> None:
        self._timers.append((self.now + delay, call, arguments))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while due := [timer for timer in self._timers if timer[0] <= until]:
            timer = min(due, key=lambda one: one[0])
            self._timers.remove(timer)
            self.now = timer[0]
            timer[1](*timer[2])
        self.now = until


@pytest.fixture
def watched() -> Watched:
    """A worker whose invocation has just ended."""
    watched = Watched()
    watched.free()
    return watched


def test_output_long_after_the_end_is_told_once(watched: Watched) -> None:
    """With what Lambda does to it."""
    watched.wait(QUIET_AFTER_S * 2)
    for _ in range(2):
        watched.background.printed(1, watched.now)
    assert watched.warnings == [
        (
            "Lambda would freeze this: it printed while no invocation ran. "
            "It goes on with the next invocation, or never."
        )
    ]


def test_output_just_after_the_end_may_be_the_handlers(watched: Watched) -> None:
    """A pipe is read later than an answer."""
    watched.wait(QUIET_AFTER_S / 2)
    watched.background.printed(1, watched.now)
    assert watched.warnings == []


def test_output_of_an_invocation_is_not_told(watched: Watched) -> None:
    """However long the worker was free before."""
    watched.wait(60)
    watched.background.busy()
    watched.background.printed(1, watched.now)
    assert watched.warnings == []


def test_cpu_time_in_a_pause_is_told_once(watched: Watched) -> None:
    """Measured after the handler's own tidying up."""
    watched.wait(QUIET_AFTER_S)
    watched.cpu = CPU_S_MAX * 2
    watched.wait(MEASURED_S)
    watched.free()
    watched.wait(QUIET_AFTER_S)
    watched.cpu = CPU_S_MAX * 4
    watched.wait(MEASURED_S)
    [warning] = watched.warnings
    assert "it used 100 ms of CPU within a second while no invocation ran" in warning


@pytest.mark.parametrize("used", [0.0, CPU_S_MAX, None])
def test_little_cpu_time_is_nobodys_work(watched: Watched, used: float | None) -> None:
    """Nor is what the system does not tell."""
    watched.wait(QUIET_AFTER_S)
    watched.cpu = used
    watched.wait(MEASURED_S)
    assert watched.warnings == []


def test_cpu_time_of_an_invocation_in_between_is_not_told(watched: Watched) -> None:
    """The measure begins anew in the next pause, and only then."""
    watched.wait(QUIET_AFTER_S)
    watched.background.busy()
    watched.cpu = 10.0
    watched.wait(MEASURED_S / 2)
    watched.free()
    watched.wait(10)
    assert watched.warnings == []


def test_the_cpu_time_of_a_process_is_read_where_the_system_tells() -> None:
    """Of one that has gone, nothing is known."""
    used = cpu_s(os.getpid())
    assert used is None or used > 0
    assert cpu_s(2**22 + 1) is None


HANDLERS = """
import concurrent.futures, threading

pool = concurrent.futures.ThreadPoolExecutor()
last = threading.Event()

def handler(event, context):
    match event:
        case "thread":
            threading.Thread(target=last.wait, name="the forgotten").start()
        case "daemon":
            threading.Thread(target=last.wait, daemon=True).start()
        case "executor":
            pool.submit(int).result()
        case "joined":
            thread = threading.Thread(target=int)
            thread.start()
            thread.join()
    return "returned"
"""


@pytest.mark.parametrize(
    ("event", "told"), [("thread", True), ("daemon", False), ("executor", False), ("joined", False)]
)
async def test_a_thread_that_a_python_handler_leaves_is_told(
    *,
    start: Start,
    function: MakeFunction,
    outputs: list[Output],
    tmp_path: Path,
    event: str,
    told: bool,
) -> None:
    """By its name; not daemons, which mostly wait, and not the workers of an executor."""
    (tmp_path / "module.py").write_text(HANDLERS)
    runner = await start(function("module.handler", name="chat", code_root=tmp_path))
    for _ in range(2):
        outcome = await runner.invoke("chat", json.dumps(event).encode())
        assert outcome == Returned(b'"returned"')
    warnings = [output.line for output in outputs if output.stream == "warning"]
    assert len(warnings) == told
    assert not told or "thread 'the forgotten'" in warnings[0]
    await runner.reload()
    await runner.invoke("chat", json.dumps(event).encode())
    warnings = [output.line for output in outputs if output.stream == "warning"]
    assert len(warnings) == 2 * told


async def test_a_worker_that_prints_while_it_is_free_is_told(
    *,
    start: Start,
    function: MakeFunction,
    outputs: list[Output],
    tmp_path: Path,
    eventually: Eventually,
) -> None:
    """Here a daemon, which is not told by itself."""
    (tmp_path / "module.py").write_text(
        "import threading, time\n"
        "def chatter():\n"
        "    while True:\n"
        "        print('tick')\n"
        "        time.sleep(0.05)\n"
        "def handler(event, context):\n"
        "    threading.Thread(target=chatter, daemon=True).start()\n"
    )
    runner = await start(function("module.handler", name="chat", code_root=tmp_path))
    await runner.invoke("chat", b"{}")
    warning = await eventually(lambda: next((o for o in outputs if o.stream == "warning"), None))
    assert "it printed while no invocation ran" in warning.line
