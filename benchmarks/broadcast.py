"""One publication to many sockets: how long until the last one has it.

Through everything that takes part (Gatepost's own template: worker, table, gateway), beside
serverless-offline with a plain handler, beside what Gatepost's gateway does alone, and beside
servers without any gateway, which are the limit. The receivers are the same light clients for all
(crowd.py), in a process of their own.

    python -m benchmarks.broadcast [SOCKETS ...]
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Final, NamedTuple

from websockets.asyncio.client import ClientConnection, connect

from benchmarks import systems
from benchmarks.crowd import Crowd, Opening, allow_many_files
from benchmarks.loops import end_tidily
from benchmarks.posting import Poster, Posts
from benchmarks.results import keep

SIZES: Final = (100, 1_000, 5_000)
ROUNDS: Final = {100: 15, 1_000: 7, 5_000: 3}
ROUNDS_S_MAX: Final = 90.0
"""No further round begins after so long; the result says how many there were."""

REACHED_S_MAX: Final = 28.0
"""A function has 29 s; what takes longer is given up, and said so."""

MOTO_SOCKETS_MAX: Final = 100
"""moto copies its tables in every transaction: more subscribers take it minutes."""

AT_ONCE: Final = {"dynoxide": 8, "moto": 2}
"""So many subscribe at a time, or their transactions on the channel's rows would conflict."""

CHANNEL: Final = "chat:broadcast"
PADDING: Final = "x" * 64
METHOD: Final = (
    "Median of interleaved rounds (the first is left out), from the request to "
    "the last socket's frame, some 200 bytes in each. 'template' is Gatepost whole, with its own "
    "functions (a chat channel with history) and the table in the stand-in named; "
    "'serverless-offline' a Python handler that posts through boto3 to ids it is given, without a "
    "table; 'gateway' and 'aiohttp' get the same posts from the same light client over 100 kept "
    "links; 'ws' and 'websockets' have no posts at all: one message in, a frame to each. What goes "
    "to more subscribers than one function serves, the template hands to workers that together "
    "keep below the account's quota, at 8,000 posts a second."
)

Begin = Callable[[str], Awaitable[float]]
"""Sets a broadcast of a marker going; gives when it began, by `perf_counter`."""


class System(NamedTuple):
    """One system with its clients."""

    begin: Begin
    crowd: Crowd


async def template(stack: AsyncExitStack, sockets: int, stand_in: str) -> System:
    """Gatepost whole: a publication of the template's protocol."""
    crowd = stack.enter_context(crowded())
    endpoint = await stack.enter_async_context(systems.dynamodb(stand_in))
    url = await stack.enter_async_context(systems.gatepost_template(endpoint))
    subscribe = json.dumps({"action": "subscribe", "channel": CHANNEL, "id": 1})
    answer, refusal = b'"type":"reply","ok":true', b'"temporary":true'
    await crowd.open(Opening(url, sockets, subscribe, answer, refusal, AT_ONCE[stand_in]))
    publisher = await stack.enter_async_context(talking(url))

    async def begin(marker: str) -> float:
        request = {"action": "publish", "channel": CHANNEL, "data": {"text": marker}, "echo": False}
        return await publisher(json.dumps(request))

    return System(begin, crowd)


async def serverless_offline(stack: AsyncExitStack, sockets: int) -> System:
    """The peer: a handler of the usual kind."""
    crowd = stack.enter_context(crowded())
    url = await stack.enter_async_context(systems.serverless_offline())
    # It starts a further Python for each invocation that overlaps another.
    ids = await _ids(crowd, url, sockets, at_once=1)
    publisher = await stack.enter_async_context(talking(url))

    async def begin(marker: str) -> float:
        return await publisher(json.dumps({"action": "broadcast", "to": ids, "data": marker}))

    return System(begin, crowd)


async def gateway(stack: AsyncExitStack, sockets: int) -> System:
    """Gatepost's gateway alone."""
    crowd = stack.enter_context(crowded())
    url = await stack.enter_async_context(systems.gatepost_project())
    ids = await _ids(crowd, url, sockets, at_once=8)
    return System(_posting(stack, url, ids), crowd)


async def aiohttp(stack: AsyncExitStack, sockets: int) -> System:
    """The usual way to make a frame of a post."""
    crowd = stack.enter_context(crowded())
    url = await stack.enter_async_context(systems.bare_server("aiohttp"))
    await crowd.open(Opening(f"{url}/{{n}}", sockets))
    return System(_posting(stack, url, [str(number) for number in range(sockets)]), crowd)


async def bare(stack: AsyncExitStack, sockets: int, name: str) -> System:
    """A server that sends what one client sends to all."""
    crowd = stack.enter_context(crowded())
    url = await stack.enter_async_context(systems.bare_server(name))
    await crowd.open(Opening(url, sockets))
    return System(await stack.enter_async_context(talking(url)), crowd)


