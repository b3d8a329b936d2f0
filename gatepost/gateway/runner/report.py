"""The lines that Lambda itself writes into an invocation's log: START, END and REPORT."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Final

_PEAK: Final = re.compile(rb"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_KIB_PER_MB: Final = 1024


def peak_memory_mb(pid: int) -> int | None:
    """Give the most memory that a process ever had; None where the system does not tell (Linux)."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return None
    found = _PEAK.search(status)
    return math.ceil(int(found[1]) / _KIB_PER_MB) if found else None


def start_line(request_id: str) -> str:
    """Write the line that begins an invocation's log."""
    return f"START RequestId: {request_id} Version: $LATEST"


def end_line(request_id: str) -> str:
    """Write the line after the last that the function has printed."""
    return f"END RequestId: {request_id}"


def report_line(
    request_id: str,
    *,
    duration_ms: float,
    memory_mb: int,
    used_mb: int | None,
    init_ms: float | None,
) -> str:
    """Write durations, and the memory of the worker, as Lambda does.

    `init_ms` is given for a worker's first invocation only. The init is billed too, since August
    2025 (AWS-INIT).
    """
    billed_ms = math.ceil(duration_ms + (init_ms or 0.0))
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {billed_ms} ms",
        f"Memory Size: {memory_mb} MB",
    ]
    if used_mb is not None:
        parts.append(f"Max Memory Used: {used_mb} MB")
    if init_ms is not None:
        parts.append(f"Init Duration: {init_ms:.2f} ms")
    return "\t".join(parts)
