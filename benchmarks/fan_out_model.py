"""How long a broadcast takes, through how many workers, and what it costs: by the audience.

A model: what is measured comes from results/fan_out.json, how work is dealt from functions/core,
prices from gatepost/cost, the rest is assumed below. Writes the
tables of docs/explanation/fan-out.md: `python -m benchmarks.fan_out_model`.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.fan_out import ROWS
from benchmarks.results import FOLDER, table
from functions.core import limits
from functions.core.fanout import deal
from gatepost.cost.prices import read_prices

PAGE: Final = FOLDER.parents[1] / "docs/explanation/fan-out.md"
AUDIENCES: Final = (100, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
QUOTAS: Final = (10_000, 2_500)
WORKERS: Final = (1, 2, 5, 10, 20)

ROUND_TRIP_S: Final = 0.02
WIDTHS: Final = {"http": 256, "aiobotocore": 100}
CPU_FACTOR: Final = 2.0
WORKER_MB: Final = 1769
PUBLISHER_MB: Final = 1024
START_S: Final = 0.5
HAND_ON_S: Final = 1.0
ROW_BYTES: Final = 150
MESSAGE_BYTES: Final = 400

PRICES: Final = read_prices()
USD_MESSAGE: Final = PRICES.meters["websocket_messages"].of(1)
USD_GB_SECOND: Final = PRICES.meters["lambda_gb_seconds"].of(1)
USD_REQUEST: Final = PRICES.meters["lambda_requests"].of(1)
USD_READ_UNIT: Final = PRICES.meters["dynamodb_reads"].of(1)
USD_GB_OUT: Final = PRICES.meters["transfer_out_gb"].of(1)


def cpu_us(transport: str = "http") -> float:
    """CPU of one send, as measured last."""
    result = json.loads((FOLDER / "fan_out.json").read_text(encoding="utf-8"))
    return float(result["rows"][ROWS[transport]]["cpu_us_per_send"])


def possible_rate(transport: str, memory_mb: float) -> float:
    """Sends a second that a function is able to: by its CPU, and by its links."""
    by_cpu = min(1.0, memory_mb / WORKER_MB) * 1e6 / (cpu_us(transport) * CPU_FACTOR)
    return min(by_cpu, WIDTHS[transport] / ROUND_TRIP_S)


def shards_of(audience: int) -> int:
    """Shards of a channel that has grown to this: each doubling adds a share to each shard."""
    shards = 1
    while audience > limits.SHARD_SUBSCRIBERS_MAX * (2 * shards - 1):
        shards *= 2
    return shards


@dataclass(frozen=True, slots=True)
class Plan:
    """One broadcast. `budget_s` is what FANOUT_BUDGET_S has to be; times are seconds."""

    audience: int
    shards: int
    workers: int
    rate: float
    time_s: float
    hops: int
    budget_s: float
    longest_s: float
    lambda_usd: float

    @property
    def messages_usd(self) -> float:
        """What the gateway asks for the messages."""
        return self.audience * USD_MESSAGE

    @property
    def table_usd(self) -> float:
        """What reading the subscribers costs: consistent reads, in units of 4 KB."""
        return (self.audience * ROW_BYTES / 4096 + self.shards) * USD_READ_UNIT

    @property
    def out_usd(self) -> float:
        """What the way to the clients costs."""
        return self.audience * MESSAGE_BYTES / 1e9 * USD_GB_OUT

    @property
    def usd(self) -> float:
        """All of it."""
        return self.messages_usd + self.lambda_usd + self.table_usd + self.out_usd


def plan(
    audience: int, *, quota: float = 10_000, workers: int = 5, transport: str = "http"
) -> Plan:
    """Plan a broadcast as functions/core/reaching.py and fanout.py carry it out."""
    shards = shards_of(audience)
    if shards <= limits.DIRECT_SHARDS_MAX:
        rate = possible_rate(transport, PUBLISHER_MB)
        time_s = audience / rate
        usd = time_s * PUBLISHER_MB / 1024 * USD_GB_SECOND
        return Plan(audience, shards, 0, rate, time_s, 0, 0, time_s, usd)
    parts = deal(shards, workers)
    weights = [sum(_share(shards, shard) for shard in part) for part in parts]
    sends = [audience * weight / sum(weights) for weight in weights]
    rate = min(limits.FANOUT_SHARE * quota / workers, possible_rate(transport, WORKER_MB))
    sending_s = max(sends) / rate
    budget_s = max(limits.FANOUT_BUDGET_S, math.ceil(sending_s / limits.FANOUT_HOPS_MAX))
    hops = math.ceil(sending_s / budget_s)
    time_s = START_S + sending_s + (hops - 1) * HAND_ON_S
    invocations = sum(math.ceil(each / rate / budget_s) for each in sends)
    busy_s = sum(sends) / rate + invocations * START_S
    usd = busy_s * WORKER_MB / 1024 * USD_GB_SECOND + invocations * USD_REQUEST
    longest_s = START_S + min(sending_s, budget_s)
    return Plan(
        audience,
        shards,
        len(parts),
        rate,
        time_s,
        hops,
        budget_s,
        longest_s,
        usd,
    )


def _share(shards: int, shard: int) -> int:
    return max(1, shards.bit_length() - shard.bit_length())


def times() -> Iterator[str]:
    """A row for each audience: shards, and how it is reached under both quotas."""
    yield (
        "| Connections | Shards | Reached by | "
        + " | ".join(f"{quota:,}/s: last one after | hops" for quota in QUOTAS)
        + " |"
    )
    yield "| ---: | ---: | --- |" + " ---: | ---: |" * len(QUOTAS)
    for audience in AUDIENCES:
        plans = [plan(audience, quota=quota) for quota in QUOTAS]
        by = f"{plans[0].workers} workers" if plans[0].workers else "the publisher"
        cells = [f"{each.time_s:,.1f} s | {_hops(each)}" for each in plans]
        yield f"| {audience:,} | {plans[0].shards} | {by} | {' | '.join(cells)} |"


def _hops(found: Plan) -> str:
    if not found.workers:
        return "-"
    if found.budget_s > limits.FANOUT_BUDGET_S:
        return f"{found.hops} of {found.budget_s:g} s"
    return str(found.hops)


def money() -> Iterator[str]:
    """A row for each audience: what one publication costs, by service."""
    yield "| Connections | Messages | Lambda | Table | Data out | In all | of it Lambda |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for audience in AUDIENCES:
        found = plan(audience)
        parts = (found.messages_usd, found.lambda_usd, found.table_usd, found.out_usd, found.usd)
        cells = " | ".join(f"${usd:.6f}" for usd in parts)
        yield f"| {audience:,} | {cells} | {found.lambda_usd / found.usd:.1%} |"


def numbers() -> Iterator[str]:
    """A row for each number of workers: 100,000 connections, the larger quota, both Transports."""
    yield "| Workers | each sends | last one after | Lambda | by aiobotocore | last one after |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: |"
    for workers in WORKERS:
        ours = plan(100_000, workers=workers)
        other = plan(100_000, workers=workers, transport="aiobotocore")
        yield (
            f"| {workers} | {ours.rate:,.0f}/s | {ours.time_s:,.1f} s | ${ours.lambda_usd:.4f}"
            f" | {other.rate:,.0f}/s | {other.time_s:,.1f} s |"
        )


def assumptions() -> Iterator[str]:
    """A row for each figure that goes in."""
    yield "| Figure | Value | Where from |"
    yield "| --- | ---: | --- |"
    for row in (*_technical(), *_prices()):
        yield f"| {' | '.join(row)} |"


def _technical() -> Iterator[tuple[str, str, str]]:
    measured, assumed = "measured, see above", "assumed"
    yield "CPU of one send", f"{cpu_us():g} µs", measured
    yield "the same over aiobotocore", f"{cpu_us('aiobotocore'):g} µs", measured
    yield "a virtual CPU of Lambda against the one measured on", f"1 : {CPU_FACTOR:g}", assumed
    yield "time of one `POST /@connections`", f"{ROUND_TRIP_S * 1000:g} ms", assumed
    widths = f"{WIDTHS['http']}, {WIDTHS['aiobotocore']}"
    yield "sends at a time, over aiobotocore", widths, "`WIDTH` of the adapters"
    memory = f"{WORKER_MB:,}, {PUBLISHER_MB:,} MB"
    yield "memory of a worker, of who publishes", memory, "`serverless.yml`; 1,769 MB are one CPU"
    share = f"{limits.FANOUT_SHARE:.0%}, {limits.FANOUT_WORKERS}"
    yield "share of the quota, workers", share, "`FANOUT_SHARE`, `FANOUT_WORKERS`"
    budget = f"{limits.FANOUT_BUDGET_S:g} s, {limits.FANOUT_HOPS_MAX}"
    yield "a worker's time for sends, hops", budget, "`functions/core/limits.py`"
    yield "handing over, start of a worker, first page", f"{START_S:g} s", "assumed: a cold start"
    yield "handing on", f"{HAND_ON_S:g} s", "assumed: Lambda's retry while all workers are busy"
    yield "a subscriber's row, a message", f"{ROW_BYTES}, {MESSAGE_BYTES} bytes", assumed


def _prices() -> Iterator[tuple[str, str, str]]:
    source = f"`gatepost/cost/prices.toml`: {PRICES.region}, {PRICES.as_of}"
    yield "messages, each 32 KB begun", f"${USD_MESSAGE * 1e6:.2f} per million", source
    yield "Lambda on Arm", f"${USD_GB_SECOND:.10f} per GB-s", source
    yield "Lambda requests", f"${USD_REQUEST * 1e6:.2f} per million", source
    yield (
        "units of 4 KB, read consistently",
        f"${USD_READ_UNIT * 1e6:.3f} per million",
        source,
    )
    yield "data out", f"${USD_GB_OUT:.2f} per GB", source


TABLES: Final = {
    "measured": lambda: iter([table("fan_out")]),
    "times": times,
    "money": money,
    "numbers": numbers,
    "assumptions": assumptions,
}


def filled(page: str) -> str:
    """Give the page with each table between its marks made anew."""
    for name, rows in TABLES.items():
        before, begin, rest = page.partition(f"<!-- table: {name} -->\n")
        _, end, after = rest.partition(f"\n<!-- end: {name} -->")
        if not end:
            raise SystemExit(f"{PAGE.name} has no place for the table {name}")
        page = before + begin + "\n".join(rows()) + end + after
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
