"""Worker processes: timeouts, deaths, reloads, output, and that none is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from gatepost.gateway.core.inputs import Failed, NotInvocable, Returned
from gatepost.gateway.runner.options import Options
from gatepost.gateway.runner.pool import WorkerRunner
from tests.orphaned_workers import outliving_workers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gatepost.gateway.core.deployment import Function
    from gatepost.gateway.runner.output import Output

    Start = Callable[..., Awaitable[WorkerRunner]]
    MakeFunction = Callable[..., Function]
    Printed = Callable[[str], Awaitable[Output]]
    Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]

EVENT = b"{}"


async def test_a_handler_past_its_timeout_is_killed_and_the_next_event_is_served(
    start: Start, function: MakeFunction, printed: Printed
) -> None:
    """Lambda's words for it; and the log shows where the handler was."""
    runner = await start(function("sleeps", timeout_s=1.0))
    [first] = runner.pids()["sleeps"]
    began = time.monotonic()
    outcome = await runner.invoke("sleeps", b'{"s": 60}')
    assert time.monotonic() - began < 30
    assert isinstance(outcome, Failed)
    assert outcome.error_type == "Sandbox.Timedout"
    assert re.fullmatch(
        r"RequestId: [-0-9a-f]{36} Error: Task timed out after 1\.00 seconds", outcome.message
    )
    assert await runner.invoke("sleeps", b'{"s": 0}') == Returned(b'"slept"')
    assert runner.pids()["sleeps"] != [first]
    assert (await printed("in sleeps")).pid == first


async def test_a_handler_that_holds_the_interpreter_is_killed_too(
    start: Start, function: MakeFunction, eventually: Eventually
) -> None:
    """A loop without a pause can't keep its process alive."""
    runner = await start(function("spins", timeout_s=0.1))
    [pid] = runner.pids()["spins"]
    outcome = await runner.invoke("spins", EVENT)
    assert isinstance(outcome, Failed)
    await eventually(lambda: not psutil.pid_exists(pid))


async def test_kill_9_in_the_middle_fails_the_invocation_and_the_next_is_served(
    start: Start, function: MakeFunction, printed: Printed, fifo: Path
) -> None:
    """Lambda's words for it."""
    runner = await start(function("waits"))
    event = json.dumps({"fifo": str(fifo)}).encode()
    invocation = asyncio.ensure_future(runner.invoke("waits", event))
    os.kill((await printed("waits")).pid, signal.SIGKILL)
    outcome = await invocation
    assert isinstance(outcome, Failed)
    assert outcome.error_type == "Runtime.ExitError"
    assert re.fullmatch(
        r"RequestId: [-0-9a-f]{36} Error: Runtime exited with error: signal: killed",
        outcome.message,
    )
    invocation = asyncio.ensure_future(runner.invoke("waits", event))
    await asyncio.to_thread(fifo.write_text, "served")
    assert await invocation == Returned(b'"served"')


@pytest.mark.parametrize(
    ("handler", "kind", "words"),
    [
        ("exits", "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"),
        ("vanishes", "Runtime.ExitError", "Error: Runtime exited without providing a reason"),
        ("interrupts", "KeyboardInterrupt", "from the handler"),
    ],
)
async def test_a_handler_that_ends_its_process_is_reported(
    *, start: Start, function: MakeFunction, handler: str, kind: str, words: str
) -> None:
    """With the exit status, where Lambda gives it."""
    runner = await start(function(handler))
    outcome = await runner.invoke(handler, EVENT)
    assert isinstance(outcome, Failed)
    assert outcome.error_type == kind
    assert outcome.message.endswith(words)


async def test_a_worker_that_died_while_free_is_replaced_at_the_next_invocation(
    start: Start, function: MakeFunction, eventually: Eventually
) -> None:
    """Not before: a process that dies by itself must not be restarted in a loop."""
    runner = await start(function("pid"))
    [pid] = runner.pids()["pid"]
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not runner.pids()["pid"])
    outcome = await runner.invoke("pid", EVENT)
    assert isinstance(outcome, Returned)
    assert int(outcome.payload) != pid


