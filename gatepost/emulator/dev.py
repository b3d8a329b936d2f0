"""`gatepost dev`: puts gateway, functions, table and pages together, and takes them down again.

Each part is its own module; here is only the order in which they start, what one needs of
another, and that whatever was started is stopped, whatever happens.
"""

import asyncio
import errno
import os
import secrets
import signal
import stat
import time
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TextIO

from msgspec import structs

from gatepost.emulator.control import Control
from gatepost.emulator.disturbing import DisturbedInvoker
from gatepost.emulator.environment import (
    Endpoints,
    choose_node,
    choose_python,
    named_python,
    notices_of_api_ids,
    read_env_file,
    with_local_environment,
    write_ca_bundle,
)
from gatepost.emulator.errors import UserError
from gatepost.emulator.http_port import api_lines, serve_functions
from gatepost.emulator.live_log import LiveLog
from gatepost.emulator.options import DevOptions
from gatepost.emulator.own_folder import own_folder
from gatepost.emulator.pages import Pages
from gatepost.emulator.reload import Saved, watch
from gatepost.emulator.sockets import summary_lines, with_domain
from gatepost.emulator.tables import StandIn, create_tables, is_url
from gatepost.gateway.core.deployment import Deployment, Function
from gatepost.gateway.core.inputs import NotInvocable, Outcome
from gatepost.gateway.core.ports import Disturbable, Invoker
from gatepost.gateway.runner.environment import UnsupportedRuntimeError
from gatepost.gateway.runner.in_process import InProcessRunner
from gatepost.gateway.runner.invocation import NOBODY, Caller, DirectInvoker
from gatepost.gateway.runner.options import Options as RunnerOptions
from gatepost.gateway.runner.output import Output
from gatepost.gateway.runner.pool import WorkerRunner
from gatepost.gateway.server.clock import MovableClock
from gatepost.gateway.server.listener import authority
from gatepost.gateway.server.server import GatewayServer, new_core
from gatepost.gateway.server.trace import Recorder
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.reader import read_template
from gatepost.gateway.template.values import NO_VALUES, read_values

WILDCARDS = frozenset({"0.0.0.0", "::"})
"""Every address of this machine: good to listen on, not to connect to."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ONE_CTRL_C_S = 0.3
"""Signals within it are one: the terminal sends Ctrl-C, and `npm run` or `timeout` once more."""


async def run(options: DevOptions, stream: TextIO) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP, or until nobody reads `stream` any more.

    Raises UserError for what the developer can mend.
    """
    started = time.monotonic()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    log = LiveLog(stream, level=options.log_level, later=loop.call_soon, on_unread=stop.set)
    for number in _SIGNALS:
        loop.add_signal_handler(number, _first_stops_second_ends, stop)
    _stop_when_unread(stream, stop)
    async with AsyncExitStack() as stack:
        emulator = Emulator(options, log)
        stack.callback(log.flush)
        stack.push_async_callback(emulator.close)
        await _start_unless_stopped(emulator, stop)
        if stop.is_set():
            return
        watching = asyncio.Event()
        following = asyncio.create_task(emulator.follow_saves(stop, watching))
        stack.callback(following.cancel)
        await watching.wait()
        for line in emulator.summary():
            log.say(line)
        log.say(f"Ready after {time.monotonic() - started:.1f} s. Ctrl-C stops it.")
        if log.not_loaded:
            names = ", ".join(sorted(log.not_loaded))
            log.say(f"Can't be loaded, see above: {names}.{emulator.loaded_by()}")
        log.say("")
        await following
        log.say("\nStopping: closing sockets, running $disconnect ...")


async def _start_unless_stopped(emulator: "Emulator", stop: asyncio.Event) -> None:
    """Start; give up at once when `stop` is set meanwhile."""
    starting = asyncio.create_task(emulator.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting


def _stop_when_unread(stream: TextIO, stop: asyncio.Event) -> None:
    """Notice that the reader of a pipe has gone (`gatepost dev | head`) before the next line."""
    loop = asyncio.get_running_loop()

    def unread() -> None:
        loop.remove_reader(stream)
        stop.set()

    with suppress(OSError):  # a stream without a descriptor
        if stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode):
            loop.add_reader(stream, unread)  # its write end gets "readable" when it breaks


def _first_stops_second_ends(stop: asyncio.Event) -> None:
    """Stop in good order; at the second Ctrl-C end at once: the workers notice and follow."""
    stop.set()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.call_later(_ONE_CTRL_C_S, loop.add_signal_handler, number, os._exit, 128 + number)


