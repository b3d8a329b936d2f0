"""A small kit for tests of the wire: a gateway with functions written in the test itself.

    gateway = await start({"$connect": accepting, "echo": two_way(echo)})
    async with gateway.connect() as client:
        await client.send('{"action": "echo"}')

A function is an async callable from event to result; its name is its route key. `gateway.events`
has each event in the order of invocation. The clock stands still until `gateway.advance`.
"""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import boto3
import pytest
from botocore.config import Config
from msgspec import structs
from websockets.asyncio.client import connect

from gatepost.emulator.testing.setup import Setup, deployment_of_routes
from gatepost.gateway.core.deployment import Deployment, Route
from gatepost.gateway.core.inputs import Failed, NotInvocable, Outcome, Returned
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.server import GatewayServer

if TYPE_CHECKING:
    from gatepost.gateway.core.commands import Report

Event = dict[str, Any]
Function = Callable[[Event], Awaitable[object]]

START = 1_772_701_623.25


@dataclass(frozen=True, slots=True)
class TwoWay:
    """A function behind a route with a route response (B-190)."""

    function: Function


@dataclass(slots=True)
class Functions:
    """An Invoker whose functions live in the test. Unknown ones can't be invoked (B-044)."""

    functions: dict[str, Function]
    events: list[Event] = field(default_factory=list)

    async def invoke(self, function: str, event: bytes) -> Outcome:
        """Run a function as Lambda would: JSON in, JSON or an error out."""
        document = json.loads(event)
        self.events.append(document)
        if function not in self.functions:
            return NotInvocable("no permission")
        try:
            result = await self.functions[function](document)
        except Exception as error:  # noqa: BLE001 - a function may raise anything
            return Failed(type(error).__name__, str(error))
        return Returned(json.dumps(result).encode())


async def nobody(event: Event) -> object:
    """Stand for a function that the template names and nobody has."""
    raise NotImplementedError


