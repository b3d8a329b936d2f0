"""`python -m benchmarks [NAME ...]`: run all benchmarks, or those named."""

import asyncio
import sys

from benchmarks import (
    against_serverless_offline,
    fan_out,
    fixture_start,
    idle_connections,
    post_to_connection,
    soak,
)

BENCHMARKS = {
    "against_serverless_offline": against_serverless_offline.main,
    "fan_out": fan_out.main,
    "fixture_start": fixture_start.main,
    "idle_connections": idle_connections.main,
    "post_to_connection": post_to_connection.main,
    "soak": soak.main,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"no benchmark {name}; there are: {', '.join(BENCHMARKS)}")
        asyncio.run(BENCHMARKS[name]())