class _WhenReady:
    """Holds invocations back until the tables exist; sockets may come earlier."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._runner: asyncio.Future[DirectInvoker | None] = loop.create_future()

    def ready(self, runner: DirectInvoker) -> None:
        self._runner.set_result(runner)

    def give_up(self) -> None:
        """Without effect once ready: there will be no runner, so nobody waits for one."""
        if not self._runner.done():
            self._runner.set_result(None)

    def invoke(self, function: str, event: bytes, caller: Caller = NOBODY) -> Awaitable[Outcome]:
        if self._runner.done() and (runner := self._runner.result()) is not None:
            return runner.invoke(function, event, caller)
        return self._invoke_later(function, event, caller)

    def disturb(self, function: str, *, kill: bool, cold: bool) -> None:
        runner: object = self._runner.result() if self._runner.done() else None
        if isinstance(runner, Disturbable):
            runner.disturb(function, kill=kill, cold=cold)

    async def _invoke_later(self, function: str, event: bytes, caller: Caller) -> Outcome:
        runner = await asyncio.shield(self._runner)
        if runner is None:
            return NotInvocable("the emulator stopped while it was starting")
        return await runner.invoke(function, event, caller)


class Emulator:
    """The local cloud of one template."""

    def __init__(self, options: DevOptions, log: LiveLog) -> None:
        self._options = options
        self._log = log
        self._stack = AsyncExitStack()
        self._env_file = read_env_file(options.env_file) if options.env_file else {}
        self._deployment = _read(options, self._env_file)
        self._runner: WorkerRunner | InProcessRunner | None = None
        self.gateway_port = 0
        self.http_port = 0

    async def start(self) -> None:
        """Start everything and wait until it answers. Raises UserError."""
        options, deployment = self._options, self._deployment
        invoker = _WhenReady()
        clock = MovableClock()
        gateway = self._gateway(invoker, clock)

        async def close_gateway() -> None:
            invoker.give_up()
            await gateway.close()

        await self._listen(gateway)
        self._stack.push_async_callback(close_gateway)
        gateway.inject(options.faults)
        control = Control(gateway, clock, host=options.host, faults=options.faults)
        await self._serve_http(control, invoker)
        dynamodb = await self._table_endpoint()
        folder = self._stack.enter_context(own_folder())
        functions = with_local_environment(
            deployment,
            endpoints=self._endpoints(dynamodb),
            ca_bundle=write_ca_bundle(folder / "ca.pem", gateway.certificate_authority),
            env_file=self._env_file,
        )
        self._runner = runner = self._make_runner(functions)
        self._stack.push_async_callback(runner.close)
        # From now on the gateway closes first: its $disconnect events need functions and table.
        self._stack.push_async_callback(close_gateway)
        try:
            await asyncio.gather(
                runner.start(), create_tables(deployment.tables, dynamodb, deployment.region)
            )
        except UnsupportedRuntimeError as error:
            raise UserError(str(error)) from error
        invoker.ready(runner)

    def loaded_by(self) -> str:
        """Say whose packages functions find, for who misses one."""
        return named_python(self._options.python, self._deployment)

    def _make_runner(self, functions: dict[str, Function]) -> WorkerRunner | InProcessRunner:
        options = RunnerOptions(
            account_id=self._deployment.account_id,
            node=choose_node(self._options.node, functions.values()),
            reports=self._options.log_level == "debug",
        )
        if self._options.in_process:
            return InProcessRunner(functions, on_output=self._output, options=options)
        return WorkerRunner(
            functions,
            python=choose_python(self._options.python, self._deployment.root),
            workers_max=self._options.workers,
            on_output=self._output,
            options=options,
        )

    def _output(self, output: Output) -> None:
        """Show what a function printed under the name that it has in the template."""
        prefix = f"{self._deployment.service}-{self._deployment.stage}-"
        short = output.function.removeprefix(prefix)
        self._log.output(structs.replace(output, function=short))

    def _endpoints(self, dynamodb: str) -> Endpoints:
        address = authority(_reachable(self._options.host), self.gateway_port)
        return Endpoints(
            gateway=address,
            dynamodb=dynamodb,
            functions=f"http://{authority(_reachable(self._options.host), self.http_port)}",
            everything_else=None if self._options.dynamodb else dynamodb,
        )

    def _gateway(self, invoker: Invoker, clock: MovableClock) -> GatewayServer:
        try:
            return GatewayServer(
                self._deployment,
                invoker,
                settings=self._options.settings,
                on_report=self._log.report,
                clock=clock,
                make_core=self._recorder().core if self._options.trace else new_core,
            )
        except ValueError as error:  # a deployment that can't be served: its template's mistake
            raise UserError(f"{self._options.template}: {error}") from error

    def _recorder(self) -> Recorder:
        path = self._options.trace or Path()
        try:
            recorder = Recorder(
                path, seed=secrets.randbits(64), later=asyncio.get_running_loop().call_later
            )
        except OSError as error:
            raise UserError(f"--trace {path} can't be written: {error.strerror}.") from error
        self._stack.callback(recorder.close)
        return recorder

    async def _listen(self, gateway: GatewayServer) -> None:
        options = self._options
        try:
            await gateway.start(options.host, options.port)
        except OSError as error:
            raise _cannot_listen("--port", options.host, options.port, error) from error
        self.gateway_port = gateway.port

    async def _serve_http(self, control: Control, invoker: DirectInvoker) -> None:
        options = self._options
        pages = Pages(self._deployment, gateway_port=self.gateway_port)
        serve_functions(
            pages,
            self._deployment,
            DisturbedInvoker(invoker, lambda: control.faults),
            host=options.host,
            on_report=self._log.report,
        )
        pages.serve(control.add_to)
        self._stack.push_async_callback(pages.close)
        try:
            await pages.start(options.host, options.http_port)
        except OSError as error:
            raise _cannot_listen("--http-port", options.host, options.http_port, error) from error
        self.http_port = pages.port

    async def _table_endpoint(self) -> str:
        given = self._options.dynamodb
        if given is None:
            stand_in = StandIn()
            self._stack.push_async_callback(stand_in.stop)
            url = await stand_in.start()
            watching = asyncio.create_task(self._tell_of_the_end(stand_in))
            self._stack.callback(watching.cancel)
            return url
        if not is_url(given):
            raise UserError(f"--dynamodb {given}: expected a URL such as http://localhost:8000.")
        return given

    async def _tell_of_the_end(self, stand_in: StandIn) -> None:
        code = await stand_in.ended()
        self._log.say(
            f"The DynamoDB stand-in has ended by itself (exit code {code}) and its tables are "
            "gone: restart gatepost dev."
        )

    async def follow_saves(self, stop: asyncio.Event, watching: asyncio.Event) -> None:
        """Swap the workers at each save of a handler, until `stop` is set.

        Sets `watching` once no save is missed any more, or it is clear that none can be followed.
        """
        template, root = _resolved(self._options.template, self._deployment.root)
        try:
            await watch(template, root, self._on_save, stop, on_watching=watching.set)
        except* OSError as errors:  # a limit of the system, a folder that has gone
            self._log.say(
                f"Saves are not followed any more: {errors.exceptions[0]}. "
                "Restart gatepost dev to apply them."
            )
        finally:
            watching.set()
        await stop.wait()

    async def _on_save(self, saved: Saved) -> None:
        if saved == "template":
            self._log.say(f"{self._options.template.name} was saved: restart to apply it.")
        elif self._runner is not None:
            self._log.say("Saved: every function starts anew.")
            await self._runner.reload()

    def summary(self) -> list[str]:
        """Say what is where, in a few lines."""
        options, deployment = self._options, self._deployment
        host = "localhost" if options.host in WILDCARDS else options.host
        tables = ", ".join(table.name for table in deployment.tables) or "none in the template"
        lines = [
            *summary_lines(deployment, authority(host, self.gateway_port)),
            f"  pages         http://{authority(host, self.http_port)}/",
            *api_lines(deployment, authority(host, self.http_port)),
            f"  tables        {tables} ({options.dynamodb or 'moto, gone when this ends'})",
        ]
        title = f"{deployment.service}, stage {deployment.stage}"
        notices = [*deployment.notices, *notices_of_api_ids(deployment, self._env_file)]
        if options.host in WILDCARDS:
            notices.append("others reach it too, by this machine's name or address")
        return ["", title, *lines, *(f"  note: {notice}" for notice in notices), ""]

    async def close(self) -> None:
        """Stop whatever was started, in the reverse order. Leaves no process behind."""
        await self._stack.aclose()


def _read(options: DevOptions, env_file: Mapping[str, str]) -> Deployment:
    try:
        deployment = read_template(
            options.template,
            stage=options.stage,
            environ=os.environ,
            values=NO_VALUES if options.values is None else read_values(options.values),
            overridden=env_file.keys(),
        )
    except TemplateError as error:
        raise UserError(str(error)) from error
    return with_domain(deployment, options.domain)


def _resolved(*paths: Path) -> tuple[Path, ...]:
    return tuple(path.resolve() for path in paths)


def _reachable(host: str) -> str:
    """Give the address that this machine reaches `host` by."""
    return {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _cannot_listen(flag: str, host: str, port: int, error: OSError) -> UserError:
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
    problem = f"Can't listen on {authority(host, port)}: {reason}. "
    match error.errno:
        case errno.EADDRINUSE:
            advice = f"Is another emulator running? {flag} chooses another port, {flag} 0 any free."
        case errno.EACCES:
            advice = f"{flag} chooses a port above 1023, {flag} 0 any free one."
        case _:
            advice = "--host wants a name or address of this machine."
    return UserError(problem + advice)
