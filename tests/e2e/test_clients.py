"""Clients that others made, each doing what it is for (docs/reference/clients.md)."""

import base64
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aiobotocore.session import get_session
from playwright.async_api import Page
from websockets.asyncio import client as asyncio_client
from websockets.exceptions import ConnectionClosedError
from websockets.sync import client as sync_client

from tests.headless import headless_chromium

if TYPE_CHECKING:
    from gatepost.emulator.testing.gateway import Gateway, StartGateway

ROOT = Path(__file__).parent.parent.parent
NODE_WS = """
const WebSocket = require("ws");
const socket = new WebSocket(process.argv[1], ["a", "b"], {headers: {"X-From": "node"}});
socket.on("open", () => socket.send(JSON.stringify({action: "echo", from: "ws"})));
socket.on("message", (data, binary) => {
  console.log(JSON.stringify({text: data.toString(), binary, chosen: socket.protocol}));
  socket.send(Buffer.from([1, 2]));
});
socket.on("close", (code) => console.log(JSON.stringify({code})));
"""
CHROMIUM = """url => new Promise((resolve) => {
  const socket = new WebSocket(url, ["a", "b"]);
  const heard = [];
  socket.onopen = () => socket.send(JSON.stringify({action: "echo", from: "chromium"}));
  socket.onmessage = (message) => { heard.push(message.data); socket.send(new Uint8Array([1])); };
  socket.onclose = (close) => resolve({heard, code: close.code, chosen: socket.protocol});
})"""


def connect(event: dict[str, Any], context: object) -> object:
    """Accept; choose `b` of the subprotocols where they are offered."""
    offered = "Sec-WebSocket-Protocol" in event["headers"]
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "b"} if offered else {}}


def forget(event: dict[str, Any], context: object) -> object:
    """Do nothing, successfully."""
    return {"statusCode": 200}


def echo(event: dict[str, Any], context: object) -> object:
    """Return the message as it came."""
    return {"statusCode": 200, "body": event["body"]}


@pytest.fixture
def gateway(gatepost: "StartGateway") -> "Gateway":
    """A gateway with a two-way echo."""
    return gatepost({"$connect": connect, "$disconnect": forget, "echo": echo}, two_way=["echo"])


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a client to its end; its standard input stays open meanwhile."""
    silence, typist = os.pipe()
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            stdin=silence,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(silence)
        os.close(typist)


def disconnect_code(gateway: "Gateway") -> object:
    """Wait for `$disconnect`; the code that it was told."""
    (event,) = gateway.wait_for(lambda: gateway.events_of("DISCONNECT"), timeout=10)
    return event["requestContext"]["disconnectStatusCode"]


# Clients of the socket.


def test_python_websockets_with_threads(gateway: "Gateway") -> None:
    """B-190 and B-256: an echo, then 1003 for a binary frame."""
    with sync_client.connect(gateway.url, subprotocols=["b"], proxy=None) as client:  # type: ignore[list-item]
        client.send('{"action": "echo"}')
        assert client.recv(10) == '{"action": "echo"}'
        client.send(b"\x01")
        with pytest.raises(ConnectionClosedError):
            client.recv(10)
    assert client.close_code == 1003
    assert disconnect_code(gateway) == 1003


async def test_python_websockets_with_asyncio(gateway: "Gateway") -> None:
    """The same gateway serves a client of the test's own loop."""
    async with asyncio_client.connect(gateway.url, proxy=None) as client:
        await client.send('{"action": "echo"}')
        assert await client.recv() == '{"action": "echo"}'
    assert client.close_code == 1000


@pytest.mark.node
def test_node_ws(gateway: "Gateway") -> None:
    """An echo as text, the chosen subprotocol, a header of its own, 1003 for a binary frame."""
    ran = run("node", "-e", NODE_WS, gateway.url)
    assert ran.returncode == 0, ran.stderr
    message, close = map(json.loads, ran.stdout.splitlines())
    assert message == {"text": '{"action":"echo","from":"ws"}', "binary": False, "chosen": "b"}
    assert close == {"code": 1003}
    assert gateway.events_of("CONNECT")[0]["headers"]["X-From"] == "node"


