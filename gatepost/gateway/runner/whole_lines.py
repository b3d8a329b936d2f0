"""A text stream of this process whose lines reach the terminal whole, whoever else writes there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO

LINE_CHARS_MAX: Final = 16_384
"""More than this without a line end is passed on as it is."""


class WholeLines:
    """Stands in for `stream`: each thread's text is passed on in one write when its line ends.

    `flush` passes on what has no end yet, such as a debugger's prompt. Everything else (`fileno`,
    `isatty`, `encoding`) is the stream's, so that a debugger finds its terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream: Final = stream
        self._unfinished: dict[int, str] = {}

    def __getattr__(self, name: str) -> object:
        """Give what is not changed here."""
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Take text, and pass on the lines that are complete."""
        thread = threading.get_ident()
        lines, end, rest = (self._unfinished.pop(thread, "") + text).rpartition("\n")
        if len(rest) > LINE_CHARS_MAX:
            end, rest = end + rest, ""
        if end:
            self.stream.write(lines + end)
        if rest:
            self._unfinished[thread] = rest
        return len(text)

    def writelines(self, texts: list[str]) -> None:
        """Take several texts."""
        self.write("".join(texts))

    def flush(self) -> None:
        """Pass on this thread's text, its line complete or not."""
        if rest := self._unfinished.pop(threading.get_ident(), ""):
            self.stream.write(rest)
        self.stream.flush()

    def end_line(self) -> None:
        """Give this thread's line an end, should it have none."""
        if threading.get_ident() in self._unfinished:
            self.write("\n")

    def end_all(self) -> None:
        """Pass on the unfinished lines of all threads, with an end."""
        while self._unfinished:
            self.stream.write(self._unfinished.popitem()[1] + "\n")
