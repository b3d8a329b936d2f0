"""The fixture `gatepost`, as tests of a project use it."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from gatepost.emulator.testing.client import ClosedError, HandshakeRejectedError
from gatepost.gateway.core.deployment import LambdaProxy, Mock, Route

if TYPE_CHECKING:
    from gatepost.emulator.testing.gateway import StartGateway

HOW_TO = Path(__file__).parents[3] / "docs/how-to/test-your-handlers.md"


def accept(event: dict[str, Any], context: object) -> object:
    """Do nothing, successfully."""
    return {"statusCode": 200}


def echo(event: dict[str, Any], context: object) -> object:
    """Return the message as it came."""
    return {"statusCode": 200, "body": event["body"]}


def post_back(event: dict[str, Any], context: object) -> object:
    """Post to the sender, at the endpoint that the environment names."""
    client = boto3.client(
        "apigatewaymanagementapi", config=Config(retries={"total_max_attempts": 1})
    )
    connection_id = event["requestContext"]["connectionId"]
    client.post_to_connection(ConnectionId=connection_id, Data=b"posted")
    client.close()
    return {"statusCode": 200}


def test_handlers_given_directly_answer_a_client(gatepost: "StartGateway") -> None:
    """A two-way route sends what its handler returns."""
    gateway = gatepost({"$connect": accept, "echo": echo}, two_way=["echo"])
    client = gateway.connect()
    client.send({"action": "echo", "n": 1})
    assert client.receive_json() == {"action": "echo", "n": 1}
    assert client.received == ['{"action": "echo", "n": 1}']


def test_invocations_and_posts_are_there_to_look_at(gatepost: "StartGateway") -> None:
    """Functions by route key, with event and result; posts by connection."""
    gateway = gatepost({"$connect": accept, "post": post_back})
    client = gateway.connect(query={"room": "a"}, headers={"X-Kind": "test"})
    client.send({"action": "post"})
    assert client.receive() == "posted"
    assert gateway.sent == {client.connection_id: ["posted"]}
    connect, message = gateway.invocations
    assert (connect.function, connect.event_type) == ("$connect", "CONNECT")
    assert connect.event["queryStringParameters"] == {"room": "a"}
    assert connect.event["headers"]["X-Kind"] == "test"
    assert gateway.wait_for(lambda: message.outcome)
    assert message.result == {"statusCode": 200}


def test_a_handler_may_post_to_the_domain_name_of_its_event(gatepost: "StartGateway") -> None:
    """`https://{domainName}/{stage}`, as AWS's samples have it, is trusted."""

    def post(event: dict[str, Any], context: object) -> object:
        here = event["requestContext"]
        client = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=f"https://{here['domainName']}/{here['stage']}",
        )
        client.post_to_connection(ConnectionId=here["connectionId"], Data=b"by TLS")
        client.close()
        return {"statusCode": 200}

    client = gatepost({"$default": post}).connect()
    client.send("hello")
    assert client.receive() == "by TLS"


def test_a_refused_handshake_tells_its_status(gatepost: "StartGateway") -> None:
    """What `$connect` answers is in the error."""

    def refuse(event: dict[str, Any], context: object) -> object:
        return {"statusCode": 418}

    with pytest.raises(HandshakeRejectedError) as refused:
        gatepost({"$connect": refuse}).connect()
    assert refused.value.status == 418


def test_what_a_handler_raises_is_its_invocations_error(gatepost: "StartGateway") -> None:
    """The client gets the error frame, the test the exception."""

    async def fail(event: dict[str, Any], context: object) -> object:
        await asyncio.sleep(0)
        raise ValueError("on purpose")

    gateway = gatepost({"$default": fail})
    client = gateway.connect()
    client.send("x")
    assert client.receive_json()["message"] == "Internal server error"
    assert gateway.invocations[0].error == "ValueError: on purpose"
    with pytest.raises(AssertionError, match="on purpose"):
        assert gateway.invocations[0].result


@pytest.mark.parametrize(("seconds", "silent"), [(599, False), (600, True)])
def test_the_clock_moves_on_request(
    gatepost: "StartGateway", seconds: float, *, silent: bool
) -> None:
    """B-270: ten idle minutes end a connection, in no time."""
    gateway = gatepost({"$disconnect": accept, "echo": echo}, two_way=["echo"], clock_stands=True)
    client = gateway.connect()
    gateway.clock.advance(seconds)
    if silent:
        assert client.wait_closed() == 1001
        (event,) = gateway.wait_for(lambda: gateway.events_of("DISCONNECT"))
        assert event["requestContext"]["disconnectStatusCode"] == 1001
    else:
        client.send({"action": "echo"})
        assert client.receive_json() == {"action": "echo"}
        assert client.close_code is None


def test_two_hours_end_a_connection_however_busy(gatepost: "StartGateway") -> None:
    """B-274: messages don't prolong a connection's life."""
    gateway = gatepost({"echo": echo}, two_way=["echo"], clock_stands=True)
    client = gateway.connect()
    for _ in range(14):
        gateway.clock.advance(500)
        client.send({"action": "echo"})
        client.receive()
    gateway.clock.advance(200)
    assert client.wait_closed() == 1001


