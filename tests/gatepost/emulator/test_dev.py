"""What starts and stops together: `gatepost dev` on a project with one handler and no table."""

import asyncio
import io
import json
import shutil
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gatepost.emulator.dev import Emulator
from gatepost.emulator.errors import UserError
from gatepost.emulator.live_log import LiveLog
from gatepost.emulator.options import DevOptions
from gatepost.gateway.core.settings import GatewaySettings

if TYPE_CHECKING:
    from tests.conftest import Eventually

GATEPOST = Path(sys.executable).parent / "gatepost"
NO_TABLE_NEEDED = "http://127.0.0.1:1"

TEMPLATE = """
service: small
provider: {name: aws, runtime: python3.13}
functions:
  talk:
    handler: talk.handle
    events: [{websocket: {route: $default, routeResponseSelectionExpression: $default}}]
"""
TELLS_ENDPOINT = """
import os
def handle(event, context):
    return {"statusCode": 200, "body": os.environ["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"]}
"""
POSTS = """
import os, urllib.error, urllib.request
import boto3
def handle(event, context):
    connection_id = event["requestContext"]["connectionId"]
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    session = boto3.Session(*(os.environ[name] for name in keys), os.environ["AWS_REGION"])
    endpoint = os.environ["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"]
    client = session.client("apigatewaymanagementapi", endpoint_url=endpoint)
    client.post_to_connection(ConnectionId=connection_id, Data="signed")
    client.close()
    url = f"{endpoint}/@connections/{connection_id}"
    try:
        urllib.request.urlopen(url).close()
        error = None
    except urllib.error.HTTPError as refused:
        error = refused.headers["x-amzn-ErrorType"]
        refused.close()
    return {"statusCode": 200, "body": str(error)}
"""
GUARDED = """
  accept:
    handler: talk.accept
    events:
      - websocket:
          route: $connect
          authorizer: {name: check, identitySource: [route.request.querystring.token]}
  check:
    handler: talk.check
"""
AUTHORIZES = """
def check(event, context):
    token = event["queryStringParameters"]["token"]
    effect = "Allow" if token == "good" else "Deny"
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    return {"principalId": token, "policyDocument": {"Statement": [statement]}}
def accept(event, context):
    return {"statusCode": 200}
def handle(event, context):
    return {"statusCode": 200, "body": event["requestContext"]["authorizer"]["principalId"]}
"""
HANGS = "import pathlib, time\npathlib.Path('hanging').touch()\ntime.sleep(60)\n"

