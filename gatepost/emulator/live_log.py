"""The live log: one line for each thing that happens, as text for a terminal.

Payloads are never shown. Colours only where the output is a terminal and NO_COLOR is unset.
"""

import os
import time
from collections.abc import Callable
from typing import Final, TextIO

from gatepost.gateway.core.commands import Report
from gatepost.gateway.runner.output import Output

LEVELS: Final = ("debug", "info", "warning")
"""debug: everything, plain HTTP requests too; info: the default; warning: failures and output."""

RED: Final = "31"
GREEN: Final = "32"
GREY: Final = "90"
FAILED_STATUS: Final = range(400, 600)
CLOSE_CODES_OF_FAILURE: Final = frozenset({1002, 1003, 1006, 1007, 1009, 1011})


class LiveLog:
    """Writes lines to `stream`; `now` is the wall clock in epoch seconds."""

    def __init__(
        self, stream: TextIO, *, level: str = "info", now: Callable[[], float] = time.time
    ) -> None:
        self._stream = stream
        self._level = level
        self._now = now
        self._colours = stream.isatty() and "NO_COLOR" not in os.environ

    def say(self, text: str) -> None:
        """Write a line as it is: what the emulator itself has to tell."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def report(self, report: Report) -> None:
        """Write one line: time, what happened, connection, route, status, milliseconds."""
        failed = _failed(report)
        if not failed and self._level == "warning":
            return
        if report.kind == "http" and self._level != "debug":
            return
        duration = "" if report.duration_ms is None else f"{report.duration_ms:8.1f} ms"
        status = "" if report.status is None else str(report.status)
        line = (
            f"{report.kind:<10} {report.connection_id or '-':<16} {report.route_key or '':<12} "
            f"{status:>4} {duration:>11}  {report.detail}"
        ).rstrip()
        colour = RED if failed else GREEN if report.kind == "connect" else None
        self.say(f"{self._paint(self._clock(), GREY)}  {self._paint(line, colour)}")

    def output(self, output: Output) -> None:
        """Write a line that a function printed, attributed to it."""
        source = self._paint(f"{output.function}[{output.pid}]", GREY)
        text = output.line if output.stream == "stdout" else self._paint(output.line, RED)
        self.say(f"{self._paint(self._clock(), GREY)}  {source} | {text}")

    def _clock(self) -> str:
        return time.strftime("%H:%M:%S", time.localtime(self._now()))

    def _paint(self, text: str, colour: str | None) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours and colour else text


def _failed(report: Report) -> bool:
    if report.status is None:
        return False
    if report.kind == "disconnect":
        return report.status in CLOSE_CODES_OF_FAILURE
    return report.status in FAILED_STATUS
