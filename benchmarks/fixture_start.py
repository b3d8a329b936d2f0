"""How long the pytest fixture `gatepost` takes to give a gateway that answers, and to take it down.

`first` is the first gateway of a process that has imported pytest and, at the most, what the
plugin imports when tests are collected; `further` is each one after it. `imports` is what
collecting then takes longer. Modules are compiled already, as they are in every run of a project's
tests but its first.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.results import keep

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "tests/fixtures/projects/failures/serverless.yml"
PROCESSES = 7
GATEWAYS = 20
METHOD = (
    f"medians of {PROCESSES} processes, interleaved; in each, one first gateway and {GATEWAYS - 1} "
    "further ones, from the call of the fixture to a client whose handshake is complete, and from "
    "there to everything closed; in milliseconds, of the clock but for those of the processor "
    "(cpu); first_least is the least of the processes, which others on the machine disturbed "
    "least; handlers run in the test's process, modules are compiled before"
)
GIVEN = ("handlers given directly", "template")
LATE = ", imported at first use"
"""For a fixture that collecting does not show, as by `request.getfixturevalue`."""
KINDS = (*GIVEN, *(given + LATE for given in GIVEN))


def measure(kind: str) -> dict[str, float]:
    """Measure in this process; milliseconds."""
    import pytest  # noqa: F401, PLC0415 - a process that runs tests has it

    before, before_cpu = time.perf_counter(), time.process_time()
    if not kind.endswith(LATE):
        import gatepost.emulator.testing.prepared  # noqa: F401, PLC0415 - it is measured
    begun, begun_cpu = time.perf_counter(), time.process_time()
    imports = {"imports_ms": begun - before, "imports_cpu_ms": begun_cpu - before_cpu}
    figures = {**imports, **_measure_gateways(kind, begun, begun_cpu)}
    return {name: figure * 1000 for name, figure in figures.items()}


def _measure_gateways(kind: str, begun: float, begun_cpu: float) -> dict[str, float]:
    """Start and close gateways; the first is under way since `begun`. Seconds."""
    from gatepost.emulator.testing.gateway import Gateways  # noqa: PLC0415 - it is measured

    starts: list[float] = []
    ends: list[float] = []
    for _ in range(GATEWAYS):
        gateways = Gateways()
        if kind.startswith("template"):
            gateway = gateways(template=TEMPLATE)
        else:
            gateway = gateways({"$connect": lambda _event, _context: {"statusCode": 200}})
        gateway.connect()
        started = time.perf_counter()
        if not starts:
            first_cpu = time.process_time() - begun_cpu
        gateways.close()
        ended = time.perf_counter()
        starts.append(started - begun)
        ends.append(ended - started)
        begun = time.perf_counter()
    return {
        "first_ms": starts[0],
        "first_cpu_ms": first_cpu,
        "further_ms": statistics.median(starts[1:]),
        "close_ms": statistics.median(ends),
    }


async def main() -> None:
    """Measure each kind in processes of its own, print and keep the medians."""
    rounds: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        await asyncio.to_thread(_measure_apart, kind)  # compiles what is not compiled yet
    for _ in range(PROCESSES):
        for kind in KINDS:
            rounds[kind].append(await asyncio.to_thread(_measure_apart, kind))
    keep("fixture_start", METHOD, {kind: _row(measured) for kind, measured in rounds.items()})


def _measure_apart(kind: str) -> dict[str, float]:
    """Measure in a process of its own, which keeps compiled modules whatever the shell says."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "benchmarks.fixture_start", kind]
    ran = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(ran.stdout)
    return figures


def _row(measured: list[dict[str, float]]) -> dict[str, float]:
    medians = {name: statistics.median(each[name] for each in measured) for name in measured[0]}
    least = min(each["first_ms"] for each in measured)
    return {name: round(ms, 1) for name, ms in {"first_least_ms": least, **medians}.items()}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
