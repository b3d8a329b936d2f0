"""What functions print: bytes of a pipe turned into attributed, bounded lines.

Where the lines go is decided by whoever gives the runner its `on_output`.
"""

from typing import Literal

from msgspec import Struct

LINE_BYTES_MAX = 16_384
"""A longer line is cut here; the rest of it is dropped."""

CUT_MARK = " [cut]"

Stream = Literal["stdout", "stderr", "init error", "report", "warning"]


class Output(Struct, frozen=True):
    """One line that a function's worker printed, without its line end.

    With other streams it is the runner's own sentence: `init error` on why a worker can't serve,
    `report` is Lambda's REPORT line, `warning` tells what would go wrong on Lambda.
    """

    function: str
    pid: int
    stream: Stream
    line: str


class Lines:
    """Splits one stream into lines; holds at most one unfinished line, of bounded length."""

    def __init__(self) -> None:
        self._partial = b""
        self._cutting = False

    def feed(self, data: bytes) -> list[str]:
        """Take what came and return the lines that are now complete."""
        *ends, rest = data.split(b"\n")
        lines = []
        for end in ends:
            if not self._cutting:
                lines.append(_text(self._partial + end))
            self._partial, self._cutting = b"", False
        if not self._cutting:
            self._partial += rest
            if len(self._partial) > LINE_BYTES_MAX:
                lines.append(_text(self._partial))
                self._partial, self._cutting = b"", True
        return lines

    def flush(self) -> list[str]:
        """Return what is left at the stream's end, as a line."""
        partial, self._partial = self._partial, b""
        return [_text(partial)] if partial else []


def _text(line: bytes) -> str:
    kept = line[:LINE_BYTES_MAX]
    text = kept.decode(errors="replace").rstrip("\r")
    return text + CUT_MARK if len(line) > LINE_BYTES_MAX else text
