"""Starting what is measured, each system in processes of its own, and finding when it is ready."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Final

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

ROOT: Final = Path(__file__).parent.parent
PEER: Final = ROOT / "benchmarks/peer"
PROJECT: Final = PEER / "project"
OSLS: Final = PEER / "node_modules/.bin/osls"
BIN: Final = Path(sys.executable).parent
START_TIMEOUT_S: Final = 60
END_TIMEOUT_S: Final = 15


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(
    *command: str, cwd: Path, ready: "tuple[str, int] | str", **environment: str
) -> AsyncIterator[str]:
    """Run a system until the block ends; gives what it has printed once it is ready.

    That is once `ready` accepts: a host and port, or a socket's URL. Ends this process with what
    the system printed when it ends before.
    """
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env={**os.environ, "PATH": path, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            await _accepts(ready, process, log)
            yield _printed(log)
        finally:
            await _end(process, at_once=command[0] == str(OSLS))


@asynccontextmanager
async def gatepost_project() -> AsyncIterator[str]:
    """Gatepost over the project that serverless-offline runs as well; gives the socket's URL."""
    port = free_port()
    url = f"localhost:{port}/dev"
    async with running(
        *_dev(PROJECT / "serverless.yml", port),
        *("--http-port", "0"),
        cwd=ROOT,
        ready=f"ws://{url}",
        BENCHMARK_ENDPOINT=f"http://{url}",
    ):
        yield f"ws://{url}"


@asynccontextmanager
async def gatepost_template(endpoint: str) -> AsyncIterator[str]:
    """Gatepost over its own template, the table at an endpoint; gives the socket's URL.

    Connections come as fast as they can, which AWS would throttle; everything else is as it is.
    """
    port = free_port()
    url = f"ws://localhost:{port}/dev"
    options = ("--env-file", "local.env", "--http-port", "0", "--setting", "connect_throttle=null")
    async with running(
        *_dev(ROOT / "serverless.yml", port),
        *(*options, "--dynamodb", endpoint),
        cwd=ROOT,
        ready=url,
    ):
        yield url


@asynccontextmanager
async def dynamodb(stand_in: str) -> AsyncIterator[str]:
    """A DynamoDB stand-in that is empty; gives its endpoint."""
    port = free_port()
    command: tuple[str, ...]
    if stand_in == "dynoxide":
        binary = next(iter(ROOT.glob("node_modules/@dynoxide/*/dynoxide")), None)
        if binary is None:
            sys.exit("dynoxide is not installed: npm ci --ignore-scripts, on Linux x86_64")
        command = (str(binary), "--port", str(port))
    else:
        command = (str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", str(port))
    async with running(*command, cwd=ROOT, ready=("127.0.0.1", port)):
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def serverless_offline() -> AsyncIterator[str]:
    """serverless-offline over the project; gives the socket's URL."""
    if not OSLS.exists():
        sys.exit("the peer is not installed: npm install --prefix benchmarks/peer")
    port, http_port, lambda_port = free_port(), free_port(), free_port()
    ports = ("--websocketPort", port, "--httpPort", http_port, "--lambdaPort", lambda_port)
    url = f"localhost:{port}"
    async with running(
        *(str(OSLS), "offline", *map(str, ports)),
        cwd=PROJECT,
        ready=f"ws://{url}",
        BENCHMARK_ENDPOINT=f"http://{url}",
    ):
        yield f"ws://{url}"


@asynccontextmanager
async def bare_server(name: str) -> AsyncIterator[str]:
    """A server without a gateway: `aiohttp`, `websockets` or `ws`; gives its URL."""
    port = free_port()
    command: tuple[str, ...] = (sys.executable, "-m", "benchmarks.bare_servers", name, str(port))
    if name == "ws":
        command = ("node", str(PEER / "broadcast_with_ws.js"), str(port))
    async with running(*command, cwd=ROOT, ready=("localhost", port)):
        yield f"ws://localhost:{port}"


async def _end(process: asyncio.subprocess.Process, *, at_once: bool) -> None:
    """End a system and what it has started.

    serverless-offline, asked to end, starts a Python for each socket that it closes: thousands.
    """
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL if at_once else signal.SIGTERM)
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), END_TIMEOUT_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _dev(template: Path, port: int) -> tuple[str, ...]:
    command = (str(BIN / "gatepost"), "dev", "--template", str(template), "--port", str(port))
    return (*command, "--log-level", "warning")


async def _accepts(
    ready: "tuple[str, int] | str", process: asyncio.subprocess.Process, log: IO[bytes]
) -> None:
    """Wait until a client can connect."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        if process.returncode is not None:
            sys.exit(f"it ended with {process.returncode} before it was ready:\n{_printed(log)}")
        try:
            if isinstance(ready, str):
                async with connect(ready, open_timeout=START_TIMEOUT_S):
                    return
            _, writer = await asyncio.open_connection(*ready)
        except (OSError, InvalidHandshake):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


def _printed(log: IO[bytes]) -> str:
    return os.pread(log.fileno(), 65_536, 0).decode(errors="replace")
