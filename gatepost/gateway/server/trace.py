"""Recording what goes into the core and what it wants done, as JSON lines; and reading it back.

The first line is a header from which the same core can be made again; each further line is one
input with its time and the commands it led to. Secrets do not land in it (redaction.py). Bytes
are written as `{"$": "text"}`, so that events and payloads can be read.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import msgspec
from msgspec import Struct

from gatepost import __version__
from gatepost.gateway.core.commands import Command
from gatepost.gateway.core.connection import Connection
from gatepost.gateway.core.deployment import Deployment
from gatepost.gateway.core.gateway import Gateway
from gatepost.gateway.core.inputs import Input
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.redaction import Redactor
from gatepost.gateway.server.shell import Core

logger = logging.getLogger(__name__)

S = TypeVar("S")
Later = Callable[[float, Callable[[], None]], asyncio.TimerHandle]

FORMAT: Final = 1
FLUSH_S: Final = 0.5
"""A line is on disk at most so much later: what `kill -9` may lose."""
BUFFER_BYTES: Final = 1 << 16


class Header(Struct, frozen=True, kw_only=True):
    """The first line: what the same core is made of, and the version that recorded it."""

    gatepost: str
    format: int = FORMAT
    seed: int
    settings: GatewaySettings
    deployment: Deployment


class TraceError(Exception):
    """A file is no trace, or not one of this format."""


class Recorder:
    """Writes a trace; `core` is a GatewayServer's `make_core`.

    Raises OSError when the file can't be written at the beginning. Later that ends the trace, not
    the gateway. With `later` (an event loop's `call_later`) lines are flushed after FLUSH_S, else
    when the buffer is full and at the end.
    """

    def __init__(self, path: Path, *, seed: int, later: Later | None = None) -> None:
        self._file: BinaryIO | None = path.open("wb", buffering=BUFFER_BYTES)
        self._seed = seed
        self._later = later
        self._redactor = Redactor()
        self._flush_at: asyncio.TimerHandle | None = None

    def core(self, deployment: Deployment, settings: GatewaySettings) -> Core:
        """Make a core that is recorded."""
        header = Header(
            gatepost=__version__,
            seed=self._seed,
            settings=self._redactor.settings(settings),
            deployment=self._redactor.deployment(deployment),
        )
        self.write(encode(header))
        self.flush()
        return RecordedCore(Gateway(deployment, settings=settings, seed=self._seed), self)

    def record(self, given: Input, now: float, commands: list[Command] | Exception) -> None:
        """Write one input and what came of it."""
        self.write(entry(self._redactor, given, now, commands))
        if self._flush_at is None and self._later is not None:
            self._flush_at = self._later(FLUSH_S, self.flush)

    def write(self, line: object) -> None:
        """Put a line into the buffer."""
        if self._file is not None:
            self._guarded(self._file.write, json.dumps(line).encode() + b"\n")

    def flush(self) -> None:
        """Have what was written so far survive the end of this process, however it comes."""
        if self._flush_at is not None:
            self._flush_at.cancel()
            self._flush_at = None
        if self._file is not None:
            self._guarded(self._file.flush)

    def close(self) -> None:
        """Flush, and write nothing more. May be repeated."""
        self.flush()
        self._drop_file()

    def _guarded(self, action: Callable[..., object], *given: object) -> None:
        try:
            action(*given)
        except OSError as error:
            logger.warning("The trace ends here, it can't be written: %s", error)
            self._drop_file()

    def _drop_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # what is left in the buffer, on a full disk
                file.close()


class RecordedCore:
    """A core whose inputs and commands are written down."""

    def __init__(self, core: Core, recorder: Recorder) -> None:
        self._core = core
        self._recorder = recorder

    def receive(self, given: Input, now: float) -> list[Command]:
        """Do what the core does."""
        try:
            commands = self._core.receive(given, now)
        except Exception as error:
            self._recorder.record(given, now, error)
            raise
        self._recorder.record(given, now, commands)
        return commands

    def connections(self) -> list[Connection]:
        """List the core's open connections."""
        return self._core.connections()


def entry(
    redactor: Redactor, given: Input, now: float, commands: list[Command] | Exception
) -> dict[str, Any]:
    """Give a line's content: the input, and the commands or the name of the core's failure."""
    line = {"now": now, "input": redactor.redact(encode(given))}
    if isinstance(commands, Exception):
        return {**line, "error": type(commands).__name__}
    return {**line, "commands": [redactor.redact(encode(command)) for command in commands]}


def encode(value: object) -> Any:  # noqa: ANN401 - JSON
    """Turn a Struct into what JSON can hold."""
    return _readable(msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=str))


def decode(value: object, kind: type[S]) -> S:
    """Make the Struct again. Raises TraceError when it is none of this kind."""
    try:
        return msgspec.convert(_bytes_again(value), kind, builtin_types=(bytes,), dec_hook=_made)
    except (msgspec.ValidationError, UnicodeError) as error:
        raise TraceError(str(error)) from error


def read_header(line: bytes) -> Header:
    """Read the first line. Raises TraceError."""
    try:
        found = json.loads(line)
    except ValueError as error:
        raise TraceError("its first line is no header of a trace") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise TraceError(f"its first line is no header of a trace of format {FORMAT}")
    return decode(found, Header)


def _readable(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case bytes():
            return {"$": value.decode("utf-8", "surrogateescape")}
        case dict():
            return {key: _readable(each) for key, each in value.items()}
        case list() | tuple():
            return [_readable(each) for each in value]
        case _:
            return value


def _bytes_again(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case {"$": str(text), **others} if not others:
            return text.encode("utf-8", "surrogateescape")
        case dict():
            return {key: _bytes_again(each) for key, each in value.items()}
        case list():
            return [_bytes_again(each) for each in value]
        case _:
            return value


def _made(kind: type, value: object) -> object:
    """Make what msgspec leaves to us: paths, and whatever is declared as any object."""
    return Path(str(value)) if kind is Path else value
