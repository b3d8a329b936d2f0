"""Functions in warm worker processes: the Invoker that the emulator runs by default.

It holds one pool of workers for each function and what all of them share. How a pool decides is in
function_pool.py.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from gatepost.gateway.runner.environment import Interpreters, check_runtime, kept_environment
from gatepost.gateway.runner.function_pool import FunctionPool
from gatepost.gateway.runner.invocation import NOBODY, not_deployed
from gatepost.gateway.runner.options import Options
from gatepost.gateway.runner.starts import Starts
from gatepost.gateway.runner.worker import Launch, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gatepost.gateway.core.deployment import Function
    from gatepost.gateway.core.inputs import Outcome
    from gatepost.gateway.runner.invocation import Caller
    from gatepost.gateway.runner.output import Output
    from gatepost.gateway.runner.worker import Keeper


class WorkerRunner:
    """Runs functions in worker processes, one invocation at a time in each.

    `python` is the project's interpreter. `workers_max` bounds the workers of each function. Every
    function gets `environment` beside its own variables, and of this process's environment only
    what environment.kept_environment selects. `on_output` is called, in the event loop, for each
    line that a worker prints; it must not block.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        *,
        python: Path,
        workers_max: int = 8,
        on_output: Callable[[Output], None] | None = None,
        environment: Mapping[str, str] | None = None,
        options: Options | None = None,
    ) -> None:
        self._functions = dict(functions)
        self._options = options or Options()
        self._limits = replace(self._options.limits, workers_max=workers_max)
        self._python = python
        self._on_output = on_output
        self._environment = {**kept_environment(os.environ), **(environment or {})}
        self._pools: dict[str, FunctionPool] = {}
        self._lifeline: tuple[int, int] | None = None
        self._starts = Starts(self._options.starts_at_once)

    async def start(self) -> None:
        """Start a worker for each function and wait until each has loaded or failed.

        A few start at a time; those that an invocation waits for come first.

        Raises UnsupportedRuntimeError, before any process is started, for a runtime that can't be
        run. A handler that can't be loaded raises nothing: it is reported through `on_output` and
        is the outcome of its invocations. `invoke` may be called as soon as this coroutine runs:
        what comes early is queued.
        """
        for function in self._functions.values():
            check_runtime(function)
        self._lifeline = os.pipe()
        launch = Launch(
            interpreters=Interpreters(self._python, self._options.node),
            environment=self._environment,
            lifeline=self._lifeline[0],
            options=self._options,
            starts=self._starts,
            on_output=self._on_output or (lambda _: None),
        )
        for name, function in self._functions.items():
            starter = _starter(function, launch)
            self._pools[name] = FunctionPool(name, starter, self._limits, self._starts)
        for pool in self._pools.values():
            pool.start_ahead()
        await self._settled()

    async def reload(self) -> None:
        """Serve from now on with newly started workers, and wait until each has loaded or failed.

        Invocations that run go on to their end in the old workers, which then leave; those that
        are queued or come from now on wait for the new ones. None is lost.
        """
        for pool in self._pools.values():
            pool.reload()
        await self._settled()

    async def close(self) -> None:
        """End every worker process and wait until none is left.

        Running invocations have STOP_GRACE_S to end; their outcomes are failures. May be repeated.
        """
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        if self._lifeline is not None:
            for descriptor in self._lifeline:
                os.close(descriptor)
            self._lifeline = None

    def invoke(
        self, function: str, event: bytes, caller: Caller = NOBODY
    ) -> asyncio.Future[Outcome]:
        """Run `function` on the JSON document `event`. Cancelling gives up waiting, no more."""
        if (pool := self._pools.get(function)) is not None:
            return pool.submit(event, caller)
        refused: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        refused.set_result(not_deployed(function))
        return refused

    def disturb(self, function: str, *, kill: bool = False, cold: bool = False) -> None:
        """Misbehave on demand; without effect on a function that is not here.

        `cold`, before `invoke`: its next invocation gets a worker that was never used. `kill`,
        after `invoke`: the worker that runs its last invocation is killed in the middle, within
        worker.DOOM_S or when it answers; the outcome is Runtime.ExitError.
        """
        if (pool := self._pools.get(function)) is not None:
            pool.disturb(kill=kill, cold=cold)

    def pids(self) -> dict[str, list[int]]:
        """Process ids of each function's serving workers."""
        return {name: pool.pids for name, pool in self._pools.items()}

    async def _settled(self) -> None:
        await asyncio.gather(*(pool.settled() for pool in self._pools.values()))


def _starter(function: Function, launch: Launch) -> Callable[[Keeper], Worker]:
    return lambda keeper: Worker(function, keeper, launch)
