"""Ways of posting to connections from Python, against a server that costs less than any of them.

Each measurement is a process of its own (post_clients.py), the server another (post_server.py).
Rounds are interleaved, so that what else the machine does hits all.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import trustme

from benchmarks.post_clients import CLIENTS
from benchmarks.results import keep

ROUNDS = 3
SECONDS = 1.0
CASES = {
    "plain": "http://127.0.0.1:{0}/dev",
    "TLS": "https://127.0.0.1:{1}/dev",
    "plain, 10 ms": "http://127.0.0.1:{0}/10ms",
    "TLS, 10 ms": "https://127.0.0.1:{1}/10ms",
}
REFERENCE = "aiobotocore, gather(100)"
METHOD = (
    f"{ROUNDS} interleaved rounds of {SECONDS:g} s after a warm-up that opens the links; each "
    "client in a process of its own on asyncio's own event loop, a minimal server (uvloop, one "
    "process) in another; 87 bytes to another connection with each call, a session token of 600 "
    "characters. '10 ms': the server answers so much later. Gatepost: one core.fan_out over the "
    "default Transport, as for a publication. CPU is user and system time of the client's process. "
    "Medians; times_as_many (calls) and times_less_CPU are medians of the rounds' ratios to "
    "aiobotocore; server_busy is the share of one core that the server used"
)
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "x" * 600,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
Figures = dict[str, float]


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[tuple[int, list[int]]]:
    """Run the server; gives its process's id and its ports."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate = folder / "certificate.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.post_server", str(certificate)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if process.stdout is None:
            sys.exit("the server has no output")
        yield process.pid, json.loads(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def measure(name: str, url: str, folder: Path, server_pid: int) -> Figures:
    """Run one client for a while."""
    busy = psutil.Process(server_pid).cpu_times()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.post_clients", name, url, str(SECONDS)),
        env={**os.environ, **ENVIRONMENT, "AWS_CA_BUNDLE": str(folder / "authority.pem")},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    if process.returncode:
        sys.exit(f"{name} failed; its error is above")
    found = json.loads(output)
    after = psutil.Process(server_pid).cpu_times()
    return {
        "calls_per_s": found["calls"] / found["wall_s"],
        "CPU_us_a_call": found["cpu_s"] / found["calls"] * 1e6,
        "server_busy": (after.user + after.system - busy.user - busy.system)
        / found["total_wall_s"],
    }


def summary(rounds: list[dict[str, Figures]]) -> dict[str, Figures]:
    """Medians of each client, and of its ratios to the reference in the same round."""
    rows = {}
    for name in CLIENTS:
        found = [each[name] for each in rounds]
        reference = [each[REFERENCE] for each in rounds]
        pairs = list(zip(found, reference, strict=True))
        rows[name] = {
            key: round(statistics.median(each[key] for each in found), 2) for key in found[0]
        }
        rows[name]["calls_per_s"] = round(rows[name]["calls_per_s"])
        rows[name]["CPU_us_a_call"] = round(rows[name]["CPU_us_a_call"], 1)
        rows[name]["times_as_many"] = round(
            statistics.median(one["calls_per_s"] / other["calls_per_s"] for one, other in pairs), 1
        )
        rows[name]["times_less_CPU"] = round(
            statistics.median(
                other["CPU_us_a_call"] / one["CPU_us_a_call"] for one, other in pairs
            ),
            1,
        )
    return rows


async def main() -> None:
    """Measure every client in every case."""
    cases: dict[str, list[dict[str, Figures]]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with server(folder) as (pid, ports):
            for _ in range(ROUNDS):
                for case, url in CASES.items():
                    cases[case].append(
                        {
                            client: await measure(client, url.format(*ports), folder, pid)
                            for client in CLIENTS
                        }
                    )
    rows = {
        f"{client}; {case}": figures
        for case, rounds in cases.items()
        for client, figures in summary(rounds).items()
    }
    keep("post_to_connection", METHOD, rows)
