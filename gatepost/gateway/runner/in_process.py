"""Functions in this process, for a debugger: `breakpoint()` in a handler stops in its terminal.

Each function has one thread of its own, so that handlers may block. What separate processes give is
missing, on purpose or by nature: timeouts are not enforced (a stopped debugger must not be killed),
a handler that ends the process or never returns can't be replaced, module state is shared, and
where functions set a variable differently `os.environ` holds the value of the one that began last.
What handlers print goes to the terminal itself, line by line: the debugger talks there as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO, TypeVar, cast

from gatepost.gateway.core.inputs import Failed, NotInvocable, Returned
from gatepost.gateway.runner import bootstrap
from gatepost.gateway.runner.environment import (
    UnsupportedRuntimeError,
    check_runtime,
    function_arn,
    function_environment,
    is_node,
)
from gatepost.gateway.runner.invocation import NOBODY, Invocation, not_deployed, trace_id
from gatepost.gateway.runner.options import Options
from gatepost.gateway.runner.output import Output
from gatepost.gateway.runner.report import end_line, report_line, start_line
from gatepost.gateway.runner.runtime_api import PAYLOAD_BYTES_MAX, TOO_LARGE
from gatepost.gateway.runner.whole_lines import WholeLines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from gatepost.gateway.core.deployment import Function
    from gatepost.gateway.core.inputs import Outcome
    from gatepost.gateway.runner.invocation import Caller

Result = TypeVar("Result")
Waiting = TypeVar("Waiting")

JOIN_S: Final = 1.0
"""How long `close` waits for a handler that still runs; its thread does not keep the process."""


class InProcessRunner:
    """Runs functions in this process, one invocation of each at a time.

    From `start` to `close` the process's own environment is the functions': their variables are
    set, and no `AWS_*` variable of the developer's is left. Code of the project is imported anew
    by `reload`; installed packages are not.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        *,
        on_output: Callable[[Output], None] | None = None,
        environment: Mapping[str, str] | None = None,
        options: Options | None = None,
    ) -> None:
        self._functions = dict(functions)
        self._on_output = on_output
        self._environment = dict(environment or {})
        self._options = options or Options()
        self._process: _Process | None = None
        self._lanes: dict[str, _Lane] = {}

    async def start(self) -> None:
        """Load every handler and wait for it. Raises UnsupportedRuntimeError; else nothing."""
        for function in self._functions.values():
            check_runtime(function)
            if is_node(function):
                raise UnsupportedRuntimeError(
                    f"function '{function.name}' runs on Node ({function.runtime}), which can't "
                    "run in this process: leave --in-process out"
                )
        roots = {function.code_root.absolute() for function in self._functions.values()}
        self._process = _Process(roots)
        for name, function in self._functions.items():
            environment = function_environment(function, self._environment, address=None)
            self._lanes[name] = _Lane(function, self._process, environment, self._options)
        await self._load()

    async def reload(self) -> None:
        """Import the project's code anew; invocations that run go on in the old code."""
        if self._process is not None:
            self._process.forget_modules()
        await self._load()

    async def close(self) -> None:
        """End the threads and restore the process's environment. May be repeated."""
        for lane in self._lanes.values():
            lane.jobs.put(None)
        await asyncio.gather(*(asyncio.to_thread(lane.join) for lane in self._lanes.values()))
        for lane in self._lanes.values():
            lane.drain()
        self._lanes.clear()
        if self._process is not None:
            self._process.restore()
            self._process = None

    def invoke(
        self, function: str, event: bytes, caller: Caller = NOBODY
    ) -> asyncio.Future[Outcome]:
        """Run `function` on the JSON document `event`. Cancelling gives up waiting, no more."""
        loop = asyncio.get_running_loop()
        invocation = Invocation(event, loop.create_future(), loop.time(), caller)
        if (lane := self._lanes.get(function)) is not None:
            lane.submit(invocation)
        else:
            invocation.settle(not_deployed(function))
        return invocation.outcome

    def disturb(self, function: str, *, kill: bool = False, cold: bool = False) -> None:
        """Misbehave on demand, as far as one process can (WorkerRunner.disturb).

        `cold`: the function's code is imported anew first. `kill`: the last invocation's outcome is
        that of a killed worker, once its handler has ended.
        """
        if (lane := self._lanes.get(function)) is None:
            return
        if cold and self._process is not None:
            self._process.forget_modules()
            lane.jobs.put(asyncio.get_running_loop().create_future())
        if kill:
            lane.doom()

    async def _load(self) -> None:
        loads = [asyncio.get_running_loop().create_future() for _ in self._lanes]
        for lane, loaded in zip(self._lanes.values(), loads, strict=True):
            lane.jobs.put(loaded)
        for name, failure in zip(self._lanes, await asyncio.gather(*loads), strict=True):
            if failure is not None and self._on_output is not None:
                line = f"{failure.error_type}: {failure.message}"
                self._on_output(Output(name, os.getpid(), "init error", line))


