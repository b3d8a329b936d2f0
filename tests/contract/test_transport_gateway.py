"""Transport against our own gateway: what the one side sends the other side answers.

"410 means gone" is decided on both sides; here they meet over the wire.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect

from functions.adapters.management_api import ManagementApiTransport, Opening
from functions.core.ports import Delivered, Failed, Gone
from gatepost.gateway.core.commands import Report
from gatepost.gateway.core.deployment import Deployment, WebSocketApi
from gatepost.gateway.core.inputs import NotInvocable, Outcome
from gatepost.gateway.server.server import GatewayServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Eventually
    from tests.contract.conftest import OpenTransport


class NoFunctions:
    """An Invoker for an API without routes (B-047)."""

    async def invoke(self, function: str, event: bytes) -> Outcome:
        """Say that there is nothing to invoke."""
        return NotInvocable(f"there is no {function}")


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway and the lines of its log."""

    server: GatewayServer
    reports: list[Report]

    @property
    def authority(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server.port}"

    def connection_id(self) -> str:
        """Give the id of the connection opened last."""
        ids = [report.connection_id for report in self.reports if report.kind == "connect"]
        assert ids[-1] is not None
        return ids[-1]


@pytest.fixture
async def real_gateway(tmp_path: "Path") -> AsyncIterator[Gateway]:
    """Run the gateway with one API at the stage `dev`, which lets everybody in."""
    api = WebSocketApi(api_id="a1b2c3d4e5", name="chat", stage="dev", routes={})
    deployment = Deployment(
        service="chat",
        stage="dev",
        region="us-east-1",
        account_id="123456789012",
        root=tmp_path,
        apis=(api,),
        functions={},
    )
    reports: list[Report] = []
    server = GatewayServer(deployment, NoFunctions(), on_report=reports.append)
    await server.start("127.0.0.1")
    try:
        yield Gateway(server, reports)
    finally:
        await server.close()


@pytest.fixture
async def transport(
    real_gateway: Gateway, open_transport: "OpenTransport"
) -> AsyncIterator[ManagementApiTransport]:
    """Give a Transport that reaches the gateway."""
    async with open_transport(Opening(f"http://{real_gateway.authority}/dev")) as opened:
        yield opened


async def test_a_message_reaches_the_client_until_it_has_gone(
    transport: ManagementApiTransport, real_gateway: Gateway, eventually: "Eventually"
) -> None:
    """A text frame with the payload (B-206), then 410 (B-214)."""
    async with connect(f"ws://{real_gateway.authority}/dev") as client:
        connection_id = real_gateway.connection_id()
        assert await transport.send(connection_id, '{"a":"ä"}'.encode()) == Delivered()
        assert await client.recv() == '{"a":"ä"}'
    await eventually(lambda: any(each.kind == "disconnect" for each in real_gateway.reports))
    assert await transport.send(connection_id, b"late") == Gone()


async def test_an_impossible_id_is_gone(transport: ManagementApiTransport) -> None:
    """B-216: such a row can never be reached, so it is removed."""
    assert await transport.send("never-an-id", b"x") == Gone()


async def test_a_wrong_stage_says_nothing_about_the_connection(
    real_gateway: Gateway, open_transport: "OpenTransport"
) -> None:
    """B-218: 403 is a wrong endpoint; taking it for gone would empty the table."""
    async with (
        connect(f"ws://{real_gateway.authority}/dev"),
        open_transport(Opening(f"http://{real_gateway.authority}/prod")) as transport,
    ):
        outcome = await transport.send(real_gateway.connection_id(), b"x")
        assert outcome == Failed("403")


async def test_the_gateway_is_reached_by_tls_if_its_certificate_is_trusted(
    real_gateway: Gateway,
    open_transport: "OpenTransport",
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: "Path",
) -> None:
    """AWS_CA_BUNDLE says who is trusted; without it the message reaches nobody."""
    opening = Opening(f"https://{real_gateway.authority}/dev")
    async with connect(f"ws://{real_gateway.authority}/dev") as client:
        async with open_transport(opening) as transport:
            assert await transport.send(real_gateway.connection_id(), b"x") == Failed("broken")
        bundle = tmp_path / "authorities.pem"
        bundle.write_bytes(real_gateway.server.certificate_authority)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        async with open_transport(opening) as transport:
            assert await transport.send(real_gateway.connection_id(), b"y" * 70_000) == Delivered()
        assert await client.recv() == "y" * 70_000