@contextmanager
def crowded() -> Iterator[Crowd]:
    """Clients that end with the block.

    To be entered before their system: that ends first, and has no thousand ends to tell.
    """
    crowd = Crowd()
    try:
        yield crowd
    finally:
        crowd.close()


@asynccontextmanager
async def talking(url: str) -> AsyncIterator[Begin]:
    """A client that publishes; what it receives itself is dropped."""
    async with connect(url, compression=None, max_size=None, ping_interval=None) as client:
        dropping = asyncio.create_task(_drop(client))

        async def begin(message: str) -> float:
            began_at = time.perf_counter()
            await client.send(message)
            return began_at

        try:
            yield begin
        finally:
            dropping.cancel()


async def measure(system: System, marker: str) -> tuple[float, float] | None:
    """Broadcast once; return seconds to the first and last receiver, None when too many."""
    await system.crowd.watch(marker.encode())
    began_at = await system.begin(f"{marker}{PADDING}")
    reached_at = await system.crowd.all_reached(REACHED_S_MAX)
    return reached_at and (reached_at[0] - began_at, reached_at[1] - began_at)


async def compare(sockets: int) -> dict[str, dict[str, float]]:
    """Measure all systems with so many sockets each, in interleaved rounds."""
    makes: dict[str, Callable[[AsyncExitStack], Awaitable[System]]] = {
        "template, dynoxide": lambda stack: template(stack, sockets, "dynoxide"),
        "template, moto": lambda stack: template(stack, sockets, "moto"),
        "serverless-offline": lambda stack: serverless_offline(stack, sockets),
        "gateway": lambda stack: gateway(stack, sockets),
        "aiohttp": lambda stack: aiohttp(stack, sockets),
        "websockets": lambda stack: bare(stack, sockets, "websockets"),
        "ws": lambda stack: bare(stack, sockets, "ws"),
    }
    if sockets > MOTO_SOCKETS_MAX:
        del makes["template, moto"]
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in makes}
    async with AsyncExitStack() as stack:
        running = {}
        for name, make in makes.items():
            began_at = time.perf_counter()
            running[name] = await make(stack)
            print(f"  {name}: {sockets} sockets in {time.perf_counter() - began_at:.1f} s")
        ends_at = time.perf_counter() + ROUNDS_S_MAX
        for number in range(ROUNDS.get(sockets, 5) + 1):
            if time.perf_counter() > ends_at:
                break
            for name, system in tuple(running.items()):
                seconds = await measure(system, f"round {number} ")
                if seconds is None:
                    print(f"{name} did not reach {sockets} sockets within {REACHED_S_MAX:g} s")
                    del running[name]
                elif number:  # the first warms up
                    taken[name].append(seconds)
                    await asyncio.sleep(_pause_s(name))
    return {name: _figures(sockets, seconds) for name, seconds in taken.items() if seconds}


def _pause_s(name: str) -> float:
    """Leave the template's rate limit, a publication each 0.2 s, out of what is measured."""
    return 0.25 if name.startswith("template") else 0.0


def _figures(sockets: int, seconds: list[tuple[float, float]]) -> dict[str, float]:
    median_s = statistics.median(last_s for _, last_s in seconds)
    return {
        "first_ms": round(statistics.median(first_s for first_s, _ in seconds) * 1000, 1),
        "last_ms": round(median_s * 1000, 1),
        "messages_per_s": round(sockets / median_s),
        "rounds": len(seconds),
    }


def _posting(stack: AsyncExitStack, url: str, ids: list[str]) -> Begin:
    poster = Poster()
    stack.callback(poster.close)
    http_url = url.replace("ws://", "http://", 1)

    async def begin(marker: str) -> float:
        return await poster.post(Posts(http_url, ids, marker.encode()))

    return begin


async def _ids(crowd: Crowd, url: str, sockets: int, *, at_once: int) -> list[str]:
    opening = Opening(url, sockets, '{"action": "whoami"}', b'"id"', at_once=at_once)
    answers = await crowd.open(opening)
    return [json.loads(answer)["id"] for answer in answers]


async def _drop(client: ClientConnection) -> None:
    async for _ in client:
        pass


async def main(*sizes: str) -> None:
    """Measure each size, print and keep the figures."""
    allow_many_files()
    rows: dict[str, dict[str, float]] = {}
    for sockets in map(int, sizes) if sizes else SIZES:
        figures = await compare(sockets)
        limit = figures["aiohttp"]["messages_per_s"]
        for name, figure in figures.items():
            ratio = round(figure["messages_per_s"] / limit, 2)
            rows[f"{sockets:,}: {name}"] = {**figure, "of_aiohttp": ratio}
            print(f"  {sockets:,}: {name}", rows[f"{sockets:,}: {name}"])
        if not sizes:  # after each size, lest a larger one that fails takes it along
            keep("broadcast", METHOD, rows)


if __name__ == "__main__":
    end_tidily()
    asyncio.run(main(*sys.argv[1:]))
