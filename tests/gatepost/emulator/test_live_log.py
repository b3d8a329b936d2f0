"""Lines of the live log."""

import contextlib
import io
import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from gatepost.emulator.live_log import LINE_CHARS_MAX, LiveLog
from gatepost.gateway.core.commands import Report
from gatepost.gateway.runner.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE = Report("message", "Q0ZkUfPSIAMCJzA=", "$default", 200, 12.34)


def written(report: Report, level: str = "info") -> str:
    """What one report writes."""
    stream = io.StringIO()
    LiveLog(stream, level=level, now=lambda: 0.0).report(report)
    return stream.getvalue()


def test_a_line_tells_time_kind_connection_route_status_and_milliseconds() -> None:
    """Everything that is asked of a line, without colours where no terminal is."""
    line = written(MESSAGE)
    for part in ("message", "Q0ZkUfPSIAMCJzA=", "$default", "200", "12.3 ms"):
        assert part in line
    assert "\x1b" not in line
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("report", "shown"),
    [
        (MESSAGE, False),
        (Report("connect", None, "$connect", 502, 1.0), True),
        (Report("disconnect", "c", "$disconnect", 1009), True),
        (Report("disconnect", "c", "$disconnect", 1001), False),
    ],
)
def test_the_warning_level_shows_failures_alone(report: Report, *, shown: bool) -> None:
    """Statuses from 400 and close codes of failure."""
    assert bool(written(report, "warning")) is shown


def test_plain_http_is_shown_at_debug_only() -> None:
    """Health checks and favicons are noise."""
    report = Report("http", None, None, 426)
    assert not written(report)
    assert written(report, "debug")


def test_what_a_function_prints_is_attributed() -> None:
    """Function and process stand before the text."""
    stream = io.StringIO()
    LiveLog(stream, now=lambda: 0.0).output(Output("connect", 42, "stdout", "hello"))
    assert "connect[42] | hello\n" in stream.getvalue()


@pytest.mark.parametrize(
    ("odd", "spelled"),
    [
        ("/dev\x1b[2J", r"/dev\x1b[2J"),
        ("one\r\ntwo", r"one\r\ntwo"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202etxt", r"\u202etxt"),
        ("tab\tgrün \U0001f468\u200d\U0001f469", "tab\tgrün \U0001f468\u200d\U0001f469"),
    ],
)
def test_what_comes_from_outside_cant_steer_the_terminal(odd: str, spelled: str) -> None:
    """Control characters of paths, ids, errors and output are spelled out; text stays as it is."""
    assert spelled in written(Report("connect", None, None, 403, detail=odd))
    assert spelled in written(Report("send", odd, None, 400))
    stream = io.StringIO()
    LiveLog(stream, now=lambda: 0.0).output(Output("connect", 42, "stdout", odd))
    assert stream.getvalue().endswith(f"| {spelled}\n")


def test_a_functions_own_colours_are_dropped() -> None:
    """They carry nothing, and one that never ends would colour the lines of others."""
    stream = io.StringIO()
    LiveLog(stream, now=lambda: 0.0).output(Output("connect", 42, "stdout", "\x1b[1;31mred"))
    assert stream.getvalue().endswith("| red\n")


def test_a_report_has_a_longest_line() -> None:
    """An error message of megabytes does not fill the screen."""
    line = written(Report("message", "c", "$default", 502, 1.0, "x" * 1_000_000))
    assert len(line) < LINE_CHARS_MAX + 30
    assert line.endswith(" [cut]\n")


def test_lines_of_one_turn_of_the_loop_are_written_together() -> None:
    """In order, and before what the emulator itself says."""
    stream = io.StringIO()
    turns: list[Callable[[], None]] = []
    log = LiveLog(stream, now=lambda: 0.0, later=turns.append)
    log.report(MESSAGE)
    log.report(MESSAGE)
    assert (stream.getvalue(), len(turns)) == ("", 1)
    turns.pop()()
    assert stream.getvalue().count("\n") == 2
    log.report(MESSAGE)
    log.say("Stopping")
    assert stream.getvalue().count("\n") == 4
    assert stream.getvalue().endswith("\nStopping\n")


def test_a_stream_that_nobody_reads_is_told_once_and_then_left_alone() -> None:
    """`gatepost dev | head -1` ends in good order."""
    ends: list[str] = []
    reading, writing = os.pipe()
    os.close(reading)
    with contextlib.suppress(BrokenPipeError), open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor
        log = LiveLog(stream, on_unread=lambda: ends.append("unread"))
        for _ in range(3):
            log.report(MESSAGE)
            log.say("still here")
    assert ends == ["unread"]


def test_a_report_is_shown_at_debug_only_and_a_warning_always() -> None:
    """REPORT lines double the log; what would go wrong on Lambda matters."""
    for stream, level, shown in (
        ("report", "info", False),
        ("report", "debug", True),
        ("warning", "warning", True),
    ):
        output = msgspec.convert(
            {"function": "chat", "pid": 1, "stream": stream, "line": "text"}, Output
        )
        written_to = io.StringIO()
        LiveLog(written_to, level=level, now=lambda: 0.0).output(output)
        assert ("text" in written_to.getvalue()) is shown
