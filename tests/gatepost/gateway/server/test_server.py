"""The server's life: start, many clients, close. What it says is in tests/conformance."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from gatepost.gateway.core.deployment import Deployment, LambdaProxy, Route, WebSocketApi
from gatepost.gateway.core.inputs import Outcome, Returned
from gatepost.gateway.server.server import GatewayServer


class Echo:
    """An Invoker of one function, which accepts everybody and counts."""

    def __init__(self) -> None:
        self.invocations = 0

    async def invoke(self, function: str, event: bytes) -> Outcome:
        """Return 200."""
        self.invocations += 1
        return Returned(b'{"statusCode": 200, "body": "hi"}')


def deployment() -> Deployment:
    """One API with every kind of route."""
    routes = {
        key: Route(key, LambdaProxy(key), two_way=True)
        for key in ("$connect", "$disconnect", "$default")
    }
    return Deployment(
        service="chat",
        stage="dev",
        region="us-east-1",
        account_id="123456789012",
        root=Path(),
        apis=(WebSocketApi("a1b2c3d4e5", "chat", "dev", routes),),
        functions={},
    )


@pytest.fixture
async def server() -> AsyncIterator[GatewayServer]:
    """A server that is closed after the test."""
    server = GatewayServer(deployment(), Echo())
    yield server
    await server.close()


async def test_it_closes_what_it_opened() -> None:
    """No task, no socket, no link; and closing twice is harmless."""
    invoker = Echo()
    server = GatewayServer(deployment(), invoker)
    await server.start()
    clients = [await connect(f"ws://localhost:{server.port}/dev") for _ in range(50)]
    idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", server.port)
    await server.close()
    await server.close()
    assert invoker.invocations == 100
    assert await idle_reader.read() == b""
    idle_writer.close()
    for client in clients:
        await client.wait_closed()
        assert client.close_code == 1001
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)


async def test_closing_before_starting_is_harmless(server: GatewayServer) -> None:
    """As after a port that was taken."""
    await server.close()
    assert server.port == 0


async def test_a_taken_port_is_an_oserror(server: GatewayServer) -> None:
    """As it is, for the command line to explain."""
    other = GatewayServer(deployment(), Echo())
    await other.start()
    with pytest.raises(OSError, match="in use"):
        await server.start(port=other.port)
    await other.close()


async def test_both_loopback_addresses_answer(server: GatewayServer) -> None:
    """`localhost` may be either for a client."""
    await server.start()
    for host in ("127.0.0.1", "localhost"):
        async with connect(f"ws://{host}:{server.port}/dev") as client:
            await client.send("x")
            assert await client.recv() == "hi"


async def test_the_authority_is_there_before_the_start(server: GatewayServer) -> None:
    """Workers are started with it before the port is open."""
    authority = server.certificate_authority
    await server.start()
    assert server.certificate_authority == authority
    assert authority.startswith(b"-----BEGIN CERTIFICATE-----")


async def test_the_same_api_twice_is_an_error() -> None:
    """Both would be at one address."""
    one = deployment()
    twice = Deployment(
        one.service, one.stage, one.region, one.account_id, one.root, one.apis * 2, {}
    )
    with pytest.raises(ValueError, match="there twice"):
        GatewayServer(twice, Echo())


async def test_tls_holds_for_every_address_that_it_is_reached_by(server: GatewayServer) -> None:
    """On `0.0.0.0` a handler posts to whatever address the client had opened."""
    await server.start("0.0.0.0")
    trusting = ssl.create_default_context(cadata=server.certificate_authority.decode())
    try:
        (await asyncio.to_thread(socket.create_connection, ("127.0.0.2", server.port), 5)).close()
    except OSError:
        pytest.skip("127.0.0.2 is no address of this machine")
    async with connect(f"wss://127.0.0.2:{server.port}/dev", ssl=trusting) as client:
        await client.send("x")
        assert await client.recv() == "hi"