class _Process:
    """What of this process the functions need changed, and how it was before."""

    def __init__(self, roots: set[Path]) -> None:
        self.lock = threading.Lock()
        self._roots = roots
        self._modules = set(sys.modules)
        self._path = list(sys.path)
        self._environment = dict(os.environ)
        self._dont_write_bytecode = sys.dont_write_bytecode
        self._last_root: Path | None = None
        self._set_aside: dict[str, ModuleType] = {}
        self._stdout, self._stderr = WholeLines(sys.stdout), WholeLines(sys.stderr)
        sys.stdout, sys.stderr = cast("TextIO", self._stdout), cast("TextIO", self._stderr)
        sys.dont_write_bytecode = True  # a file saved twice in a second must not run its first text
        for name in self._environment:
            if name.startswith("AWS_"):
                del os.environ[name]

    def enter(self, root: Path) -> None:
        """Import from this root. Functions of other roots may have modules of the same names."""
        if self._last_root not in (None, root):
            self.forget_modules()
        self._last_root = root
        self._set_aside_namesakes(root)
        sys.path[:] = [str(root), *self._path]
        importlib.invalidate_caches()

    def forget_modules(self) -> None:
        """Forget what was imported from the roots, but not what is installed, and not ourselves."""
        imported = [
            name
            for name, module in sys.modules.items()
            if name not in self._modules and not _is_ours(name) and self._is_project(module)
        ]
        for name in imported:  # not before: a namespace package looks for its parent
            del sys.modules[name]

    def end_lines(self) -> None:
        """End the lines that the calling thread has begun to print."""
        self._stdout.end_line()
        self._stderr.end_line()

    def restore(self) -> None:
        """Undo everything."""
        self._stdout.end_all()
        self._stderr.end_all()
        if sys.stdout is self._stdout:  # else somebody captures it since
            sys.stdout = self._stdout.stream
        if sys.stderr is self._stderr:
            sys.stderr = self._stderr.stream
        self.forget_modules()
        sys.modules.update(self._set_aside)
        sys.path[:] = self._path
        sys.dont_write_bytecode = self._dont_write_bytecode
        os.environ.clear()
        os.environ.update(self._environment)

    def _set_aside_namesakes(self, root: Path) -> None:
        # Whoever runs this process may have imported packages that the project has as well.
        places = root.iterdir() if root.is_dir() else ()
        names = {place.stem for place in places} - sys.stdlib_module_names
        namesakes = [
            name
            for name, module in sys.modules.items()
            if name.partition(".")[0] in names
            and not _is_ours(name)
            and not _is_within(module, root)
        ]
        for name in namesakes:
            self._set_aside[name] = sys.modules.pop(name)
            self._modules.discard(name)

    def _is_project(self, module: ModuleType) -> bool:
        return any(_is_within(module, root) for root in self._roots)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in (__name__.partition(".")[0], "__main__")


def _is_within(module: ModuleType, root: Path) -> bool:
    """Whether the module was read from this root, and not from what is installed in it."""
    known = getattr(module, "__dict__", {})  # getattr on the module itself may import something
    paths = [Path(place) for place in (known.get("__file__"), *known.get("__path__", ())) if place]
    return any(
        path.is_relative_to(root) and "site-packages" not in path.relative_to(root).parts
        for path in paths
    )


