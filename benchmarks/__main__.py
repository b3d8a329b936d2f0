"""`python -m benchmarks [NAME ...]`: run all benchmarks, or those named."""

import asyncio
import sys

from benchmarks import (
    artifact_sizes,
    broadcast,
    cold_start,
    fan_out,
    fixture_start,
    idle_connections,
    post_to_connection,
    round_trips,
    soak,
    table_operations,
)
from benchmarks.loops import end_tidily

BENCHMARKS = {
    "artifact_sizes": artifact_sizes.main,
    "broadcast": broadcast.main,
    "cold_start": cold_start.main,
    "fan_out": fan_out.main,
    "fixture_start": fixture_start.main,
    "idle_connections": idle_connections.main,
    "post_to_connection": post_to_connection.main,
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
