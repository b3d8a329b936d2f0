"""What a send costs a fan-out worker: the CPU of the whole worker, by Transport.

docs/explanation/fan-out.md builds on the figure (fan_out_model.py). `python -m benchmarks.fan_out
URL SENDS` is one worker in a process of its own; TRANSPORT says over what.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import trustme

from benchmarks.results import keep

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
ROUNDS = 5
SENDS = {"http": 20_000, "aiobotocore": 3_000}
ROWS = {"http": "Gatepost's own Transport", "aiobotocore": "Transport over aiobotocore"}
WARM_UP = 1000
PAYLOAD = '{"type":"publication","channel":"ticker:all","data":{"text":"a line of some length"}}'
METHOD = (
    f"medians of {ROUNDS} processes each, interleaved; in each, one job of a fan-out worker over a "
    f"channel of {SENDS['http']:,} connections ({SENDS['aiobotocore']:,} over aiobotocore), from "
    "pages of 1,000 in memory, by TLS to a server on loopback that answers at once; CPU of the "
    "worker's process, after a job that warmed up; no pace"
)


class Pages:
    """A SubscriptionStore of one shard."""

    def __init__(self, connections: int) -> None:
        self._connections = connections

    async def of_shard(
        self, _channel: str, _shard: int, *, now: int, after: str | None = None
    ) -> AsyncIterator[Sequence[str]]:
        """Give pages as large as the table's; a job that begins has no cursor."""
        del now, after
        for start in range(0, self._connections, 1000):
            end = min(start + 1000, self._connections)
            yield [f"L0SM9cOFv{number:06d}=" for number in range(start, end)]


async def work(url: str, sends: int) -> None:
    """Carry one job out, and print what it took."""
    from msgspec import structs  # noqa: PLC0415 - a worker loads what it needs

    from functions.core.fanout import carry_out  # noqa: PLC0415 - as above
    from functions.core.workers import Job  # noqa: PLC0415 - as above
    from functions.runtime.wiring import Environment  # noqa: PLC0415 - as above

    environ = {**os.environ, "TABLE_NAME": "none", "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": url}
    environment = Environment(environ)
    given = await environment.services()
    job = Job("ticker:all", (0,), PAYLOAD)
    for connections in (WARM_UP, sends):
        store = structs.replace(given.store, subscriptions=cast("Any", Pages(connections)))
        services = structs.replace(given, store=store)
        began, cpu_began = time.perf_counter(), time.process_time()
        tally = await carry_out(services, job, budget_s=600)
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
        if tally.delivered != connections:
            sys.exit(f"not all were delivered: {tally}")
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s}))
    await environment.close()


@contextmanager
def server(folder: Path) -> "Iterator[str]":
    """Serve as the management API would, with a certificate for localhost; give the URL."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate = folder / "certificate.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.post_server", str(certificate)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        said = process.stdout.readline() if process.stdout else ""
        ports = json.loads(said)
        yield f"https://localhost:{ports[1]}/dev"
        process.communicate()  # closes its input, which ends it


def measure(transport: str, url: str, authority: Path) -> dict[str, float]:
    """Run one worker; give CPU per send, and sends a second."""
    environ = {
        **os.environ,
        "TRANSPORT": transport,
        "AWS_CA_BUNDLE": str(authority),
        "SSL_CERT_FILE": str(authority),
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token" * 100,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    sends = SENDS[transport]
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.fan_out", url, str(sends)],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    took = json.loads(finished.stdout)
    return {
        "cpu_us_per_send": took["cpu_s"] / sends * 1e6,
        "sends_per_s": sends / took["wall_s"],
    }


async def main() -> None:
    """Measure, print and keep."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in SENDS}
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as url:
        for _ in range(ROUNDS):
            for name, figures in found.items():
                figures.append(measure(name, url, Path(folder) / "authority.pem"))
    rows = {
        ROWS[name]: {
            key: round(statistics.median(each[key] for each in figures), 1) for key in figures[0]
        }
        for name, figures in found.items()
    }
    keep("fan_out", METHOD, rows)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], int(sys.argv[2])))
