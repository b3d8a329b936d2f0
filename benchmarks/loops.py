"""How the benchmarks' own processes run: under uvloop where it is installed, and ended tidily."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any


def end_tidily() -> None:
    """Let SIGTERM end this process as Ctrl-C does: with what it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run until `main` ends, as `gatepost dev` does."""
    try:
        import uvloop  # noqa: PLC0415 - optional
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)
