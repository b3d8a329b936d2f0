"""One worker: a process of its own that runs one function, one invocation at a time.

It starts the process, hands it invocations through its Runtime API, keeps the function's timeout,
reads what the process prints, and sees to it that the process ends. Which worker gets which
invocation, and when workers come and go, is the pool's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, cast

from gatepost.gateway.core.inputs import Failed
from gatepost.gateway.runner.background import Background
from gatepost.gateway.runner.environment import command_line, function_arn, function_environment
from gatepost.gateway.runner.output import Lines, Output
from gatepost.gateway.runner.report import end_line, peak_memory_mb, report_line, start_line
from gatepost.gateway.runner.runtime_api import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatepost.gateway.core.deployment import Function
    from gatepost.gateway.core.inputs import Outcome
    from gatepost.gateway.runner.environment import Interpreters
    from gatepost.gateway.runner.invocation import Invocation
    from gatepost.gateway.runner.options import Options
    from gatepost.gateway.runner.output import Stream
    from gatepost.gateway.runner.starts import Starts

STOP_GRACE_S: Final = 1.0
"""How long a worker that is told to leave may take before it is killed."""
DUMP_GRACE_S: Final = 1.0
"""How long a worker past its function's timeout has to print where its handler is."""
PIPE_GRACE_S: Final = 0.5
"""How long output is read on after the process has ended, should something hold its pipe open."""
DOOM_S: Final = 0.05
"""How far a handler gets that is killed on demand; one that answers sooner is killed then."""

_STREAMS: Final[dict[int, Stream]] = {1: "stdout", 2: "stderr"}


@dataclass(frozen=True, slots=True)
class Launch:
    """What all workers of a runner have in common.

    `environment` is what every function gets beside its own variables and Lambda's. `lifeline` is
    the read end of a pipe that ends when this process does.
    """

    interpreters: Interpreters
    environment: Mapping[str, str]
    lifeline: int
    options: Options
    starts: Starts
    on_output: Callable[[Output], None]


class Keeper(Protocol):
    """What a worker reports to.

    `told` holds which kinds of background work were told of its function.
    """

    told: set[str]

    def urgency(self) -> tuple[bool, float]:
        """Say whether an invocation waits, and when the last one came (the loop's time)."""

    def worker_free(self, worker: Worker) -> None:
        """Take note that the worker waits for an invocation: its init or its last one is over."""

    def worker_answered(self) -> None:
        """Take note that a handler has returned or raised."""

    def worker_unusable(self, worker: Worker, *, busy: bool, init_failure: Failed | None) -> None:
        """Take note that the worker takes no more invocations; called once, not after `stop`.

        `busy` is true if it went in the middle of an invocation. `init_failure` is set if it was
        never free.
        """

    def worker_missed(self, invocation: Invocation) -> None:
        """Take back an invocation that the process, which has ended, never read."""

    def worker_gone(self, worker: Worker) -> None:
        """Take note that the process has ended and its pipes are closed."""