def test_a_closed_connection_says_so(gatepost: "StartGateway") -> None:
    """Sending and receiving raise; frames that came before are still given."""
    gateway = gatepost({"$disconnect": accept})
    client = gateway.connect()
    client.close(4000, "enough")
    with pytest.raises(ClosedError, match="4000 enough"):
        client.receive()
    with pytest.raises(ClosedError):
        client.send("x")
    (event,) = gateway.wait_for(lambda: gateway.events_of("DISCONNECT"))
    assert event["requestContext"]["disconnectReason"] == "enough"


def test_waiting_in_vain_tells_what_was_seen(gatepost: "StartGateway") -> None:
    """The error names the frames that came, or the invocations."""
    gateway = gatepost({"$connect": accept})
    client = gateway.connect()
    with pytest.raises(TimeoutError, match="a frame after these"):
        client.receive(timeout=0.01)
    with pytest.raises(TimeoutError, match=r"\$connect\(CONNECT\) returned"):
        gateway.wait_for(lambda: False, timeout=0.01)


async def test_a_coroutine_can_wait_without_stopping_its_loop(gatepost: "StartGateway") -> None:
    """The `_async` methods leave the test's own loop running."""
    came = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def handle(event: dict[str, Any], context: object) -> object:
        loop.call_soon_threadsafe(came.set)
        return {"statusCode": 200, "body": "seen"}

    gateway = gatepost({"$default": handle}, two_way=["$default"])
    client = await gateway.connect_async(query=[("a", "1"), ("a", "2")])
    receiving = asyncio.create_task(client.receive_async())
    client.send("x")
    await came.wait()
    assert await receiving == "seen"
    client.close()
    assert await client.wait_closed_async() == 1000
    assert await gateway.wait_for_async(lambda: gateway.invocations)


def test_subprotocols_are_offered_and_chosen(gatepost: "StartGateway") -> None:
    """B-050: the handler picks one."""

    def choose(event: dict[str, Any], context: object) -> object:
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "b"}}

    assert gatepost({"$connect": choose}).connect(subprotocols=["a", "b"]).subprotocol == "b"


def test_faults_are_injected_and_cleared(gatepost: "StartGateway") -> None:
    """A post to a client that is said to be gone raises in the handler."""
    gateway = gatepost({"post": post_back})
    client = gateway.connect()
    gateway.faults.inject(gone=[client.connection_id])
    client.send({"action": "post"})
    errors = gateway.wait_for(lambda: [one.error for one in gateway.invocations if one.error])
    assert "GoneException" in errors[0]
    gateway.faults.clear()
    client.receive()  # the error frame
    client.send({"action": "post"})
    assert client.receive() == "posted"


def test_a_link_can_be_dropped(gatepost: "StartGateway") -> None:
    """The client sees no close frame; only this one is affected."""
    gateway = gatepost({"$disconnect": accept, "echo": echo}, two_way=["echo"])
    one, other = gateway.connect(), gateway.connect()
    gateway.faults.drop(one)
    assert one.wait_closed() == 1006
    other.send({"action": "echo"})
    assert other.receive_json() == {"action": "echo"}
    assert gateway.wait_for(lambda: gateway.events_of("DISCONNECT"))


def test_there_are_no_workers_to_kill_in_this_process(gatepost: "StartGateway") -> None:
    """A fault that would have no effect is refused."""
    with pytest.raises(ValueError, match="without workers"):
        gatepost({"a": echo}).faults.inject(kill_rate=1.0)


def test_a_route_in_place_of_a_handler_is_taken_as_it_is(gatepost: "StartGateway") -> None:
    """A mock integration, and a route that leads to another route's handler."""
    gateway = gatepost(
        {
            "mock": Route("mock", Mock(response_templates={"200": "mocked"}), two_way=True),
            "echo": echo,
            "other": Route("other", LambdaProxy("echo"), two_way=True),
        }
    )
    client = gateway.connect()
    client.send({"action": "mock"})
    assert client.receive() == "mocked"
    client.send({"action": "other"})
    assert client.receive_json() == {"action": "other"}
    assert [each.function for each in gateway.invocations] == ["echo"]


def test_a_handshake_that_lasts_too_long_tells_what_runs(gatepost: "StartGateway") -> None:
    """The test's limit, not the gateway's 29 seconds."""
    released = threading.Event()

    def hang(event: dict[str, Any], context: object) -> object:
        released.wait(20)
        return {"statusCode": 200}

    gateway = gatepost({"$connect": hang})
    with pytest.raises(TimeoutError, match=r"no handshake within 0.1 s.*\$connect\(CONNECT\) runs"):
        gateway.connect(timeout=0.1)
    released.set()


