"""Tells when a worker goes on working after its response: Lambda would freeze it there.

Three things are told, each once for a function: what the runtime client says is unfinished when
the handler ends, output while no invocation runs, and CPU time that is used meanwhile. Idle
threads, open connections and timers of modules are no work and are not told.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatepost.gateway.runner.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Later = Callable[..., Any]

QUIET_AFTER_S: Final = 0.3
"""What a handler printed is read, and what its runtime tidies up is done, so long after its end."""
MEASURED_S: Final = 1.0
"""How long CPU time is measured, from then on; once for each pause between invocations."""
CPU_S_MAX: Final = 0.05
"""CPU time that is no work of anybody's in MEASURED_S."""

_TICKS_S: Final = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float | None:
    """Give the CPU time of a process and its threads; None where the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return (int(fields[11]) + int(fields[12])) / _TICKS_S


class Background:
    """Watches one worker. `told` holds what was told of its function already, by any worker."""

    def __init__(
        self,
        function: str,
        told: set[str],
        on_output: Callable[[Output], None],
        cpu: Callable[[int], float | None] = cpu_s,
    ) -> None:
        self._cpu = cpu
        self._function = function
        self._told = told
        self._on_output = on_output
        self._free_since: float | None = None
        self._watching = False

    def busy(self) -> None:
        """Take note that an invocation runs: whatever happens may be its doing."""
        self._free_since = None

    def free(self, pid: int, now: float, later: Later) -> None:
        """Take note that an invocation has ended. `later` is a loop's `call_later`."""
        self._free_since = now
        if not self._watching and "cpu" not in self._told:
            self._watching = True
            later(QUIET_AFTER_S, self._quiet, pid, now, later)

    def unfinished(self, pid: int, what: str) -> None:
        """Tell what the runtime client says that the handler has left unfinished."""
        self._tell(pid, "unfinished", f"when its handler had ended, this went on: {what}")

    def printed(self, pid: int, now: float) -> None:
        """Take note of output."""
        if self._free_since is not None and now - self._free_since > QUIET_AFTER_S:
            self._tell(pid, "output", "it printed while no invocation ran")

    def _quiet(self, pid: int, since: float, later: Later) -> None:
        if self._free_since is None:
            self._watching = False
        elif self._free_since == since:
            later(MEASURED_S, self._measured, pid, since, self._cpu(pid))
        else:  # another invocation has come and gone
            later(QUIET_AFTER_S, self._quiet, pid, self._free_since, later)

    def _measured(self, pid: int, since: float, before: float | None) -> None:
        self._watching = False
        after = self._cpu(pid)
        if self._free_since != since or before is None or after is None:
            return
        if (used := after - before) > CPU_S_MAX:
            text = f"it used {used * 1000:.0f} ms of CPU within a second while no invocation ran"
            self._tell(pid, "cpu", text)

    def _tell(self, pid: int, kind: str, what: str) -> None:
        if kind in self._told:
            return
        self._told.add(kind)
        text = f"Lambda would freeze this: {what}. It goes on with the next invocation, or never."
        self._on_output(Output(self._function, pid, "warning", text))
