"""`gatepost dev`: puts gateway, functions, table and pages together, and takes them down again.

Each part is its own module; here is only the order in which they start, what one needs of
another, and that whatever was started is stopped, whatever happens.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from gatepost.emulator.environment import (
    Endpoints,
    choose_python,
    read_env_file,
    with_local_environment,
    write_ca_bundle,
)
from gatepost.emulator.errors import UserError
from gatepost.emulator.live_log import LiveLog
from gatepost.emulator.options import DevOptions
from gatepost.emulator.pages import Pages
from gatepost.emulator.reload import Saved, watch
from gatepost.emulator.tables import StandIn, create_tables
from gatepost.gateway.core.deployment import Deployment, Function
from gatepost.gateway.core.inputs import Outcome
from gatepost.gateway.core.ports import Invoker
from gatepost.gateway.runner.environment import UnsupportedRuntimeError
from gatepost.gateway.runner.in_process import InProcessRunner
from gatepost.gateway.runner.options import Options as RunnerOptions
from gatepost.gateway.runner.pool import WorkerRunner
from gatepost.gateway.server.server import GatewayServer
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.serverless import read_serverless

LOOPBACK_HOSTS = {"localhost": ["127.0.0.1", "::1"]}


async def run(options: DevOptions, stream: TextIO) -> None:
    """Run until SIGINT or SIGTERM. Raises UserError for what the developer can mend."""
    started = time.monotonic()
    log = LiveLog(stream, level=options.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _first_stops_second_ends, number, stop)
    async with AsyncExitStack() as stack:
        emulator = Emulator(options, log)
        stack.push_async_callback(emulator.close)
        await emulator.start()
        for line in emulator.summary():
            log.say(line)
        log.say(f"Ready after {time.monotonic() - started:.1f} s. Ctrl-C stops it.\n")
        await emulator.follow_saves(stop)
        log.say("\nStopping: closing sockets, running $disconnect ...")


def _first_stops_second_ends(number: signal.Signals, stop: asyncio.Event) -> None:
    """Stop in good order; at the second Ctrl-C end at once: the workers notice and follow."""
    if stop.is_set():
        os._exit(128 + number)
    stop.set()


class _WhenReady:
    """Holds invocations back until the tables exist; sockets may come earlier."""

    def __init__(self) -> None:
        self._runner: asyncio.Future[Invoker] = asyncio.get_running_loop().create_future()

    def ready(self, runner: Invoker) -> None:
        self._runner.set_result(runner)

    def invoke(self, function: str, event: bytes) -> Awaitable[Outcome]:
        if self._runner.done():
            return self._runner.result().invoke(function, event)
        return self._invoke_later(function, event)

    async def _invoke_later(self, function: str, event: bytes) -> Outcome:
        runner = await asyncio.shield(self._runner)
        return await runner.invoke(function, event)


class Emulator:
    """The local cloud of one template."""

    def __init__(self, options: DevOptions, log: LiveLog) -> None:
        self._options = options
        self._log = log
        self._stack = AsyncExitStack()
        self._deployment = _read(options)
        self._runner: WorkerRunner | InProcessRunner | None = None
        self.gateway_port = 0
        self.http_port = 0

    async def start(self) -> None:
        """Start everything and wait until it answers. Raises UserError."""
        deployment = self._deployment
        env_file = read_env_file(self._options.env_file) if self._options.env_file else {}
        invoker = _WhenReady()
        gateway = self._gateway(invoker)
        await self._listen(gateway)
        dynamodb = await self._table_endpoint()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="gatepost-"))
        functions = with_local_environment(
            deployment,
            endpoints=self._endpoints(dynamodb),
            ca_bundle=write_ca_bundle(Path(folder) / "ca.pem", gateway.certificate_authority),
            env_file=env_file,
        )
        self._runner = runner = self._make_runner(functions)
        self._stack.push_async_callback(runner.close)
        # The gateway closes first: its $disconnect events still need functions and table.
        self._stack.push_async_callback(gateway.close)
        try:
            await asyncio.gather(
                runner.start(), create_tables(deployment.tables, dynamodb, deployment.region)
            )
        except UnsupportedRuntimeError as error:
            raise UserError(str(error)) from error
        invoker.ready(runner)

    def _make_runner(self, functions: dict[str, Function]) -> WorkerRunner | InProcessRunner:
        options = RunnerOptions(account_id=self._deployment.account_id)
        if self._options.in_process:
            return InProcessRunner(functions, on_output=self._log.output, options=options)
        return WorkerRunner(
            functions,
            python=choose_python(self._options.python, self._deployment.root),
            workers_max=self._options.workers,
            on_output=self._log.output,
            options=options,
        )

    def _endpoints(self, dynamodb: str) -> Endpoints:
        host, stage = _reachable(self._options.host), self._deployment.stage
        return Endpoints(
            management=f"http://{host}:{self.gateway_port}/{stage}",
            dynamodb=dynamodb,
            everything_else=None if self._options.dynamodb else dynamodb,
        )

    def _gateway(self, invoker: Invoker) -> GatewayServer:
        try:
            return GatewayServer(self._deployment, invoker, on_report=self._log.report)
        except ValueError as error:  # a deployment that can't be served: its template's mistake
            raise UserError(f"{self._options.template}: {error}") from error

    async def _listen(self, gateway: GatewayServer) -> None:
        options = self._options
        try:
            await gateway.start(options.host, options.port)
        except OSError as error:
            raise _cannot_listen("--port", options.host, options.port, error) from error
        self.gateway_port = gateway.port
        pages = Pages(self._deployment, gateway_port=gateway.port)
        self._stack.push_async_callback(pages.close)
        try:
            hosts = LOOPBACK_HOSTS.get(options.host, [options.host])
            await pages.start(hosts, options.http_port)
        except OSError as error:
            await gateway.close()
            raise _cannot_listen("--http-port", options.host, options.http_port, error) from error
        self.http_port = pages.port

    async def _table_endpoint(self) -> str:
        given = self._options.dynamodb
        if given is None:
            stand_in = StandIn()
            self._stack.push_async_callback(stand_in.stop)
            return await stand_in.start()
        parts = urlsplit(given)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"--dynamodb {given}: expected a URL such as http://localhost:8000.")
        return given

    async def follow_saves(self, stop: asyncio.Event) -> None:
        """Swap the workers at each save of a handler, until `stop` is set."""
        template, root = _resolved(self._options.template, self._deployment.root)
        await watch(template, root, self._on_save, stop)

    async def _on_save(self, saved: Saved) -> None:
        if saved == "template":
            self._log.say(f"{self._options.template.name} was saved: restart to apply it.")
        elif self._runner is not None:
            self._log.say("Saved: new workers for every function.")
            await self._runner.reload()

    def summary(self) -> list[str]:
        """Say what is where, in a few lines."""
        options, deployment = self._options, self._deployment
        host = options.host
        tables = ", ".join(table.name for table in deployment.tables) or "none"
        lines = [
            f"  socket        ws://{host}:{self.gateway_port}/{deployment.stage}",
            f"  @connections  http://{host}:{self.gateway_port}/{deployment.stage}/@connections",
            f"  pages         http://{host}:{self.http_port}/",
            f"  tables        {tables} ({options.dynamodb or 'moto, gone when this ends'})",
        ]
        title = f"{deployment.service}, stage {deployment.stage}"
        return ["", title, *lines, *(f"  note: {notice}" for notice in deployment.notices), ""]

    async def close(self) -> None:
        """Stop whatever was started, in the reverse order. Leaves no process behind."""
        await self._stack.aclose()


def _read(options: DevOptions) -> Deployment:
    try:
        return read_serverless(options.template, stage=options.stage, environ=os.environ)
    except TemplateError as error:
        raise UserError(str(error)) from error


def _resolved(*paths: Path) -> tuple[Path, ...]:
    return tuple(path.resolve() for path in paths)


def _reachable(host: str) -> str:
    """Give the address that this machine reaches `host` by."""
    return "127.0.0.1" if host in ("localhost", "0.0.0.0", "::", "::1") else host


def _cannot_listen(flag: str, host: str, port: int, error: OSError) -> UserError:
    return UserError(
        f"Can't listen on {host}:{port}: {error.strerror or error}. "
        f"Is another emulator running? {flag} chooses another port, {flag} 0 any free one."
    )