async def test_a_process_that_ends_during_init_is_remembered_not_restarted(
    start: Start, function: MakeFunction
) -> None:
    """A module that exits fails each invocation at once, without a new process."""
    runner = await start(function("exits_at_import.handler", name="chat"))
    outcome = await runner.invoke("chat", EVENT)
    assert isinstance(outcome, Failed)
    assert outcome.error_type == "Runtime.ExitError"
    assert outcome.message == (
        "Runtime exited with error: exit status 7, while function 'chat' was loaded"
    )
    assert runner.pids() == {"chat": []}


async def test_an_init_that_does_not_end_is_killed(start: Start, function: MakeFunction) -> None:
    """The limit is the init's and the function's timeout together."""
    chat = function("hangs_at_import.handler", name="chat", timeout_s=0.1)
    runner = await start(chat, options=Options(init_s=0.1))
    assert await runner.invoke("chat", EVENT) == Failed(
        "Sandbox.Timedout", "Init of function 'chat' took longer than 0.20 seconds"
    )


async def test_a_missing_interpreter_or_folder_is_named(
    function: MakeFunction, tmp_path: Path, python: Path
) -> None:
    """What can't be started is the outcome, not an exception."""
    cases = [
        (function("echo"), tmp_path / "no-python", "no-python"),
        (function("echo", code_root=tmp_path / "no-folder"), python, "no-folder"),
    ]
    for echo, interpreter, word in cases:
        runner = WorkerRunner({"echo": echo}, python=interpreter)
        await runner.start()
        outcome = await runner.invoke("echo", EVENT)
        await runner.close()
        assert isinstance(outcome, Failed)
        assert outcome.error_type == "Runtime.StartError"
        assert word in outcome.message


async def test_reload_lets_a_running_invocation_end_and_serves_others_anew(
    *, start: Start, function: MakeFunction, printed: Printed, eventually: Eventually, fifo: Path
) -> None:
    """None is lost: the running one, one that was queued, one that comes during the reload."""
    runner = await start(function("waits"), workers_max=1)
    second = fifo.with_name("second")  # old and new worker read at the same time
    os.mkfifo(second)
    events = [json.dumps({"fifo": str(path)}).encode() for path in (fifo, second)]
    running = asyncio.ensure_future(runner.invoke("waits", events[0]))
    old = (await printed("waits")).pid
    queued = asyncio.ensure_future(runner.invoke("waits", events[1]))
    gate = await asyncio.to_thread(fifo.open, "w")
    reload = asyncio.create_task(runner.reload())
    await reload
    assert not running.done()
    with gate:
        gate.write("old")
    assert await running == Returned(b'"old"')
    await asyncio.to_thread(second.write_text, "new")
    assert await queued == Returned(b'"new"')
    [new] = runner.pids()["waits"]
    assert new != old
    await eventually(lambda: not psutil.pid_exists(old))


async def test_a_cancelled_invocation_runs_on_and_its_answer_reaches_nobody_else(
    start: Start, function: MakeFunction, printed: Printed, fifo: Path
) -> None:
    """The worker is free again when its handler has ended, and not before."""
    runner = await start(function("waits"), function("echo"), workers_max=1)
    event = json.dumps({"fifo": str(fifo)}).encode()
    given_up = asyncio.ensure_future(runner.invoke("waits", event))
    await printed("waits")
    skipped = asyncio.ensure_future(runner.invoke("waits", event))
    kept = asyncio.ensure_future(runner.invoke("waits", b'{"fifo": "/dev/null"}'))
    await asyncio.sleep(0)  # both are queued now
    for task in (given_up, skipped):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with await asyncio.to_thread(fifo.open, "w") as gate:
        await runner.invoke("echo", EVENT)
        assert not kept.done()
        gate.write("late")
    assert await kept == Returned(b'""')


