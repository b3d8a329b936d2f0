"""The two servers that the fuzzing client talks to; both echo.

`socket layer`: the links and frames of the gateway around a core that accepts everybody and sends
back each message, limits off, binary allowed. `gateway`: GatewayServer with AWS's limits, and a
two-way route whose function returns the body.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from websockets.frames import Frame, Opcode

from gatepost.gateway.core.commands import Accept, Close, Command, Send
from gatepost.gateway.core.connection import Connection
from gatepost.gateway.core.deployment import Deployment, LambdaProxy, Route, WebSocketApi
from gatepost.gateway.core.inputs import (
    Input,
    Message,
    Outcome,
    ProtocolFailed,
    Returned,
    Upgrade,
)
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.frames import FrameStream, Heard
from gatepost.gateway.server.http_link import HttpLink
from gatepost.gateway.server.server import GatewayServer
from gatepost.gateway.server.shell import Shell

UNLIMITED = 2**31


class EchoCore:
    """Accepts everybody and sends back what it hears."""

    def __init__(self) -> None:
        self._accepted = 0

    def receive(self, given: Input, now: float) -> list[Command]:  # noqa: ARG002 - the core's
        """Take an input."""
        match given:
            case Upgrade():
                self._accepted += 1
                return [Accept(given.handshake_id, str(self._accepted))]
            case Message():
                return [Send(given.connection_id, (given.text.encode(),))]
            case ProtocolFailed():
                return [Close(given.connection_id, given.code)]
            case _:
                return []

    def connections(self) -> list[Connection]:
        """List none: nobody asks for them here."""
        return []


class EchoStream(FrameStream):
    """Frames as the gateway reads them, but a binary message is echoed instead of reported."""

    _binary: bytearray | None = None

    def _input_of(self, frame: Frame) -> Heard | None:
        if frame.opcode is Opcode.BINARY:
            self._binary = bytearray()
        if self._binary is None or frame.opcode not in {Opcode.BINARY, Opcode.CONT}:
            return super()._input_of(frame)
        self._binary += frame.data
        if frame.fin:
            self._protocol.send_binary(bytes(self._binary))
            self._binary = None
        return None


class EchoLink(HttpLink):
    """A link whose frames are echoed."""

    stream_type = EchoStream


@asynccontextmanager
async def socket_layer() -> AsyncIterator[str]:
    """Serve the socket layer; gives its URL."""
    settings = GatewaySettings(
        message_bytes_max=UNLIMITED, frame_bytes_max=UNLIMITED, unread_bytes_max=UNLIMITED
    )

    class Unused:
        async def invoke(self, function: str, event: bytes) -> Outcome:
            raise NotImplementedError

    loop = asyncio.get_running_loop()
    shell = Shell(EchoCore(), Unused(), clock=loop.time)
    server = await loop.create_server(
        lambda: EchoLink(shell, settings, secure=False, on_change=lambda _old, _new: None),
        "127.0.0.1",
        0,
    )
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


class Echo:
    """An Invoker: accepts `$connect`, returns the body of a message."""

    async def invoke(self, function: str, event: bytes) -> Outcome:  # noqa: ARG002 - the port's
        """Run the one function that there is."""
        body = json.loads(event).get("body")
        return Returned(json.dumps({"statusCode": 200, "body": body}).encode())


@asynccontextmanager
async def gateway() -> AsyncIterator[str]:
    """Serve the gateway as it is; gives its URL."""
    routes = {
        "$connect": Route("$connect", LambdaProxy("echo")),
        "$default": Route("$default", LambdaProxy("echo"), two_way=True),
    }
    api = WebSocketApi("a1b2c3d4e5", "echo", "dev", routes)
    server = GatewayServer(
        Deployment("echo", "dev", "us-east-1", "000000000000", Path(), (api,), {}), Echo()
    )
    await server.start()
    try:
        yield f"ws://127.0.0.1:{server.port}/dev"
    finally:
        await server.close()
