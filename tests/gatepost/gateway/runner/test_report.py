"""The REPORT line."""

from __future__ import annotations

import os

from gatepost.gateway.runner.report import peak_memory_mb, report_line


def test_the_line_reads_as_lambdas() -> None:
    """Durations in ms, billed ones rounded up; parts are separated by tabs."""
    line = report_line("r-1", duration_ms=12.3456, memory_mb=128, used_mb=45, init_ms=None)
    assert line.split("\t") == [
        "REPORT RequestId: r-1",
        "Duration: 12.35 ms",
        "Billed Duration: 13 ms",
        "Memory Size: 128 MB",
        "Max Memory Used: 45 MB",
    ]


def test_an_init_is_shown_and_billed() -> None:
    """Since August 2025; memory that is not known is left out."""
    line = report_line("r-1", duration_ms=10.0, memory_mb=128, used_mb=None, init_ms=100.5)
    assert "Billed Duration: 111 ms" in line
    assert line.endswith("\tInit Duration: 100.50 ms")
    assert "Max Memory Used" not in line


def test_the_memory_of_a_process_is_read_where_the_system_tells() -> None:
    """Of one that has gone, nothing is known."""
    used = peak_memory_mb(os.getpid())
    assert used is None or 1 < used < 100_000
    assert peak_memory_mb(2**22 + 1) is None
