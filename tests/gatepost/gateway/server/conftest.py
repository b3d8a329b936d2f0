"""A core and an invoker that do what a test says, and links to a shell over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.inputs import Input, Outcome, Returned
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.frame_link import FrameLink
from gatepost.gateway.server.http_link import HttpLink
from gatepost.gateway.server.shell import Shell

if TYPE_CHECKING:
    from gatepost.gateway.core.commands import Command
    from gatepost.gateway.core.connection import Connection

Reaction = Callable[[Input], "list[Command]"]

HANDSHAKE = (
    b"GET /dev?room=blue HTTP/1.1\r\nHost: localhost:3001\r\nX-Tag: a\r\nX-Tag: b\r\n"
    b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@dataclass(slots=True)
class ScriptedCore:
    """Remembers what it is given and when, and returns what `react` says."""

    react: Reaction = lambda _given: []
    given: list[Input] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def receive(self, given: Input, now: float) -> "list[Command]":
        """Take an input."""
        self.given.append(given)
        self.times.append(now)
        return self.react(given)

    def connections(self) -> "list[Connection]":
        """It has none."""
        return []


@dataclass(slots=True)
class ScriptedInvoker:
    """Remembers invocations and returns `null`."""

    calls: list[tuple[str, bytes]] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    holds: bool = False

    async def invoke(self, function: str, event: bytes) -> Outcome:
        """Take an invocation; raise `error`, or wait for `release` if it `holds`."""
        self.calls.append((function, event))
        if self.error is not None:
            raise self.error
        if self.holds:
            await self.release.wait()
        return Returned(b"null")


@pytest.fixture
def core() -> ScriptedCore:
    """A core that does nothing until its `react` is set."""
    return ScriptedCore()


@pytest.fixture
def invoker() -> ScriptedInvoker:
    """An invoker that returns `null`."""
    return ScriptedInvoker()


@pytest.fixture
async def shell(core: ScriptedCore, invoker: ScriptedInvoker) -> AsyncIterator[Shell]:
    """A shell around both, at a time that stands still."""
    shell = Shell(core, invoker, clock=lambda: 1000.0)
    yield shell
    await shell.drained(0)
    shell.stop()


@dataclass(slots=True)
class FakeLink:
    """A link that writes down what it is asked."""

    done: list[object] = field(default_factory=list)

    def answer(self, status: int, headers: object, body: bytes) -> None:
        """Write down the status."""
        self.done.append(status)

    def accept(self, connection_id: str, subprotocol: str | None) -> "FakeLink":
        """Write down the connection."""
        self.done.append(connection_id)
        return self

    def send(self, fragments: tuple[bytes, ...], *, binary: bool = False) -> None:
        """Write down what is sent."""
        self.done.append(fragments)

    def hold(self, *, held: bool) -> None:
        """Write down whether it is held."""
        self.done.append("held" if held else "released")

    def stall(self, *, stalled: bool) -> None:
        """Write down whether it stalls."""
        self.done.append("stalled" if stalled else "going on")

    def abort(self) -> None:
        """Write down that it was cut."""
        self.done.append("cut")

    def close(self, code: int, reason: str) -> None:
        """Write down the code."""
        self.done.append(code)


class Port:
    """A port whose links belong to a shell; `links` are those that are there."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self.links: list[HttpLink | FrameLink] = []
        self.number = 0
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.get_running_loop().create_server(
            self._new_link, "127.0.0.1", 0
        )
        self.number = self._server.sockets[0].getsockname()[1]

    def _new_link(self) -> HttpLink:
        return HttpLink(self._shell, GatewaySettings(), secure=False, on_change=self._change)

    def _change(self, old: HttpLink | FrameLink, new: HttpLink | FrameLink | None) -> None:
        if old in self.links:
            self.links.remove(old)
        if new is not None:
            self.links.append(new)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Make a client's link."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.number)
        self._writers.append(writer)
        return reader, writer

    async def close(self) -> None:
        """Leave nothing."""
        for writer in self._writers:
            writer.transport.abort()
        for link in list(self.links):
            link.abort()
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(0)


@pytest.fixture
async def port(shell: Shell) -> AsyncIterator[Port]:
    """A port of links to the shell."""
    port = Port(shell)
    await port.open()
    yield port
    await port.close()


@pytest.fixture
def handshake() -> bytes:
    """A valid WebSocket handshake for `/dev?room=blue`."""
    return HANDSHAKE
