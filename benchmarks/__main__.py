"""`python -m benchmarks [NAME ...]`: run all benchmarks, or those named."""

import asyncio
import sys

from benchmarks import (
    against_serverless_offline,
    artifact_sizes,
    cold_start,
    fixture_start,
    idle_connections,
    soak,
)

BENCHMARKS = {
    "against_serverless_offline": against_serverless_offline.main,
    "artifact_sizes": artifact_sizes.main,
    "cold_start": cold_start.main,
    "fixture_start": fixture_start.main,
    "idle_connections": idle_connections.main,
    "soak": soak.main,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"no benchmark {name}; there are: {', '.join(BENCHMARKS)}")
        asyncio.run(BENCHMARKS[name]())