async def test_closing_ends_every_process_and_what_handlers_started(
    *, start: Start, function: MakeFunction, printed: Printed, eventually: Eventually, fifo: Path
) -> None:
    """Free workers, busy ones, and children of handlers; exit handlers run in free ones."""
    functions = [function(name) for name in ("says_goodbye", "waits", "has_child")]
    runner = await start(*functions)
    await runner.invoke("says_goodbye", EVENT)
    child = await runner.invoke("has_child", EVENT)
    event = json.dumps({"fifo": str(fifo)}).encode()
    running = asyncio.ensure_future(runner.invoke("waits", event))
    await printed("waits")
    pids = [pid for pids in runner.pids().values() for pid in pids]
    assert len(pids) == 3
    assert isinstance(child, Returned)
    await runner.close()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    await eventually(lambda: not _runs(int(child.payload)))
    assert isinstance(await running, Failed)
    await printed("goodbye")


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_closing_while_workers_start_leaves_none(function: MakeFunction) -> None:
    """Also in the moment between asking for a process and having it."""
    functions = {name: function(name) for name in ("echo", "pid", "count")}
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    for turns in range(4):
        runner = WorkerRunner(functions, python=Path(sys.executable))
        starting = asyncio.create_task(runner.start())
        for _ in range(turns):
            await asyncio.sleep(0)
        early = asyncio.ensure_future(runner.invoke("echo", EVENT))
        await asyncio.sleep(0)
        await runner.close()
        await asyncio.wait_for(starting, 5)
        assert isinstance(await early, Failed | NotInvocable)
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_workers_exit_by_themselves_when_their_runner_is_killed(project: Path) -> None:
    """Also one whose handler never ends."""
    assert outliving_workers(project, runtime="python3.13", idle="echo", within_s=5) == []


async def test_workers_are_out_of_reach_of_ctrl_c(start: Start, function: MakeFunction) -> None:
    """They lead process groups of their own, run in the code root and import from it."""
    echo = function("show_process")
    runner = await start(echo)
    outcome = await runner.invoke("show_process", EVENT)
    assert isinstance(outcome, Returned)
    root = str(echo.code_root)
    assert json.loads(outcome.payload) == {"path": root, "cwd": root, "group": True}


async def test_what_a_handler_prints_is_attributed_line_by_line(
    start: Start, function: MakeFunction, outputs: list[Output], printed: Printed
) -> None:
    """Streams are told apart, long lines are cut, a last line needs no end."""
    runner = await start(function("prints"))
    [pid] = runner.pids()["prints"]
    assert await runner.invoke("prints", EVENT) == Returned(b"null")
    await printed("to stderr")
    await runner.close()
    await printed("without end")
    assert {(output.function, output.pid) for output in outputs} == {("prints", pid)}
    lines = [output.line for output in outputs if output.stream == "stdout"]
    assert lines[0] == "to stdout: grüezi"
    assert lines[1].endswith("y [cut]")
    assert lines[2:] == ["without end"]
    assert [o.line for o in outputs if o.stream == "stderr"] == ["to stderr"]


async def test_logging_is_set_up_as_on_lambda(
    start: Start, function: MakeFunction, printed: Printed
) -> None:
    """Level, UTC time, request id and message, separated by tabs."""
    runner = await start(function("logs"))
    outcome = await runner.invoke("logs", EVENT)
    assert isinstance(outcome, Returned)
    line = (await printed("joined lobby")).line
    level, moment, request_id, message = line.split("\t")
    assert (level, message) == ("[INFO]", "joined lobby")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert request_id == json.loads(outcome.payload)


async def test_a_traceback_begins_in_the_projects_code(
    start: Start, function: MakeFunction, outputs: list[Output], printed: Printed
) -> None:
    """For a handler that raises, and for a file that can't be parsed; no line of ours."""
    runner = await start(function("raises"), function("bad_syntax.handler"))
    await runner.invoke("raises", EVENT)
    await printed("ValueError: no such channel")
    await printed("SyntaxError: expected ':'")
    lines = [output.line for output in outputs if output.stream == "stderr"]
    assert any("handlers.py" in line for line in lines)
    assert not [line for line in lines if "gatepost" in line and "bootstrap" in line]
