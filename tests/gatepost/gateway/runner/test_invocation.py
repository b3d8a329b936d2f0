"""What becomes of an invocation whose worker is killed, by accident or on demand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.inputs import Failed, Returned
from gatepost.gateway.runner.options import Limits, Options

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from gatepost.gateway.core.deployment import Function
    from gatepost.gateway.core.inputs import Outcome
    from gatepost.gateway.runner.in_process import InProcessRunner
    from gatepost.gateway.runner.output import Output
    from gatepost.gateway.runner.pool import WorkerRunner

    StartAny = Callable[..., Awaitable[WorkerRunner | InProcessRunner]]
    Start = Callable[..., Awaitable[WorkerRunner]]
    MakeFunction = Callable[..., Function]
    Printed = Callable[[str], Awaitable[Output]]

EVENT = b"{}"


def waits_on(fifo: Path) -> bytes:
    """The event of the handler `waits`."""
    return json.dumps({"fifo": str(fifo)}).encode()


def assert_killed(outcome: Outcome) -> None:
    """In Lambda's words."""
    assert isinstance(outcome, Failed)
    assert outcome.error_type == "Runtime.ExitError"
    assert outcome.message.endswith("Error: Runtime exited with error: signal: killed")


def kill_and_wait(pid: int) -> None:
    """Kill a child; return when it is dead, whether somebody has reaped it or not."""
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


async def test_a_cold_start_on_demand_is_of_new_state(
    start_any: StartAny, function: MakeFunction
) -> None:
    """Once: the next but one is warm again."""
    runner = await start_any(function("count"))
    assert await runner.invoke("count", EVENT) == Returned(b"1")
    assert await runner.invoke("count", EVENT) == Returned(b"2")
    runner.disturb("count", cold=True)
    assert await runner.invoke("count", EVENT) == Returned(b"1")
    assert await runner.invoke("count", EVENT) == Returned(b"2")


async def test_a_kill_on_demand_fails_an_invocation_in_the_middle(
    *, start_any: StartAny, function: MakeFunction, fifo: Path
) -> None:
    """The handler has begun; the next invocation is served."""
    runner = await start_any(function("waits"))
    running = asyncio.ensure_future(runner.invoke("waits", waits_on(fifo)))
    with await asyncio.to_thread(fifo.open, "w"):  # returns once the handler reads
        runner.disturb("waits", kill=True)
    assert_killed(await running)
    running = asyncio.ensure_future(runner.invoke("waits", waits_on(fifo)))
    await asyncio.to_thread(fifo.write_text, "served")
    assert await running == Returned(b'"served"')


async def test_a_kill_on_demand_fails_a_quick_invocation_too(
    start_any: StartAny, function: MakeFunction
) -> None:
    """Its answer is not heard; later ones are."""
    runner = await start_any(function("echo"))
    invocation = runner.invoke("echo", EVENT)
    runner.disturb("echo", kill=True)
    assert_killed(await invocation)
    assert await runner.invoke("echo", EVENT) == Returned(EVENT)


async def test_a_kill_on_demand_means_the_last_invocation_alone(
    *, start: Start, function: MakeFunction, printed: Printed, fifo: Path
) -> None:
    """It still waits for a worker; the one before goes on."""
    runner = await start(function("waits"), workers_max=1)
    first = asyncio.ensure_future(runner.invoke("waits", waits_on(fifo)))
    last = asyncio.ensure_future(runner.invoke("waits", b'{"fifo": "/dev/null"}'))
    runner.disturb("waits", kill=True)
    await printed("waits")
    await asyncio.to_thread(fifo.write_text, "first")
    assert await first == Returned(b'"first"')
    assert_killed(await last)


async def test_faults_of_functions_that_are_not_here_have_no_effect(start_any: StartAny) -> None:
    """As with a name that is misspelt."""
    runner = await start_any()
    runner.disturb("absent", kill=True, cold=True)


async def test_many_cold_starts_at_once_get_a_worker_each(
    start: Start, function: MakeFunction
) -> None:
    """Within the limit: those that are free make room. None gets a worker that was used."""
    runner = await start(function("count"), workers_max=2)
    invocations = []
    for _ in range(4):
        runner.disturb("count", cold=True)
        invocations.append(runner.invoke("count", EVENT))
    assert await asyncio.gather(*invocations) == [Returned(b"1")] * 4
    [used] = [await runner.invoke("count", EVENT)]
    assert used == Returned(b"2")


async def test_a_cold_start_of_a_busy_function_waits_for_no_worker_that_was_used(
    *, start: Start, function: MakeFunction, printed: Printed, fifo: Path
) -> None:
    """Another one is started beside it."""
    runner = await start(function("waits"), workers_max=1)
    running = asyncio.ensure_future(runner.invoke("waits", waits_on(fifo)))
    await printed("waits")
    runner.disturb("waits", cold=True)
    assert await runner.invoke("waits", b'{"fifo": "/dev/null"}') == Returned(b'""')
    await asyncio.to_thread(fifo.write_text, "first")
    assert await running == Returned(b'"first"')


async def test_a_cold_start_that_cant_load_fails_and_others_are_served(
    start: Start, function: MakeFunction, tmp_path: Path
) -> None:
    """A module that can be loaded once only."""
    (tmp_path / "once.py").write_text(
        "import os\nos.mkdir('taken')\ndef handler(event, context):\n    return 'served'\n"
    )
    runner = await start(function("once.handler", name="chat", code_root=tmp_path))
    assert await runner.invoke("chat", EVENT) == Returned(b'"served"')
    runner.disturb("chat", cold=True)
    failure = await runner.invoke("chat", EVENT)
    assert isinstance(failure, Failed)
    assert failure.error_type == "FileExistsError"
    assert await runner.invoke("chat", EVENT) == Returned(b'"served"')


async def test_a_cold_start_survives_a_reload(start: Start, function: MakeFunction) -> None:
    """What is queued goes to new workers."""
    runner = await start(function("count"))
    await runner.invoke("count", EVENT)
    invocations = []
    for _ in range(2):
        runner.disturb("count", cold=True)
        invocations.append(runner.invoke("count", EVENT))
    await runner.reload()
    assert await asyncio.gather(*invocations) == [Returned(b"1")] * 2


async def test_an_event_that_a_dying_worker_never_read_is_given_to_another(
    start: Start, function: MakeFunction
) -> None:
    """The worker was killed while it was free, and nobody has noticed yet."""
    runner = await start(function("pid"))
    for _ in range(5):
        [pid] = runner.pids()["pid"]
        kill_and_wait(pid)  # without a turn of the loop, which would notice
        outcome = await runner.invoke("pid", EVENT)
        assert isinstance(outcome, Returned)
        assert int(outcome.payload) != pid


@pytest.mark.parametrize("reports", [True, False])
async def test_a_report_ends_each_invocation_where_it_is_asked_for(
    *, start: Start, function: MakeFunction, outputs: list[Output], reports: bool
) -> None:
    """The first of a worker tells its init as well."""
    runner = await start(
        function("echo", memory_mb=512), options=Options(limits=Limits(), reports=reports)
    )
    for _ in range(2):
        await runner.invoke("echo", EVENT)
    lines = [output.line for output in outputs if output.stream == "report"]
    assert len(lines) == 2 * reports
    assert all("Memory Size: 512 MB" in line for line in lines)
    assert ["Init Duration" in line for line in lines] == [True, False][: len(lines)]