Start = Callable[..., Awaitable[Process]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose handler tells where it would post to."""
    (tmp_path / "serverless.yml").write_text(TEMPLATE)
    (tmp_path / "talk.py").write_text(TELLS_ENDPOINT)
    return tmp_path


@pytest.fixture
async def start(project: Path) -> AsyncIterator[Start]:
    """Start `gatepost dev` on the project, as a process."""
    started: list[Process] = []

    async def begin(*arguments: str) -> Process:
        command = [str(GATEPOST), "dev", "--port", "0", "--http-port", "0", *arguments]
        started.append(
            await asyncio.create_subprocess_exec(*command, cwd=project, stdout=PIPE, stderr=PIPE)
        )
        return started[-1]

    yield begin
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def emulator(project: Path, *, stream: io.StringIO | None = None, **options: object) -> Emulator:
    """An emulator in this process that starts none of its own."""
    given: dict[str, object] = {
        "template": project / "serverless.yml",
        "port": 0,
        "http_port": 0,
        "dynamodb": NO_TABLE_NEEDED,
        "in_process": True,
    }
    log = LiveLog(stream or io.StringIO())
    return Emulator(DevOptions(**{**given, **options}), log)  # type: ignore[arg-type] # the test's own


@pytest.mark.parametrize(
    ("host", "shown", "reached"),
    [
        ("localhost", "localhost", "127.0.0.1"),
        ("0.0.0.0", "localhost", "127.0.0.1"),
        ("::1", "[::1]", "[::1]"),
        ("::", "localhost", "[::1]"),
    ],
)
async def test_functions_reach_the_gateway_whatever_it_listens_on(
    project: Path, host: str, shown: str, reached: str
) -> None:
    """An IPv6 address stands in brackets, and one for all addresses is replaced by a real one."""
    running = emulator(project, host=host)
    try:
        await running.start()
    except UserError:
        await running.close()
        pytest.skip(f"this machine has no {host}")
    try:
        assert f"  socket        ws://{shown}:{running.gateway_port}/dev" in running.summary()
        async with connect(f"ws://{reached}:{running.gateway_port}/dev") as client:
            await client.send("where?")
            assert await client.recv() == f"http://{reached}:{running.gateway_port}/dev"
    finally:
        await running.close()


async def test_an_authorizer_of_the_template_guards_the_socket(project: Path) -> None:
    """What it says about the client is in the events of its messages."""
    (project / "serverless.yml").write_text(TEMPLATE + GUARDED)
    (project / "talk.py").write_text(AUTHORIZES)
    running = emulator(project)
    await running.start()
    try:
        url = f"ws://127.0.0.1:{running.gateway_port}/dev"
        for query, status in [("", 401), ("?token=bad", 403)]:
            with pytest.raises(InvalidStatus, match=str(status)):
                await connect(url + query)
        async with connect(f"{url}?token=good") as client:
            await client.send("who?")
            assert await client.recv() == "good"
    finally:
        await running.close()


async def test_a_custom_domain_leads_to_the_socket_as_well(project: Path) -> None:
    """`--domain`: by the Host header; functions keep the endpoint that works."""
    running = emulator(project, domain="ws.example.test/v1")
    await running.start()
    try:
        port = running.gateway_port
        assert f"  domain        ws://ws.example.test:{port}/v1" in running.summary()
        uri = f"ws://ws.example.test:{port}/v1"
        async with connect(uri, host="127.0.0.1", port=port, proxy=None) as client:
            await client.send("where?")
            assert await client.recv() == f"http://127.0.0.1:{port}/dev"
    finally:
        await running.close()


async def test_the_start_tells_of_missing_tables_and_of_api_ids(project: Path) -> None:
    """What is not there is said where it would stand; an API's id can't be led here."""
    template = project / "serverless.yml"
    environment = "    environment: {API_ID: !Ref WebsocketsApi}\n"
    template.write_text(template.read_text("utf-8").rstrip() + "\n" + environment, "utf-8")
    summary = emulator(project).summary()
    assert f"  tables        none in the template ({NO_TABLE_NEEDED})" in summary
    assert any(line.startswith("  note: API_ID of small-dev-talk is an API's") for line in summary)


async def test_a_domain_that_cant_be_mapped_is_named(project: Path) -> None:
    """One sentence, as for every flag."""
    with pytest.raises(UserError, match="'ping' can't be a mapping key"):
        await emulator(project, domain="ws.example.test/ping").start()


@pytest.mark.parametrize("verifying", [False, True])
async def test_signatures_are_verified_when_asked_for(project: Path, verifying: bool) -> None:  # noqa: FBT001
    """`--verify-signatures`: what functions sign with their own credentials is right."""
    (project / "talk.py").write_text(POSTS)
    running = emulator(project, settings=GatewaySettings(verify_signatures=verifying))
    await running.start()
    try:
        async with connect(f"ws://127.0.0.1:{running.gateway_port}/dev") as client:
            await client.send("post")
            assert await client.recv() == "signed"
            unsigned = "MissingAuthenticationTokenException" if verifying else "None"
            assert await client.recv() == unsigned
    finally:
        await running.close()


async def test_a_part_that_cant_start_takes_down_those_that_have(project: Path) -> None:
    """The port of the pages is taken: nothing listens any more, and nobody waits for functions."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = emulator(project, http_port=taken.getsockname()[1])
        with pytest.raises(UserError, match="--http-port 0"):
            await running.start()
    client = await connect(f"ws://127.0.0.1:{running.gateway_port}/dev")
    await client.send("too early")
    await asyncio.wait_for(running.close(), 3)
    with pytest.raises(ConnectionClosed, match="1001"):
        await client.recv()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", running.gateway_port)


async def test_a_project_that_cant_be_watched_is_told_and_served_on(
    project: Path, eventually: "Eventually"
) -> None:
    """A limit on watches, or a folder that has gone, costs reloads and nothing else."""
    stream, stop, watching = io.StringIO(), asyncio.Event(), asyncio.Event()
    running = emulator(project, stream=stream)
    shutil.rmtree(project)
    following = asyncio.create_task(running.follow_saves(stop, watching))
    await eventually(lambda: "Saves are not followed any more" in stream.getvalue())
    assert not following.done()
    assert watching.is_set()
    stop.set()
    await following


async def test_a_host_that_is_not_here_is_named(project: Path) -> None:
    """The advice is about the host then, not about another port."""
    running = emulator(project, host="192.0.2.1")
    with pytest.raises(UserError, match=r"192\.0\.2\.1:0: .* --host wants"):
        await running.start()


async def test_ctrl_c_while_a_handler_is_loaded_ends_the_start(
    project: Path, start: Start, eventually: "Eventually"
) -> None:
    """Nobody waits for a slow import that is not wanted any more."""
    (project / "talk.py").write_text(HANGS)
    process = await start("--dynamodb", NO_TABLE_NEEDED)
    await eventually((project / "hanging").exists, within_s=20)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, errors = await asyncio.wait_for(process.communicate(), 5)
    assert (process.returncode, errors) == (0, b"")
    assert [child for child in children if child.is_running()] == []


async def test_output_that_nobody_reads_ends_the_emulator_in_good_order(start: Start) -> None:
    """`gatepost dev | head`: no traceback, let alone one for each line."""
    process = await start("--dynamodb", NO_TABLE_NEEDED, "--in-process")
    assert process.stdout is not None
    assert process.stderr is not None
    head = (await process.stdout.readuntil(b"Ready after")).decode()
    url = next(word for word in head.split() if word.startswith("ws://"))
    async with connect(url) as client:
        process.stdout._transport.close()  # type: ignore[attr-defined] # noqa: SLF001 - as head does
        await asyncio.wait_for(client.wait_closed(), 5)
        assert client.close_code == 1001
    assert await asyncio.wait_for(process.stderr.read(), 5) == b""
    assert await process.wait() == 0


async def test_a_save_right_after_ready_is_followed(project: Path, start: Start) -> None:
    """Whoever reads "Ready" may save at once."""
    process = await start("--dynamodb", NO_TABLE_NEEDED, "--in-process")
    assert process.stdout is not None
    await process.stdout.readuntil(b"Ready after")
    (project / "talk.py").write_text((project / "talk.py").read_text() + "\n")
    await asyncio.wait_for(process.stdout.readuntil(b"Saved: every function starts anew."), 5)


async def test_a_stand_in_that_dies_is_told(start: Start) -> None:
    """Functions would fail from then on, and nobody would know why."""
    process = await start("--in-process")
    assert process.stdout is not None
    await process.stdout.readuntil(b"Ready after")
    (stand_in,) = psutil.Process(process.pid).children(recursive=True)
    stand_in.kill()
    told = await asyncio.wait_for(process.stdout.readuntil(b"restart gatepost dev."), 5)
    assert b"The DynamoDB stand-in has ended by itself (exit code -9)" in told


async def test_output_beyond_the_encoding_of_the_terminal_is_spelled_out(
    project: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal of another encoding shows an escape; it does not end the emulator."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    message = "grün"
    (project / "talk.py").write_text(
        f"def handle(event, context):\n    raise ValueError({json.dumps(message)})\n"
    )
    process = await start("--dynamodb", NO_TABLE_NEEDED)
    assert process.stdout is not None
    head = (await process.stdout.readuntil(b"Ready after")).decode()
    url = next(word for word in head.split() if word.startswith("ws://"))
    async with connect(url) as client:
        await client.send("x")
        await client.recv()
    assert await asyncio.wait_for(process.stdout.readuntil(rb"ValueError: gr\xfcn"), 5)
