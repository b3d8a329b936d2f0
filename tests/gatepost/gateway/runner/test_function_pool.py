"""How many workers a function gets, and which of them runs what."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

from gatepost.gateway.core.inputs import Failed, Returned
from gatepost.gateway.runner.options import Limits, Options

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from gatepost.gateway.core.deployment import Function
    from gatepost.gateway.runner.output import Output
    from gatepost.gateway.runner.pool import WorkerRunner

    Start = Callable[..., Awaitable[WorkerRunner]]
    MakeFunction = Callable[..., Function]
    Printed = Callable[[str], Awaitable[Output]]
    Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]


async def test_a_hundred_quick_events_at_once_are_served_by_one_worker(
    start: Start, function: MakeFunction
) -> None:
    """A burst is no reason for another process: each answer is right, in order."""
    runner = await start(function("count"))
    outcomes = await asyncio.gather(*(runner.invoke("count", b"{}") for _ in range(100)))
    assert outcomes == [Returned(str(n).encode()) for n in range(1, 101)]
    assert len(runner.pids()["count"]) == 1


async def test_workers_grow_to_the_limit_while_none_makes_headway_and_shrink_again(
    start: Start, function: MakeFunction, eventually: Eventually, tmp_path: Path
) -> None:
    """Slow handlers get more workers, up to the limit; free for long, all but one leave."""
    limits = Limits(grow_after_s=0.02, idle_s=0.1)
    runner = await start(function("waits"), workers_max=3, options=Options(limits=limits))
    fifos = [tmp_path / str(number) for number in range(5)]
    for fifo in fifos:
        os.mkfifo(fifo)
    invocations = [
        asyncio.ensure_future(runner.invoke("waits", json.dumps({"fifo": str(fifo)}).encode()))
        for fifo in fifos
    ]
    gates = [await asyncio.to_thread(fifo.open, "w") for fifo in fifos[:3]]
    assert len(runner.pids()["waits"]) == 3
    for gate in gates:
        gate.close()
    for fifo in fifos[3:]:
        await asyncio.to_thread(fifo.write_text, "")
    assert await asyncio.gather(*invocations) == [Returned(b'""')] * 5
    await eventually(lambda: len(runner.pids()["waits"]) == 1)
    assert isinstance(await runner.invoke("waits", b"{}"), Failed)


async def test_the_most_recently_used_worker_is_taken_first(
    start: Start, function: MakeFunction, outputs: list[Output], tmp_path: Path
) -> None:
    """So that surplus workers get old and leave."""
    limits = Limits(grow_after_s=0.01)
    runner = await start(function("waits"), options=Options(limits=limits))
    fifos = [tmp_path / "first", tmp_path / "last"]
    for fifo in fifos:
        os.mkfifo(fifo)
    events = [json.dumps({"fifo": str(fifo)}).encode() for fifo in fifos]
    invocations = [asyncio.ensure_future(runner.invoke("waits", event)) for event in events]
    for fifo, invocation in zip(fifos, invocations, strict=True):
        with await asyncio.to_thread(fifo.open, "w"):
            pass
        await invocation
    for _ in range(3):
        invocation = asyncio.ensure_future(runner.invoke("waits", events[0]))
        with await asyncio.to_thread(fifos[0].open, "w"):
            pass
        await invocation
    pids = [output.pid for output in outputs if output.line.startswith("waits")]
    assert len(set(pids)) <= 2
    assert pids[2:] == [pids[2]] * 3


async def test_a_second_worker_that_cant_load_does_not_harm_the_first(
    start: Start, function: MakeFunction, printed: Printed, tmp_path: Path
) -> None:
    """A module that can be loaded once only (it takes a port, say) is served by one worker."""
    (tmp_path / "once.py").write_text(
        "import os\nos.mkdir('taken')\n"
        "def handler(event, context):\n"
        "    return open(event['fifo']).read() if event else 'quick'\n"
    )
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    limits = Limits(grow_after_s=0.01)
    runner = await start(
        function("once.handler", code_root=tmp_path), options=Options(limits=limits)
    )
    slow = asyncio.ensure_future(
        runner.invoke("once.handler", json.dumps({"fifo": str(fifo)}).encode())
    )
    quick = asyncio.ensure_future(runner.invoke("once.handler", b"{}"))
    await printed("FileExistsError")
    await asyncio.to_thread(fifo.write_text, "slow")
    assert await slow == Returned(b'"slow"')
    assert await quick == Returned(b'"quick"')
