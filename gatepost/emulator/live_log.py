"""The live log: one line for each thing that happens, as text for a terminal.

Payloads are never shown. Whatever clients and functions wrote is shown so that it can't move the
cursor, forge a line or fill the screen. Colours only where the output is a terminal and NO_COLOR
is unset.
"""

import os
import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TextIO

from gatepost.gateway.core.commands import Report
from gatepost.gateway.runner.output import Output

LINE_CHARS_MAX: Final = 1000
"""A longer report is cut here: paths and error messages come from outside."""

RED: Final = "31"
GREEN: Final = "32"
GREY: Final = "90"
YELLOW: Final = "33"
OUTPUT_COLOURS: Final = {
    "stdout": None,
    "stderr": RED,
    "init error": RED,
    "warning": YELLOW,
    "report": GREY,
}
FAILED_STATUS: Final = range(400, 600)
CLOSE_CODES_OF_FAILURE: Final = frozenset({1002, 1003, 1006, 1007, 1009, 1011})

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
# C0 and C1 without the tab; line separators; marks that change the direction of text.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

Later = Callable[[Callable[[], None]], object]


class LiveLog:
    """Writes lines to `stream`; `level` is one of LEVELS, `now` the wall clock in epoch seconds.

    With `later` (an event loop's `call_soon`) the lines of one turn of the loop are written
    together: one write for each line costs as much as the rest of the line. When the stream takes
    no more (`gatepost dev | head`), `on_unread` is called once and nothing is written any more.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        level: str = "info",
        now: Callable[[], float] = time.time,
        later: Later | None = None,
        on_unread: Callable[[], None] = lambda: None,
    ) -> None:
        self._stream: TextIO | None = stream
        self._level = level
        self._now = now
        self._later = later
        self._on_unread = on_unread
        self._lines: list[str] = []
        self.not_loaded: set[str] = set()  # functions whose init failed, as reported here
        self._colours = stream.isatty() and "NO_COLOR" not in os.environ

    def say(self, text: str) -> None:
        """Write a line as it is and at once: what the emulator itself has to tell."""
        self._lines.append(f"{text}\n")
        self.flush()

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
        if len(line) > LINE_CHARS_MAX:
            line = f"{line[:LINE_CHARS_MAX]} [cut]"
        colour = RED if failed else GREEN if report.kind == "connect" else None
        self._write(self._paint(_harmless(line), colour))

    def output(self, output: Output) -> None:
        """Write a line that a function printed, attributed to it; its colours are dropped."""
        if output.stream == "report" and self._level != "debug":
            return
        if output.stream == "init error":
            self.not_loaded.add(output.function)
        source = self._paint(f"{output.function}[{output.pid}]", GREY)
        text = _harmless(_COLOUR.sub("", output.line))
        text = self._paint(text, OUTPUT_COLOURS[output.stream])
        self._write(f"{source} | {text}")

    def flush(self) -> None:
        """Write the lines that wait."""
        waiting = "".join(self._lines)
        self._lines.clear()
        if self._stream is None:
            return
        try:
            self._stream.write(waiting)
            self._stream.flush()
        except OSError:
            self._stream = None
            self._on_unread()

    def _write(self, line: str) -> None:
        self._lines.append(f"{self._paint(_clock(int(self._now())), GREY)}  {line}\n")
        if self._later is None:
            self.flush()
        elif len(self._lines) == 1:
            self._later(self.flush)

    def _paint(self, text: str, colour: str | None) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours and colour else text


@lru_cache(maxsize=2)
def _clock(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


def _harmless(text: str) -> str:
    r"""Spell control characters out, such as `\x1b`."""
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _failed(report: Report) -> bool:
    if report.status is None:
        return False
    if report.kind == "disconnect":
        return report.status in CLOSE_CODES_OF_FAILURE
    return report.status in FAILED_STATUS
