"""What a publication costs: requests to the table, the units they take, money for a million.

The template runs in the emulator over dynoxide; a proxy between the two counts requests and adds
up the units that the stand-in says each one consumed. Money is units, messages and milliseconds
times list prices, without free tiers, logs, traffic to the internet and connection minutes.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import aiohttp
from aiohttp import web
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect

from benchmarks import systems
from benchmarks.broadcast import crowded
from benchmarks.crowd import Opening
from benchmarks.loops import end_tidily
from benchmarks.results import keep
from gatepost.cost.prices import read_prices

PRICES: Final = read_prices()

MEMORY_GB: Final = 1.0
BASE_MS: Final = 30.0
SENDS_PER_S: Final = 8_000.0
AUDIENCES: Final = (10, 100, 1_000)
REPEATED: Final = 2
"""Publications before the one that is counted: a rate's row and a channel's head are there then."""

METHOD: Final = (
    "One publication of some 100 bytes after others, in Gatepost's own template over dynoxide, its "
    "consumed capacity as the stand-in reports it; 'chat' keeps history and presence, 'game' keeps "
    f"nothing. USD for a million at list prices ({PRICES.region}, {PRICES.as_of}): one message in, "
    f"its reply, one out to each recipient; one Lambda invocation of {MEMORY_GB:g} GB that takes "
    f"{BASE_MS:g} ms and a second for every {SENDS_PER_S:,.0f} recipients (assumed: four fifths of "
    "the account's quota)."
)


class Ledger(Struct):
    """What went to the table since it was cleared."""

    requests: Counter[str]
    units: Counter[str]

    def clear(self) -> None:
        """Begin anew."""
        self.requests.clear()
        self.units.clear()


PASSED_ON: Final = ("X-Amz-Target", "X-Amz-Date", "Authorization")
WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})


@asynccontextmanager
async def counting(endpoint: str, ledger: Ledger) -> AsyncIterator[str]:
    """A proxy before a table that counts; gives its endpoint."""

    async def forward(request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        body = await request.json()
        if operation in WRITES or operation in {"GetItem", "Query", "BatchGetItem"}:
            body["ReturnConsumedCapacity"] = "TOTAL"
        headers = {name: request.headers[name] for name in PASSED_ON}
        async with session.post(endpoint, json=body, headers=headers) as response:
            answer = await response.read()
            _count(ledger, operation, json.loads(answer))
            return web.Response(
                body=answer, status=response.status, content_type="application/x-amz-json-1.0"
            )

    application = web.Application(client_max_size=2**24)
    application.router.add_post("/", forward)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    port = systems.free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with aiohttp.ClientSession() as session:
        yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


def _count(ledger: Ledger, operation: str, answer: dict[str, Any]) -> None:
    ledger.requests[operation] += 1
    if answer.get("__type", "").endswith("ConditionalCheckFailedException"):
        ledger.units["write"] += 1  # refused writes of a row under 1 KB cost as much as others
    consumed = answer.get("ConsumedCapacity", [])
    for each in consumed if isinstance(consumed, list) else [consumed]:
        kind = "write" if operation in WRITES else "read"
        ledger.units[kind] += each["CapacityUnits"]


async def ask(client: ClientConnection, **request: object) -> None:
    """Send a request and wait for its reply."""
    await client.send(json.dumps({**request, "id": 1}))
    while (answer := json.loads(await client.recv()))["type"] != "reply":
        pass
    if not answer["ok"]:
        raise RuntimeError(answer)


def figures(ledger: Ledger, recipients: int) -> dict[str, float]:
    """Give a row: requests, units and money."""
    meters, million = PRICES.meters, 1e6
    duration_s = BASE_MS / 1000 + recipients / SENDS_PER_S
    usd = (
        meters["dynamodb_writes"].of(ledger.units["write"] * million)
        + meters["dynamodb_reads"].of(ledger.units["read"] * million)
        + meters["websocket_messages"].of((2 + recipients) * million)
        + meters["lambda_requests"].of(million)
        + meters["lambda_gb_seconds"].of(duration_s * MEMORY_GB * million)
    )
    return {
        "table_requests": ledger.requests.total(),
        "write_units": ledger.units["write"],
        "read_units": ledger.units["read"],
        "USD_a_million": round(usd, 2),
    }


async def measure(url: str, ledger: Ledger, recipients: int) -> dict[str, dict[str, float]]:
    """Publish to so many subscribers of a channel that keeps history and one that does not."""
    chat, game = f"chat:to-{recipients}", f"game:to-{recipients}"
    wanted = [{"channel": chat}, {"channel": game}]
    subscribe = json.dumps({"action": "subscribe", "channels": wanted, "id": 1})
    answer, refusal = b'"type":"reply","ok":true', b'"temporary":true'
    rows = {}
    async with AsyncExitStack() as stack:
        crowd = stack.enter_context(crowded())
        await crowd.open(Opening(url, recipients, subscribe, answer, refusal, 8))
        for kind, channel, key in (
            ("chat", chat, None),
            ("chat, with a key", chat, "k"),
            ("game", game, None),
        ):
            client = await stack.enter_async_context(connect(url, compression=None))
            for number in range(REPEATED + 1):
                ledger.clear()
                more = {"key": f"{key}{number}"} if key else {}
                data = {"text": "x" * 80}
                await ask(client, action="publish", channel=channel, data=data, **more)
            rows[f"{kind}, to {recipients:,}"] = figures(ledger, recipients)
    return rows


async def main() -> None:
    """Count, print and keep."""
    ledger = Ledger(Counter(), Counter())
    rows: dict[str, dict[str, float]] = {}
    async with (
        systems.dynamodb("dynoxide") as endpoint,
        counting(endpoint, ledger) as counted,
        systems.gatepost_template(counted) as url,
    ):
        for recipients in AUDIENCES:
            rows |= await measure(url, ledger, recipients)
    keep("table_operations", METHOD, rows)


if __name__ == "__main__":
    end_tidily()
    asyncio.run(main())
