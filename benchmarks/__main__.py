"""`python -m benchmarks [NAME ...]`: run all benchmarks, or those named."""

import asyncio
import sys

from benchmarks import (
    broadcast,
    fixture_start,
    idle_connections,
    round_trips,
    soak,
    table_operations,
)
from benchmarks.loops import end_tidily

BENCHMARKS = {
    "broadcast": broadcast.main,
    "fixture_start": fixture_start.main,
    "idle_connections": idle_connections.main,
    "round_trips": round_trips.main,
    "soak": soak.main,
    "table_operations": table_operations.main,
}

if __name__ == "__main__":
    end_tidily()
    for name in sys.argv[1:] or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"no benchmark {name}; there are: {', '.join(BENCHMARKS)}")
        asyncio.run(BENCHMARKS[name]())
