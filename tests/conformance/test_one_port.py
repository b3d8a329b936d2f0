"""HTTP, frames and TLS on one port, as handlers build their endpoint (section 2)."""

import asyncio
import ssl
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.session import get_session

if TYPE_CHECKING:
    from tests.conformance.conftest import Management, RunningGateway, StartGateway

Manage = Callable[..., "Management"]
AuthorityFile = Callable[["RunningGateway"], str]
Event = dict[str, Any]


async def test_plain_and_tls_clients_share_the_port(start: "StartGateway") -> None:
    """B-020, B-027: `ws://` here besides the `wss://` that AWS has alone."""
    gateway = await start()
    async with gateway.connect() as plain, gateway.connect(ssl=gateway.trusting()) as secure:
        for client in (plain, secure):
            await client.send('{"action":"echo"}')
            assert await client.recv() == '{"action":"echo"}'


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_boto3_posts_to_the_https_endpoint_of_the_event(
    start: "StartGateway", manage: Manage, authority_file: AuthorityFile, host: str
) -> None:
    """B-021, B-008: `https://{domainName}/{stage}` reaches the gateway; domainName has the port."""
    gateway = await start()
    async with gateway.connect(additional_headers={"Host": f"{host}:{gateway.server.port}"}) as c:
        (event,) = gateway.events
        context = event["requestContext"]
        endpoint = f"https://{context['domainName']}/{context['stage']}"
        management = manage(endpoint, authority_file(gateway))
        await management.post(context["connectionId"], b"over TLS")
        assert await c.recv() == "over TLS"


async def test_aiobotocore_posts_over_tls(
    start: "StartGateway", authority_file: AuthorityFile
) -> None:
    """B-021: with the authority as `verify`."""
    gateway = await start()
    async with gateway.connect() as client:
        connection_id = gateway.events[0]["requestContext"]["connectionId"]
        async with get_session().create_client(
            "apigatewaymanagementapi",
            endpoint_url=gateway.endpoint.replace("http:", "https:"),
            verify=authority_file(gateway),
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        ) as management:
            await management.post_to_connection(ConnectionId=connection_id, Data=b"over TLS")
        assert await client.recv() == "over TLS"


async def test_nothing_older_than_tls_1_2_is_spoken(start: "StartGateway") -> None:
    """B-027: an older offer fails in the handshake, and the server goes on."""
    gateway = await start()
    context = gateway.trusting()
    with warnings.catch_warnings(action="ignore"):  # that the old versions are old
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("localhost", gateway.server.port, ssl=context)
    async with gateway.connect(ssl=gateway.trusting()):
        pass


async def test_a_client_without_the_authority_trusts_nothing(start: "StartGateway") -> None:
    """B-027: the certificate is vouched for by this run's authority alone."""
    gateway = await start()
    with pytest.raises(ssl.SSLCertVerificationError):
        async with gateway.connect(ssl=ssl.create_default_context()):
            pass


async def test_a_tls_client_is_closed_like_any_other(start: "StartGateway") -> None:
    """B-303: close frame and end of TLS, without waiting."""
    gateway = await start()
    async with gateway.connect(ssl=gateway.trusting()) as client:
        await gateway.server.close()
        await client.wait_closed()
        assert client.close_code == 1001