class Worker(asyncio.SubprocessProtocol):
    """One process. `gone` is set when nothing of it is left."""

    def __init__(self, function: Function, keeper: Keeper, launch: Launch) -> None:
        self.gone = asyncio.Event()
        self.ready = False
        self.used = False
        self.free_since = 0.0
        self._function = function
        self._keeper = keeper
        self._shared = launch
        arn = function_arn(function, launch.options.account_id)
        self._api = RuntimeApi(self, arn, function.timeout_s)
        self._background = Background(function.name, keeper.told, launch.on_output)
        self._invocation: Invocation | None = None
        self._logged: Invocation | None = None  # whose caller gets what is printed
        self._usable = True
        self._lines = {fd: Lines() for fd in _STREAMS}
        self._transport: asyncio.SubprocessTransport | None = None
        self._pid = 0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._init_ms: float | None = None  # until it was reported
        self._start_turn = launch.starts.ask(keeper.urgency)
        self._starting = self._loop.create_task(self._start())

    @property
    def pid(self) -> int:
        """The process's id; 0 until it was started."""
        return self._pid

    @property
    def busy(self) -> bool:
        """Whether an invocation runs."""
        return self._invocation is not None

    @property
    def waiting(self) -> bool:
        """Whether `run` may be called."""
        return self._usable and self._api.waiting

    def run(self, invocation: Invocation) -> None:
        """Start an invocation. Only to be called while `waiting`."""
        self._invocation = invocation
        self.used = True
        self._began = time.monotonic()
        self._background.busy()
        self._timer = self._loop.call_later(self._function.timeout_s, self._timed_out)
        if invocation.caller.on_log is None:
            self._api.hand_out(invocation)
        else:
            self._when_read(self._begin_log, invocation)
        if invocation.doomed:
            self.doom(invocation)

    def doom(self, invocation: Invocation) -> None:
        """Kill the process in the middle of this invocation, if it runs here."""
        if self._invocation is invocation:
            invocation.doomed = True
            self._loop.call_later(DOOM_S, self._kill)

    def stop(self) -> None:
        """Let the process leave, and kill it after STOP_GRACE_S. A running invocation fails.

        One that has not finished its init has nothing to leave in order, and is killed at once.
        """
        self._usable = False
        self._stop_waiting()
        self._loop.call_later(STOP_GRACE_S if self.ready else 0, self._kill)

    async def _start(self) -> None:
        await self._start_turn.turn.wait()
        if self._usable:
            await self._start_process()
        else:  # stopped before its turn came
            self._leave()

    async def _start_process(self) -> None:
        function, shared = self._function, self._shared
        init_s = shared.options.init_s + function.timeout_s
        self._timer = self._loop.call_later(init_s, self._init_timed_out, init_s)
        self._began = time.monotonic()
        try:
            address = await self._api.open()
            transport, _ = await self._loop.subprocess_exec(
                lambda: self,
                *command_line(function, shared.interpreters, shared.lifeline),
                stdin=asyncio.subprocess.DEVNULL,
                cwd=function.code_root,
                env=function_environment(function, shared.environment, address=address),
                start_new_session=True,  # Ctrl-C in the terminal is not for workers
                pass_fds=(shared.lifeline,),
            )
        except OSError as error:
            text = f"Cannot start a worker for function '{function.name}': {error}"
            self.init_failed(Failed("Runtime.StartError", text))
            self._leave()
            return
        if not self._usable:  # stopped while it was being started
            transport.kill()

    # What the runtime reports (runtime_api.Owner).

    def next_asked(self) -> bool:
        """Take note that the runtime is free."""
        if self._invocation is not None:
            return False
        if not self.ready:
            self.ready = True
            self._init_ms = (time.monotonic() - self._began) * 1000
            self._start_turn.end()
            self._cancel_timer()
        self.free_since = self._loop.time()
        if self.used:
            self._background.free(self._pid, self.free_since, self._loop.call_later)
        if self._logged is None:
            self._keeper.worker_free(self)
        else:
            self._when_read(self._free)
        return True

    def answered(self, request_id: str, outcome: Outcome, *, unfinished: str = "") -> bool:
        """Settle the running invocation, if it is the one meant."""
        invocation = self._invocation
        if invocation is None or invocation.request_id != request_id:
            return False
        if invocation.doomed:  # its answer never leaves: the process's end is the outcome
            self._kill()
            return True
        self._invocation = None
        self._cancel_timer()
        self._keeper.worker_answered()
        self._end(invocation, partial(invocation.settle, outcome))
        if unfinished:
            self._background.unfinished(self._pid, unfinished)
        return True

    def init_failed(self, failure: Failed) -> None:
        """Take note that no handler could be loaded."""
        if not self._usable or self.ready:
            return
        self._say("init error", f"{failure.error_type}: {failure.message}")
        self._give_up(busy=False, init_failure=failure)
        self._loop.call_later(STOP_GRACE_S, self._kill)

    # What time reports.

    def _timed_out(self) -> None:
        invocation, self._invocation = self._invocation, None
        if invocation is None:
            return
        self._end(invocation, partial(invocation.timed_out, self._function.timeout_s))
        self._give_up(busy=True)
        with contextlib.suppress(ProcessLookupError):
            if self._transport is not None:
                self._transport.send_signal(signal.SIGUSR2)
        self._loop.call_later(DUMP_GRACE_S, self._kill)

    def _init_timed_out(self, after_s: float) -> None:
        text = f"Init of function '{self._function.name}' took longer than {after_s:.2f} seconds"
        self.init_failed(Failed("Sandbox.Timedout", text))
        self._kill()

    # What the process reports (asyncio.SubprocessProtocol).

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the process."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        """Pass on the lines that are complete."""
        self._print(fd, self._lines[fd].feed(cast("bytes", data)))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        """Pass on the last line, should it have no end."""
        self._print(fd, self._lines[fd].flush())

    def process_exited(self) -> None:
        """Fail the running invocation and end whatever the process had started."""
        transport = cast("asyncio.SubprocessTransport", self._transport)
        reason = _exit_reason(transport.get_returncode() or 0)
        invocation, self._invocation = self._invocation, None
        missed = self._usable and self._api.unread() and not (invocation and invocation.doomed)
        if invocation is not None and not missed:
            self._end(invocation, partial(invocation.exited, reason))
        if not self.ready:
            text = f"{reason}, while function '{self._function.name}' was loaded"
            self.init_failed(Failed("Runtime.ExitError", text))
        self._give_up(busy=invocation is not None)
        if invocation is not None and missed:
            self._keeper.worker_missed(invocation)
        self._kill()
        self._loop.call_later(PIPE_GRACE_S, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Take note that process and pipes have ended."""
        if self._transport is not None:
            self._transport.close()
        self._leave()

    def _print(self, fd: int, lines: list[str]) -> None:
        for line in lines:
            self._say(_STREAMS[fd], line)
            self._log(line)
        if lines and self._usable:
            self._background.printed(self._pid, self._loop.time())

    def _say(self, stream: Stream, line: str) -> None:
        self._shared.on_output(Output(self._function.name, self._pid, stream, line))

    def _end(self, invocation: Invocation, settle: Callable[[], None]) -> None:
        """Report the invocation, then settle it; where its caller wants its log, after that."""
        logged = invocation.caller.on_log is not None
        line = ""
        if self._shared.options.reports or logged:
            line = report_line(
                invocation.request_id,
                duration_ms=(time.monotonic() - self._began) * 1000,
                memory_mb=self._function.memory_mb,
                used_mb=peak_memory_mb(self._pid),
                init_ms=self._init_ms,
            )
        self._init_ms = None
        if self._shared.options.reports:
            self._say("report", line)
        if logged:
            self._when_read(self._end_log, invocation, line, settle)
        else:
            settle()

    # An invocation's log for its caller: what is printed from its event being handed out to its
    # answer, and before the next event is.

    def _when_read(self, callback: Callable[..., None], *arguments: object) -> None:
        """Call back when all is read that the process printed until now.

        asyncio reads it in this turn of the loop and passes it on in the next.
        """
        self._loop.call_soon(self._loop.call_soon, callback, *arguments)

    def _begin_log(self, invocation: Invocation) -> None:
        if self._invocation is not invocation or not self._api.waiting:  # the process is leaving
            self._kill()
            return
        self._logged = invocation
        self._log(start_line(invocation.request_id))
        self._api.hand_out(invocation)

    def _log(self, line: str) -> None:
        if self._logged is not None and self._logged.caller.on_log is not None:
            self._logged.caller.on_log(line)

    def _end_log(self, invocation: Invocation, report: str, settle: Callable[[], None]) -> None:
        for fd, lines in self._lines.items():
            self._print(fd, lines.flush())
        self._log(end_line(invocation.request_id))
        self._log(report)
        self._logged = None
        settle()

    def _free(self) -> None:
        if self.waiting:
            self._keeper.worker_free(self)

    def _give_up(self, *, busy: bool, init_failure: Failed | None = None) -> None:
        self._stop_waiting()
        if self._usable:
            self._usable = False
            self._keeper.worker_unusable(self, busy=busy, init_failure=init_failure)

    def _stop_waiting(self) -> None:
        self._cancel_timer()
        self._start_turn.end()
        self._background.busy()
        self._api.close()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _kill(self) -> None:
        """Kill the process and, by its process group, what its handler started."""
        if self._pid and not self.gone.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)

    def _leave(self) -> None:
        if not self.gone.is_set():
            self.gone.set()
            self._keeper.worker_gone(self)


def _exit_reason(returncode: int) -> str:
    if returncode == 0:
        return "Runtime exited without providing a reason"
    if returncode > 0:
        return f"Runtime exited with error: exit status {returncode}"
    name = signal.strsignal(-returncode) or str(-returncode)
    return f"Runtime exited with error: signal: {name.lower()}"