class RunningGateway:
    """A gateway that listens, and what a test wants of it."""

    def __init__(
        self,
        routes: Mapping[str, object],
        settings: GatewaySettings,
        expression: str,
        change: Callable[[Deployment], Deployment],
    ) -> None:
        functions = {
            key: given.function if isinstance(given, TwoWay) else cast("Function", given)
            for key, given in routes.items()
            if given is not None and not isinstance(given, Route)
        }
        two_way = [key for key, given in routes.items() if isinstance(given, TwoWay)]
        handlers = {
            key: given if isinstance(given, Route) else functions.get(key, nobody)
            for key, given in routes.items()
        }
        deployment = structs.replace(
            deployment_of_routes(handlers, Setup(two_way=two_way, expression=expression)),
            region="us-east-1",
        )
        self.now = START
        self.reports: list[Report] = []
        self._invoker = Functions(functions)
        self.functions = functions
        self.server = GatewayServer(
            change(deployment),
            self._invoker,
            settings=settings,
            on_report=self.reports.append,
            clock=lambda: self.now,
        )

    @property
    def events(self) -> list[Event]:
        """Each event a function was invoked with, in order."""
        return self._invoker.events

    def events_of(self, event_type: str) -> list[Event]:
        """The events of one type: CONNECT, MESSAGE or DISCONNECT."""
        return [e for e in self.events if e["requestContext"]["eventType"] == event_type]

    @property
    def authority(self) -> str:
        """Host and port."""
        return f"localhost:{self.server.port}"

    @property
    def endpoint(self) -> str:
        """The endpoint of the management API."""
        return f"http://{self.authority}/dev"

    def connect(self, path: str = "/dev", **options: Any) -> connect:  # noqa: ANN401
        """Connect a client; compression is off unless asked for."""
        scheme = "wss" if "ssl" in options else "ws"
        return connect(f"{scheme}://{self.authority}{path}", **{"compression": None} | options)

    def trusting(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this gateway's authority and no other."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.server.certificate_authority.decode())
        return context

    async def advance(self, seconds: float) -> None:
        """Let time pass for the gateway."""
        self.now += seconds
        self.server.tick()
        await asyncio.sleep(0)

    async def exchange(self, request: bytes, *, replies: int = 1) -> list[bytes]:
        """Send raw bytes over a link of its own and read that many HTTP answers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        try:
            writer.write(request)
            return [await asyncio.wait_for(read_answer(reader), 5) for _ in range(replies)]
        finally:
            writer.close()
            await writer.wait_closed()

    async def request(
        self, method: str, path: str, body: bytes = b"", headers: str = ""
    ) -> tuple[int, bytes]:
        """Make one raw HTTP request; return status and the whole answer."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.authority}\r\n{headers}"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        (answer,) = await self.exchange(head.encode() + body)
        return int(answer.split(b" ", 2)[1]), answer


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """Read one HTTP answer, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    return head + await reader.readexactly(lengths[0] if lengths else 0)


class StartGateway(Protocol):
    """What the fixture `start` gives."""

    async def __call__(
        self,
        routes: Mapping[str, object] | None = None,
        *,
        expression: str = "$request.body.action",
        change: Callable[[Deployment], Deployment] = lambda deployment: deployment,
        **settings: object,
    ) -> RunningGateway:
        """Start a gateway whose API has these routes.

        A Route stands for itself, None for a broken integration. `change` makes of the deployment
        with this API the one that is wanted.
        """
        ...


@pytest.fixture
async def start() -> AsyncIterator[StartGateway]:
    """Start gateways for a test; they are closed after it."""
    running: list[RunningGateway] = []

    async def begin(
        routes: Mapping[str, object] | None = None,
        *,
        expression: str = "$request.body.action",
        change: Callable[[Deployment], Deployment] = lambda deployment: deployment,
        **settings: object,
    ) -> RunningGateway:
        chosen = GatewaySettings(**settings)  # type: ignore[arg-type] # the test's own names
        table = EVERY_ROUTE if routes is None else routes
        gateway = RunningGateway(table, chosen, expression, change)
        await gateway.server.start()
        running.append(gateway)
        return gateway

    yield begin
    for gateway in running:
        await gateway.server.close(drain_s=1)


async def accept(event: Event) -> object:
    """Do nothing, successfully."""
    return {"statusCode": 200}


async def echo(event: Event) -> object:
    """Return the message as it came."""
    return {"statusCode": 200, "body": event["body"]}


async def name_connection(event: Event) -> object:
    """Return the id of the connection."""
    return {"statusCode": 200, "body": event["requestContext"]["connectionId"]}


EVERY_ROUTE: Mapping[str, object] = {
    "$connect": accept,
    "$disconnect": accept,
    "$default": accept,
    "echo": TwoWay(echo),
    "id": TwoWay(name_connection),
}


@pytest.fixture
def two_way() -> Callable[[Function], TwoWay]:
    """Mark a function's route as having a route response."""
    return TwoWay


class Management:
    """boto3's client of the management API, called in a thread as it blocks."""

    def __init__(self, endpoint: str, verify: str | None) -> None:
        self.client = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=endpoint,
            verify=verify,
            config=Config(retries={"total_max_attempts": 1}),
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    async def post(self, connection_id: str, data: bytes) -> Any:  # noqa: ANN401
        """PostToConnection."""
        return await asyncio.to_thread(
            self.client.post_to_connection, ConnectionId=connection_id, Data=data
        )

    async def get(self, connection_id: str) -> Any:  # noqa: ANN401
        """GetConnection."""
        return await asyncio.to_thread(self.client.get_connection, ConnectionId=connection_id)

    async def delete(self, connection_id: str) -> Any:  # noqa: ANN401
        """DeleteConnection."""
        return await asyncio.to_thread(self.client.delete_connection, ConnectionId=connection_id)


@pytest.fixture
async def manage() -> AsyncIterator[Callable[..., Management]]:
    """Make clients of the management API: `manage(gateway)`."""
    made: list[Management] = []

    def make(endpoint: str, verify: str | None = None) -> Management:
        made.append(Management(endpoint, verify))
        return made[-1]

    yield make
    for management in made:
        management.client.close()


@pytest.fixture
def authority_file(tmp_path: Path) -> Callable[[RunningGateway], str]:
    """Write a gateway's certificate authority to a file, as SDKs want it."""

    def write(gateway: RunningGateway) -> str:
        path = tmp_path / "authority.pem"
        path.write_bytes(gateway.server.certificate_authority)
        return str(path)

    return write


class RawClient:
    """A WebSocket client on a bare socket, which sends what a library would refuse to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def write_frame(self, opcode: int, payload: bytes, *, fin: bool = True) -> None:
        """Write one frame, masked with zeros."""
        size = len(payload)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < 65536:
            length = bytes([0xFE]) + size.to_bytes(2)
        else:
            length = bytes([0xFF]) + size.to_bytes(8)
        self.writer.write(bytes([(0x80 if fin else 0) | opcode]) + length + bytes(4) + payload)

    async def read_frame(self) -> tuple[bool, int, bytes]:
        """Read one frame: whether it is the last, its opcode, its payload."""
        return await asyncio.wait_for(self._read_frame(), 5)

    async def _read_frame(self) -> tuple[bool, int, bytes]:
        first, size = await self._reader.readexactly(2)
        if size >= 126:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
        return bool(first & 0x80), first & 0x0F, await self._reader.readexactly(size)

    async def read_close_code(self) -> int:
        """Read frames until the close frame and return its code, then the end of the link."""
        while True:
            _, opcode, payload = await self.read_frame()
            if opcode == 8:
                assert await asyncio.wait_for(self._reader.read(), 5) == b""
                return int.from_bytes(payload[:2])

    async def message(self, text: bytes) -> bytes:
        """Send a text message and return the payload of the next frame."""
        self.write_frame(1, text)
        return (await self.read_frame())[2]

    def vanish(self) -> None:
        """End the link as a crash does, with a reset."""
        linger = (1).to_bytes(4, "little") + bytes(4)
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@pytest.fixture
async def raw() -> AsyncIterator[Callable[[RunningGateway], Awaitable[RawClient]]]:
    """Make raw clients of a gateway, their handshake behind them."""
    made: list[RawClient] = []

    async def make(gateway: RunningGateway) -> RawClient:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.server.port)
        writer.write(
            f"GET /dev HTTP/1.1\r\nHost: {gateway.authority}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        made.append(RawClient(reader, writer))
        assert (await read_answer(reader)).startswith(b"HTTP/1.1 101 ")
        return made[-1]

    yield make
    for client in made:
        client.writer.transport.abort()