@pytest.mark.node
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_wscat(gateway: "Gateway", scheme: str) -> None:
    """`wscat -c URL -x MESSAGE`: prints the echo and leaves in good order; by TLS with `--ca`."""
    message = '{"action":"echo","from":"wscat"}'
    command = ("node", "node_modules/wscat/bin/wscat", "--ca", os.environ["AWS_CA_BUNDLE"])
    url = gateway.url.replace("ws:", f"{scheme}:")
    ran = run(*command, "-c", url, "-x", message, "-w", "1")
    assert ran.returncode == 0, ran.stderr
    assert message in ran.stdout
    assert disconnect_code(gateway) in (1000, 1005)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """An empty page in headless Chromium."""
    async with headless_chromium() as browser:
        yield await browser.new_page()


@pytest.mark.chromium
async def test_chromium(gateway: "Gateway", page: Page) -> None:
    """The browser's own WebSocket: echo, chosen subprotocol, 1003 for a binary frame."""
    result = await page.evaluate(CHROMIUM, gateway.url)
    assert result == {"heard": ['{"action":"echo","from":"chromium"}'], "code": 1003, "chosen": "b"}


# Clients of @connections.


def test_boto3(gateway: "Gateway") -> None:
    """B-200: post, get and delete; afterwards GoneException."""
    client = gateway.connect()
    management = boto3.client("apigatewaymanagementapi")  # the environment has the endpoint
    given = {"ConnectionId": client.connection_id}
    management.post_to_connection(**given, Data="from boto3 \u20ac".encode())
    assert client.receive() == "from boto3 \u20ac"
    assert management.get_connection(**given)["Identity"]["SourceIp"] in ("127.0.0.1", "::1")
    management.delete_connection(**given)
    assert client.wait_closed() == 1000
    with pytest.raises(management.exceptions.GoneException):
        management.post_to_connection(**given, Data=b"too late")
    management.close()


async def test_aiobotocore(gateway: "Gateway") -> None:
    """The same through the async client."""
    client = gateway.connect()
    given = {"ConnectionId": client.connection_id}
    async with get_session().create_client("apigatewaymanagementapi") as management:
        await management.post_to_connection(**given, Data=b"from aiobotocore")
        assert await client.receive_async() == "from aiobotocore"
        assert "ConnectedAt" in await management.get_connection(**given)
        await management.delete_connection(**given)
        with pytest.raises(management.exceptions.GoneException):
            await management.post_to_connection(**given, Data=b"too late")


@pytest.mark.aws_cli
def test_the_aws_cli(gateway: "Gateway") -> None:
    """`aws apigatewaymanagementapi`, version 1 or 2: post, get, delete, then GoneException."""
    client = gateway.connect()
    endpoint = ("--endpoint-url", gateway.management_endpoint)
    given = ("--connection-id", client.connection_id, *endpoint)
    data = "from the AWS CLI"
    if run("aws", "--version").stdout.startswith("aws-cli/2"):
        data = base64.b64encode(data.encode()).decode()

    def aws(operation: str, *options: str) -> subprocess.CompletedProcess[str]:
        return run("aws", "apigatewaymanagementapi", operation, *given, *options)

    assert aws("post-to-connection", "--data", data).returncode == 0
    assert client.receive() == "from the AWS CLI"
    got = aws("get-connection", "--output", "json")
    assert json.loads(got.stdout)["Identity"]["SourceIp"] in ("127.0.0.1", "::1"), got.stderr
    assert aws("delete-connection").returncode == 0
    assert client.wait_closed() == 1000
    late = aws("post-to-connection", "--data", data)
    assert late.returncode != 0
    assert "GoneException" in late.stderr
