"""The same Python handlers under Gatepost and under serverless-offline, same machine, same client.

Needs the peer: `npm install --prefix benchmarks/peer`. Rounds of both are interleaved, so that
what else the machine does hits both; a figure is the median of the rounds' medians.
"""

import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.results import keep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROOT = Path(__file__).parent.parent
PEER = ROOT / "benchmarks/peer"
PROJECT = PEER / "project"
OSLS = PEER / "node_modules/.bin/osls"

ROUNDS = 15
AUDIENCE = 100
REPETITIONS = {"route response": 200, "post to the sender": 100, "broadcast to 100": 8}
METHOD = (
    f"{ROUNDS} interleaved rounds; in each, {REPETITIONS['route response']} route responses, "
    f"{REPETITIONS['post to the sender']} posts to the sender and "
    f"{REPETITIONS['broadcast to 100']} broadcasts to {AUDIENCE} sockets by one handler through "
    "boto3, one after the other; medians of the rounds' medians, in milliseconds"
)
START_TIMEOUT_S = 60
ANSWER_TIMEOUT_S = 30


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(*command: str, cwd: Path, endpoint: str, url: str) -> AsyncIterator[str]:
    """Run a system until the block ends; gives its socket's URL once it accepts."""
    environment = {
        **os.environ,
        "BENCHMARK_ENDPOINT": endpoint,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=cwd, env=environment, stdout=log, stderr=log
        )
        try:
            await accepts(url, process)
            yield url
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def accepts(url: str, process: asyncio.subprocess.Process) -> None:
    """Wait until a client can connect."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        if process.returncode is not None:
            sys.exit(f"{url} ended with {process.returncode} before it accepted")
        try:
            async with connect(url, open_timeout=START_TIMEOUT_S):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


@asynccontextmanager
async def gatepost() -> AsyncIterator[str]:
    """Gatepost over the project."""
    port = free_port()
    template = str(PROJECT / "serverless.yml")
    command = (str(Path(sys.executable).parent / "gatepost"), "dev", "--template", template)
    options = ("--port", str(port), "--http-port", "0", "--log-level", "warning")
    url = f"localhost:{port}/dev"
    async with running(
        *command, *options, cwd=ROOT, endpoint=f"http://{url}", url=f"ws://{url}"
    ) as socket_url:
        yield socket_url


@asynccontextmanager
async def serverless_offline() -> AsyncIterator[str]:
    """serverless-offline over the project."""
    if not OSLS.exists():
        sys.exit("the peer is not installed: npm install --prefix benchmarks/peer")
    port, http_port, lambda_port = free_port(), free_port(), free_port()
    ports = ("--websocketPort", port, "--httpPort", http_port, "--lambdaPort", lambda_port)
    url = f"localhost:{port}"
    async with running(
        *(str(OSLS), "offline", *map(str, ports)),
        cwd=PROJECT,
        endpoint=f"http://{url}",
        url=f"ws://{url}",
    ) as socket_url:
        yield socket_url


class Bench:
    """One system with its clients."""

    def __init__(self, sender: ClientConnection, audience: list[ClientConnection]) -> None:
        self._sender = sender
        self._audience = audience
        self._ids: list[str] = []

    async def learn_ids(self) -> None:
        """Ask every client for its connection id."""
        for client in self._audience:
            await client.send('{"action": "whoami"}')
            self._ids.append(json.loads(await client.recv())["id"])

    async def route_response(self) -> None:
        """A message and the answer that the handler returns."""
        await self._sender.send('{"action": "answer"}')
        await self._expect(self._sender, "answer")

    async def post_to_the_sender(self) -> None:
        """A message, a post by the handler to the sender."""
        await self._sender.send('{"action": "post"}')
        await self._expect(self._sender, "posted")

    async def after_post(self) -> None:
        """Take the route response that follows a post or a broadcast."""
        await self._expect(self._sender, "answer")

    async def broadcast(self) -> None:
        """A message, a post to everybody; ends with the last one's frame."""
        await self._sender.send(json.dumps({"action": "broadcast", "to": self._ids}))
        async with asyncio.TaskGroup() as everybody:
            for client in self._audience:
                everybody.create_task(self._expect(client, "posted"))

    async def round(self) -> dict[str, float]:
        """Measure each kind; medians in milliseconds."""
        kinds: dict[str, tuple[Callable[[], Awaitable[None]], bool]] = {
            "route response": (self.route_response, False),
            "post to the sender": (self.post_to_the_sender, True),
            "broadcast to 100": (self.broadcast, True),
        }
        medians = {}
        for kind, (act, answered_after) in kinds.items():
            taken = []
            for _ in range(REPETITIONS[kind]):
                started = time.perf_counter()
                await act()
                taken.append((time.perf_counter() - started) * 1000)
                if answered_after:
                    await self.after_post()
            medians[kind] = statistics.median(taken)
        return medians

    async def _expect(self, client: ClientConnection, text: str) -> None:
        received = await asyncio.wait_for(client.recv(), ANSWER_TIMEOUT_S)
        if received != text:
            sys.exit(f"expected {text!r}, received {received!r}")


async def prepare(url: str, stack: AsyncExitStack) -> Bench:
    """Connect the sender and its audience."""
    sender = await stack.enter_async_context(connect(url, compression=None))
    audience = [
        await stack.enter_async_context(connect(url, compression=None)) for _ in range(AUDIENCE)
    ]
    bench = Bench(sender, audience)
    await bench.learn_ids()
    return bench


async def main() -> None:
    """Measure both, print and keep the ratios."""
    systems = {"gatepost": gatepost, "serverless-offline": serverless_offline}
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in systems}
    async with AsyncExitStack() as stack:
        benches = {
            name: await prepare(await stack.enter_async_context(system()), stack)
            for name, system in systems.items()
        }
        for bench in benches.values():
            await bench.round()  # warm
        for _ in range(ROUNDS):
            for name, bench in benches.items():
                rounds[name].append(await bench.round())
    rows = {}
    for kind in REPETITIONS:
        ours, theirs = (
            statistics.median(figures[kind] for figures in rounds[name]) for name in systems
        )
        rows[kind] = {
            "gatepost_ms": round(ours, 3),
            "serverless_offline_ms": round(theirs, 3),
            "ratio": round(ours / theirs, 3),
        }
    keep("against_serverless_offline", METHOD, rows)