def test_an_authorizer_guards_the_connection(gatepost: "StartGateway") -> None:
    """401 without a call where an identity source is missing; its context is in later events."""

    def authorize(event: dict[str, Any], context: object) -> object:
        effect = "Allow" if event["queryStringParameters"]["token"] == "good" else "Deny"
        statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        return {"principalId": "ann", "policyDocument": document}

    gateway = gatepost(
        {"$connect": accept},
        authorizer=authorize,
        identity_sources=["route.request.querystring.token"],
    )
    with pytest.raises(HandshakeRejectedError) as missing:
        gateway.connect()
    with pytest.raises(HandshakeRejectedError) as denied:
        gateway.connect(query="token=bad")
    gateway.connect(query="token=good")
    assert (missing.value.status, denied.value.status) == (401, 403)
    assert [each.function for each in gateway.invocations] == [
        "authorizer",
        "authorizer",
        "$connect",
    ]
    assert gateway.invocations[-1].event["requestContext"]["authorizer"]["principalId"] == "ann"


def test_handlers_find_the_environment_that_was_asked_for(gatepost: "StartGateway") -> None:
    """For as long as the gateway runs."""

    def tell(event: dict[str, Any], context: object) -> object:
        return {"statusCode": 200, "body": os.environ["GATEPOST_TEST_WORD"]}

    gateway = gatepost({"x": tell}, two_way=["x"], environment={"GATEPOST_TEST_WORD": "hello"})
    client = gateway.connect()
    client.send({"action": "x"})
    assert client.receive() == "hello"
    gateway.close()
    assert "GATEPOST_TEST_WORD" not in os.environ


@pytest.fixture
def a_developers_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A profile and credentials that no test must use; checked to be there again afterwards."""
    given = {"AWS_PROFILE": "production", "AWS_SECRET_ACCESS_KEY": "real"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    yield
    assert {**os.environ, "PYTEST_CURRENT_TEST": ""} == {**before, "PYTEST_CURRENT_TEST": ""}


@pytest.mark.usefixtures("a_developers_environment", "gatepost")
def test_the_environment_is_fake_while_a_gateway_runs(gatepost: "StartGateway") -> None:
    """Endpoint and credentials lead here, and the developer's own come back."""
    gateway = gatepost({"$connect": accept})
    assert "AWS_PROFILE" not in os.environ
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "local"
    assert os.environ["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] == gateway.management_endpoint


@pytest.mark.parametrize("workers", [0, 1])
def test_a_template_runs_whole(gatepost: "StartGateway", tmp_path: Path, workers: int) -> None:
    """Its functions run in this process or in workers, under their names in the template."""
    (tmp_path / "talk.py").write_text(
        "import os\ndef handle(event, context):\n"
        "    return {'statusCode': 200, 'body': os.environ['WORD']}\n"
    )
    (tmp_path / "serverless.yml").write_text(
        "service: s\nprovider: {name: aws, runtime: python3.13, environment: {WORD: hello}}\n"
        "functions: {talk: {handler: talk.handle, events: [{websocket: "
        "{route: $default, routeResponseSelectionExpression: $default}}]}}\n"
    )
    gateway = gatepost(template=tmp_path / "serverless.yml", workers=workers)
    client = gateway.connect()
    client.send("x")
    assert client.receive() == "hello"
    assert gateway.invocations[0].function == "talk"


def test_what_makes_no_sense_is_refused(gatepost: "StartGateway") -> None:
    """Mistakes of the test's author are named."""
    with pytest.raises(ValueError, match="either handlers"):
        gatepost()
    with pytest.raises(ValueError, match="two_way names routes without a handler: nosuch"):
        gatepost({"a": echo}, two_way=["nosuch"])
    with pytest.raises(TypeError, match="colour"):
        gatepost({"a": echo}, colour="red")
    with pytest.raises(ValueError, match="selection expression"):
        gatepost({"a": echo}, expression="$nonsense.x")
    with pytest.raises(ValueError, match="forward"):
        gatepost({"a": echo}).clock.advance(-1)


def run_pytest(folder: Path, *options: str) -> str:
    """Run pytest as another project would; its output, which says that all passed."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *options]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_how_tos_example_passes_as_it_stands(tmp_path: Path) -> None:
    """Its files, each named in its first line, are a project of ten lines and its tests."""
    blocks = re.findall(r"```python\n(# (\S+\.py)\n.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    for text, name in blocks:
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [name for _, name in blocks] == ["chat.py", "test_chat.py", "test_time.py"]
    assert "4 passed" in run_pytest(tmp_path, "-p", "no:asyncio", "-p", "no:randomly")


def test_other_projects_pay_nothing_for_the_plugin() -> None:
    """Where no test uses the fixture, nothing beyond the plugin itself is imported."""
    code = (
        "import sys, pytest; before = set(sys.modules); import gatepost.emulator.pytest_plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [
        "gatepost",
        "gatepost.emulator",
        "gatepost.emulator.pytest_plugin",
    ]


def test_what_the_fixture_needs_is_imported_before_the_first_test(tmp_path: Path) -> None:
    """That test must not be slower than others; runs without the fixture import nothing."""
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_alone(): assert 'gatepost.emulator.testing' not in sys.modules\n"
        "def test_before(): assert 'trustme' in sys.modules\n"
        "def test_with(gatepost): pass\n"
    )
    for chosen in ("alone", "before or with"):
        run_pytest(tmp_path, "-p", "no:asyncio", "-p", "no:randomly", "-k", chosen)
