"""Lines of the live log."""

import io

import pytest

from gatepost.emulator.live_log import LiveLog
from gatepost.gateway.core.commands import Report
from gatepost.gateway.runner.output import Output

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