class _Lane:
    """One function's thread: jobs are invocations, futures of a load to do, or None for the end."""

    def __init__(
        self, function: Function, process: _Process, environment: dict[str, str], options: Options
    ) -> None:
        self.jobs: queue.SimpleQueue[Invocation | asyncio.Future[Failed | None] | None] = (
            queue.SimpleQueue()
        )
        self._function = function
        self._process = process
        self._environment = environment
        self._options = options
        self._facts = bootstrap.Facts.of(environment)
        self._handler: bootstrap.Handler | None = None
        self._last: Invocation | None = None
        self._failure = Failed("Runtime.ExitError", "not loaded")
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name=function.name, daemon=True)
        self._thread.start()

    def submit(self, invocation: Invocation) -> None:
        """Queue an invocation, or settle it if the queue is full."""
        if self.jobs.qsize() >= self._options.limits.queue_max:
            waiting = self._options.limits.queue_max
            text = f"function '{self._function.name}': {waiting} invocations wait already"
            invocation.settle(NotInvocable(text))
        else:
            self._last = invocation
            self.jobs.put(invocation)

    def doom(self) -> None:
        """Have the last invocation end as if its process had been killed."""
        if self._last is not None:
            self._last.doomed = True

    def join(self) -> None:
        """Wait a while for the thread's end."""
        self._thread.join(JOIN_S)

    def drain(self) -> None:
        """Settle what no thread will run any more."""
        with contextlib.suppress(queue.Empty):
            while True:
                job = self.jobs.get_nowait()
                if isinstance(job, Invocation):
                    text = f"function '{self._function.name}': the runner was closed"
                    job.settle(NotInvocable(text))

    def _work(self) -> None:
        while (job := self.jobs.get()) is not None:
            if not isinstance(job, Invocation):
                self._tell(_settle, job, self._load())
            elif not job.outcome.done():
                began = time.monotonic()
                outcome = self._run(job)
                self._log(job, (time.monotonic() - began) * 1000)
                self._tell(_finish, job, outcome)

    def _tell(
        self, settle: Callable[[Waiting, Result], None], waiting: Waiting, result: Result
    ) -> None:
        self._process.end_lines()
        with contextlib.suppress(RuntimeError):  # the loop has ended before the handler
            self._loop.call_soon_threadsafe(settle, waiting, result)

    def _log(self, invocation: Invocation, duration_ms: float) -> None:
        """Give the caller what Lambda writes itself; what is printed goes to the terminal."""
        if (on_log := invocation.caller.on_log) is not None:
            on_log(start_line(invocation.request_id))
            on_log(end_line(invocation.request_id))
            report = report_line(
                invocation.request_id,
                duration_ms=duration_ms,
                memory_mb=self._function.memory_mb,
                used_mb=None,
                init_ms=None,
            )
            on_log(report)

    def _load(self) -> Failed | None:
        root = self._function.code_root.absolute()
        self._handler = None
        with self._process.lock:
            os.environ.update(self._environment)
            self._process.enter(root)
            try:
                self._handler = bootstrap.load_handler(self._function.handler, str(root))
            except bootstrap.InitError as error:
                sys.stderr.write(error.trace)
                self._failure = Failed(error.kind, str(error))
            except BaseException as error:  # noqa: BLE001 - sys.exit in a module, for instance
                sys.stderr.write(bootstrap.shown(error))
                self._failure = Failed("Runtime.ExitError", f"{type(error).__name__}: {error}")
        return None if self._handler is not None else self._failure

    def _run(self, invocation: Invocation) -> Outcome:
        if self._handler is None:
            return self._failure
        with self._process.lock:
            os.environ.update(self._environment, _X_AMZN_TRACE_ID=trace_id())
        context = bootstrap.Context(
            self._facts,
            request_id=invocation.request_id,
            arn=function_arn(self._function, self._options.account_id),
            deadline_ms=int((time.time() + self._function.timeout_s) * 1000),
            client=invocation.caller.client_context.encode(),
        )
        try:
            returned, payload = bootstrap.call(self._handler, invocation.event, context)
        except BaseException as error:  # noqa: BLE001 - sys.exit must not end the thread
            sys.stderr.write(bootstrap.shown(error))
            return invocation.exit_error(f"{type(error).__name__}: {error}")
        if len(payload) > PAYLOAD_BYTES_MAX:
            return TOO_LARGE
        if returned:
            return Returned(payload)
        told = json.loads(payload)
        return Failed(told["errorType"], told["errorMessage"], tuple(told.get("stackTrace", ())))


def _finish(invocation: Invocation, outcome: Outcome) -> None:
    """Settle on the loop, where it is known by now whether the invocation is to be killed."""
    if invocation.doomed:
        outcome = invocation.exit_error("Runtime exited with error: signal: killed")
    invocation.settle(outcome)


def _settle(waiting: asyncio.Future[Result], result: Result) -> None:
    if not waiting.done():
        waiting.set_result(result)
