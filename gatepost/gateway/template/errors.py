"""What is wrong with a template, and where.

Responsible for the one exception of this package and for places in files; not for finding faults.
"""

from dataclasses import dataclass
from typing import Final

HTTP_ALONE: Final = "HTTP APIs are only served beside a WebSocket API, which this emulator is for"
"""Said of a template that has no WebSocket API."""


class TemplateError(Exception):
    """A template can't be read. Its text is one sentence for the person who wrote the template.

    `str()` is `serverless.yml:12: sentence`; `line` is None when the whole file is at fault.
    """

    def __init__(self, message: str, *, file: str, line: int | None = None) -> None:
        self.file = file
        self.line = line
        self.message = message
        super().__init__(f"{file}: {message}" if line is None else f"{file}:{line}: {message}")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file; lines count from 1, None is the file as a whole."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def error(self, message: str) -> TemplateError:
        """Return the error to raise for something wrong here."""
        return TemplateError(message, file=self.file, line=self.line)
