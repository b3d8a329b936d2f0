"""`gatepost replay`: runs the core over a trace and finds where it does something else now.

Pure: no sockets, no functions, no waiting. The times are those of the trace.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, TextIO

from msgspec import Struct

from gatepost import __version__
from gatepost.emulator.errors import UserError
from gatepost.gateway.core.gateway import Gateway
from gatepost.gateway.core.inputs import Input
from gatepost.gateway.server.redaction import Redactor
from gatepost.gateway.server.trace import Header, TraceError, decode, entry, read_header

Line = dict[str, Any]

UNVERIFIABLE: Final = (
    "Signatures were verified when this was recorded. Secrets are not in a trace, so a replay "
    "refuses what was signed: a difference there tells nothing.\n"
)


class Difference(Struct, frozen=True):
    """The first line (counted from 1) whose commands are others now."""

    line: int
    given: Line
    expected: list[Line] | str
    got: list[Line] | str


class Replayed(Struct, frozen=True):
    """How a replay ended. `cut` tells that the last line was incomplete, and not replayed."""

    inputs: int
    difference: Difference | None = None
    cut: bool = False


def replay(path: Path, out: TextIO) -> int:
    """Replay a file and tell the result; 0 without difference, else 1.

    Raises UserError for a file that can't be read as a trace.
    """
    try:
        with path.open("rb") as lines:
            header = read_header(lines.readline())
            replayed = replay_lines(header, lines)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}.") from error
    except TraceError as error:
        raise UserError(f"{path} can't be replayed: {error}.") from error
    if header.gatepost != __version__:
        out.write(f"Recorded by gatepost {header.gatepost}; this is {__version__}.\n")
    if replayed.cut:
        out.write("The last line is incomplete and was left out.\n")
    if (difference := replayed.difference) is None:
        out.write(f"{replayed.inputs} inputs replayed, no difference.\n")
        return 0
    if header.settings.verify_signatures:
        out.write(UNVERIFIABLE)
    out.write(_told(path, difference))
    return 1


def replay_lines(header: Header, lines: Iterable[bytes]) -> Replayed:
    """Give each input of the trace to a new core, until its commands differ.

    `lines` are those after the header. Raises TraceError.
    """
    try:
        core = Gateway(header.deployment, settings=header.settings, seed=header.seed)
    except ValueError as error:
        raise TraceError(str(error)) from error
    redactor = Redactor()
    count = 0
    for number, raw in enumerate(lines, 2):
        if not raw.endswith(b"\n"):  # the recorder was killed while it wrote
            return Replayed(count, cut=True)
        line = _read(raw, number)
        expected = line.get("error", line.get("commands"))
        got = _receive(core, redactor, line, number)
        count += 1
        if got != expected:
            difference = Difference(number, line["input"], expected or "nothing", got)
            return Replayed(count, difference)
    return Replayed(count)


def _read(raw: bytes, number: int) -> Line:
    try:
        line = json.loads(raw)
    except ValueError as error:
        raise TraceError(f"line {number} is no JSON") from error
    if not isinstance(line, dict) or not {"now", "input"} <= line.keys():
        raise TraceError(f"line {number} has no input")
    return line


def _receive(core: Gateway, redactor: Redactor, line: Line, number: int) -> list[Line] | str:
    """Give the commands, or the name of the core's failure, as they would be written."""
    try:
        given: Input = decode(line["input"], Input)  # type: ignore[arg-type] # a union
        now = decode(line["now"], float)
    except TraceError as error:
        raise TraceError(f"line {number}: {error}") from error
    try:
        done = entry(redactor, given, now, core.receive(given, now))
    except Exception as error:  # noqa: BLE001 - a bug in the core is a result as well
        done = entry(redactor, given, now, error)
    got: list[Line] | str = done.get("error", done.get("commands", []))
    return got


def _told(path: Path, difference: Difference) -> str:
    """Show the first command that differs, and what led to it."""
    expected, got = difference.expected, difference.got
    if isinstance(expected, list) and isinstance(got, list):
        at = next(
            (
                at
                for at, (one, other) in enumerate(zip(expected, got, strict=False))
                if one != other
            ),
            min(len(expected), len(got)),
        )
        shown = [json.dumps(side[at]) if at < len(side) else "nothing" for side in (expected, got)]
        which = f"command {at + 1} differs"
    else:
        shown = [json.dumps(side) if isinstance(side, list) else side for side in (expected, got)]
        which = "the core failed on one side"
    return (
        f"{path}:{difference.line}: {which}.\n"
        f"  input     {json.dumps(difference.given)}\n"
        f"  expected  {shown[0]}\n"
        f"  got       {shown[1]}\n"
    )
