"""Round trips: a route response, an echo by post, posts to ten, and the template's publish to ten.

The same Python handlers run under Gatepost and under serverless-offline, with the same client.
Needs the peer: `npm install --prefix benchmarks/peer`. Rounds of both are interleaved, so that
what else the machine does hits both. What the template takes stands beside serverless-offline's
ten posts, which do less: they keep nothing and ask no table.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final, NamedTuple

from websockets.asyncio.client import ClientConnection, connect

from benchmarks import systems
from benchmarks.loops import end_tidily
from benchmarks.results import keep

ROUNDS: Final = 15
AUDIENCE: Final = 10
REPETITIONS: Final = {"route response": 200, "echo by post": 100, "ten posts": 40}
PUBLISH: Final = "publish to ten, template"
PUBLISHES: Final = 4
"""So few a round, as the template lets a connection publish five times a second for long."""

METHOD: Final = (
    f"{ROUNDS} interleaved rounds; in each, {REPETITIONS['route response']} route responses, "
    f"{REPETITIONS['echo by post']} posts to the sender and {REPETITIONS['ten posts']} times a "
    f"post to {AUDIENCE} sockets, by one handler through boto3, one after the other, and "
    f"{PUBLISHES} publications to {AUDIENCE} subscribers by Gatepost's own template (a chat "
    "channel with history, the table in dynoxide), set beside serverless-offline's ten posts. "
    "Until the last frame has come; p50 and p99 of all, in milliseconds; ratio of the p50"
)
ANSWER_TIMEOUT_S: Final = 30


class Act(NamedTuple):
    """One round trip, and what is to be awaited after it, outside of the measured time."""

    run: Callable[[], Awaitable[None]]
    after: Callable[[], Awaitable[None]] | None = None


class Handlers:
    """A system that runs the project's handlers, with its clients."""

    def __init__(self, sender: ClientConnection, audience: list[ClientConnection]) -> None:
        self._sender = sender
        self._audience = audience
        self._ids: list[str] = []

    async def learn_ids(self) -> None:
        """Ask every client for its connection id."""
        for client in self._audience:
            await client.send('{"action": "whoami"}')
            self._ids.append(json.loads(await client.recv())["id"])

    def acts(self) -> dict[str, Act]:
        """Give what is measured, by its name."""
        return {
            "route response": Act(self.route_response),
            "echo by post": Act(self.echo_by_post, self.answer),
            "ten posts": Act(self.ten_posts, self.answer),
        }

    async def route_response(self) -> None:
        """A message and the answer that the handler returns."""
        await self._sender.send('{"action": "answer"}')
        await self.answer()

    async def echo_by_post(self) -> None:
        """A message, a post by the handler to the sender."""
        await self._sender.send('{"action": "post"}')
        await expect(self._sender, "posted")

    async def ten_posts(self) -> None:
        """A message, a post to each; ends with the last one's frame."""
        await self._sender.send(json.dumps({"action": "broadcast", "to": self._ids}))
        await asyncio.gather(*(expect(client, "posted") for client in self._audience))

    async def answer(self) -> None:
        """Take the route response."""
        await expect(self._sender, "answer")


class Publisher:
    """Gatepost's template with its clients."""

    def __init__(self, sender: ClientConnection, audience: list[ClientConnection]) -> None:
        self._sender = sender
        self._audience = audience

    async def publish(self) -> None:
        """A publication; ends with the last subscriber's frame."""
        data = {"text": "hello"}
        request = {"action": "publish", "channel": "chat:ten", "data": data, "id": 1}
        await self._sender.send(json.dumps(request))
        await asyncio.gather(*(expect(one, '"type":"publication"') for one in self._audience))

    async def reply(self) -> None:
        """Take the reply, and let the rate limit's bucket fill."""
        await expect(self._sender, '"ok":true')
        await asyncio.sleep(0.2)


async def expect(client: ClientConnection, text: str) -> None:
    """Take the next frame, which is `text` or holds it."""
    received = await asyncio.wait_for(client.recv(), ANSWER_TIMEOUT_S)
    if text not in str(received):
        sys.exit(f"expected {text!r}, received {received!r}")


async def timed(act: Act, repetitions: int) -> list[float]:
    """Repeat, one after the other; milliseconds."""
    taken = []
    for _ in range(repetitions):
        started = time.perf_counter()
        await act.run()
        taken.append((time.perf_counter() - started) * 1000)
        if act.after is not None:
            await act.after()
    return taken


async def handlers(stack: AsyncExitStack, url: str) -> Handlers:
    """Connect the sender and its audience."""
    clients = [client async for client in _connected(stack, url)]
    bench = Handlers(clients[0], clients[1:])
    await bench.learn_ids()
    return bench


async def publisher(stack: AsyncExitStack) -> Publisher:
    """Start the template; connect and subscribe its audience."""
    endpoint = await stack.enter_async_context(systems.dynamodb("dynoxide"))
    url = await stack.enter_async_context(systems.gatepost_template(endpoint))
    clients = [client async for client in _connected(stack, url)]
    for client in clients[1:]:
        await client.send('{"action": "subscribe", "channel": "chat:ten", "id": 1}')
        await expect(client, '"ok":true')
    for client in clients[1:]:  # who came later was announced to those before
        while True:
            try:
                await asyncio.wait_for(client.recv(), 0.2)
            except TimeoutError:
                break
    return Publisher(clients[0], clients[1:])


async def _connected(stack: AsyncExitStack, url: str) -> AsyncIterator[ClientConnection]:
    for _ in range(AUDIENCE + 1):
        yield await stack.enter_async_context(connect(url, compression=None))


async def main() -> None:
    """Measure both, print and keep p50, p99 and the ratios."""
    taken: dict[tuple[str, str], list[float]] = {}
    async with AsyncExitStack() as stack:
        ours = await handlers(stack, await stack.enter_async_context(systems.gatepost_project()))
        theirs = await handlers(
            stack, await stack.enter_async_context(systems.serverless_offline())
        )
        template = await publisher(stack)
        for number in range(ROUNDS + 1):
            measured = {
                (system, kind): await timed(act, REPETITIONS[kind])
                for kind in REPETITIONS
                for system, act in (("ours", ours.acts()[kind]), ("theirs", theirs.acts()[kind]))
            }
            publish = Act(template.publish, template.reply)
            measured["ours", PUBLISH] = await timed(publish, PUBLISHES)
            for key, figures in measured.items():
                taken.setdefault(key, []).extend(figures if number else [])  # the first warms up
    taken["theirs", PUBLISH] = taken["theirs", "ten posts"]
    keep("round_trips", METHOD, {kind: row(taken, kind) for kind in (*REPETITIONS, PUBLISH)})


def row(taken: dict[tuple[str, str], list[float]], kind: str) -> dict[str, float]:
    """Give p50 and p99 of both, and the ratio."""
    figures = {}
    for system, name in (("ours", "gatepost"), ("theirs", "serverless_offline")):
        hundredths = statistics.quantiles(taken[system, kind], n=100)
        figures[f"{name}_p50_ms"] = round(hundredths[49], 3)
        figures[f"{name}_p99_ms"] = round(hundredths[98], 3)
    ratio = figures["gatepost_p50_ms"] / figures["serverless_offline_p50_ms"]
    return {**figures, "ratio": round(ratio, 3)}


if __name__ == "__main__":
    end_tidily()
    asyncio.run(main())
