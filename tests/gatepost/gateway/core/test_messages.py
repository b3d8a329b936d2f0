"""A client's message, its function, and what comes back."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.commands import Close, Invoke, Report, Send
from gatepost.gateway.core.deployment import LambdaProxy, Route, Throttle
from gatepost.gateway.core.inputs import (
    Failed,
    Message,
    NotInvocable,
    Outcome,
    PeerClosed,
    Returned,
    Tick,
)
from gatepost.gateway.core.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gatepost.gateway.core.conftest import Dialogue

ECHO = '{"action":"echo"}'
NOTIFY = '{"action":"notify"}'


def test_a_message_invokes_the_function_of_its_route(dialogue: "Dialogue") -> None:
    """B-122: the selected key is the event's routeKey."""
    connection_id = dialogue.connect()
    for text, key, function in (
        (ECHO, "echo", "echo"),
        (NOTIFY, "notify", "notify"),
        ("plain", "$default", "fallback"),
    ):
        dialogue.say(Message(connection_id, text))
        invoke = dialogue.one(Invoke)
        assert (invoke.function, invoke.route_key) == (function, key)
        assert dialogue.event()["requestContext"]["routeKey"] == key


def test_without_a_route_the_client_gets_forbidden(talk: "Callable[..., Dialogue]") -> None:
    """B-165, B-175: exact text; the connection stays open; nothing is invoked."""
    dialogue = talk(Route("$connect", LambdaProxy("connect")), Route("echo", LambdaProxy("echo")))
    connection_id = dialogue.connect()
    for _ in range(2):
        dialogue.say(Message(connection_id, "hello"))
        (frame,) = dialogue.one(Send).fragments
        request_id = frame.decode()[-18:-2]
        assert frame.decode() == (
            f'{{"message": "Forbidden", "connectionId":"{connection_id}", '
            f'"requestId":"{request_id}"}}'
        )
        assert dialogue.one(Report).status == 403
        assert not dialogue.all(Invoke)


@pytest.mark.parametrize("text", [ECHO, NOTIFY])
@pytest.mark.parametrize("outcome", [Failed("ValueError", "bad"), NotInvocable("no handler")])
def test_a_failing_function_sends_internal_server_error_on_either_kind_of_route(
    dialogue: "Dialogue", text: str, outcome: Outcome
) -> None:
    """B-180, B-175, B-176: the event's requestId; the connection stays open."""
    connection_id = dialogue.connect()
    for _ in range(2):
        dialogue.say(Message(connection_id, text))
        request_id = dialogue.event()["requestContext"]["requestId"]
        dialogue.finish(dialogue.one(Invoke).invocation_id, outcome)
        assert dialogue.one(Send).fragments == (
            f'{{"message": "Internal server error", "connectionId":"{connection_id}", '
            f'"requestId":"{request_id}"}}'.encode(),
        )
        assert dialogue.one(Report).status in {500, 502}


@pytest.mark.parametrize(
    "result",
    [None, {"statusCode": 200, "body": "dropped"}, {"statusCode": 301}, {"statusCode": 501}, "x"],
)
def test_the_result_of_a_one_way_route_is_dropped(dialogue: "Dialogue", result: object) -> None:
    """B-182, B-183, B-190: whatever it says, nothing is sent."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, NOTIFY))
    dialogue.finish(dialogue.one(Invoke).invocation_id, result)
    assert dialogue.commands == dialogue.all(Report)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_route_response_is_the_body_whatever_the_status(
    dialogue: "Dialogue", status: int
) -> None:
    """B-191, B-192."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, ECHO))
    invocation_id = dialogue.one(Invoke).invocation_id
    dialogue.finish(invocation_id, {"statusCode": status, "body": "grüß"}, after=0.002)
    assert dialogue.one(Send) == Send(connection_id, ("grüß".encode(),))
    report = dialogue.one(Report)
    assert (report.kind, report.route_key, report.status) == ("message", "echo", status)
    assert report.duration_ms == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("result", [{"statusCode": 200}, {"statusCode": 200, "body": ""}, None])
def test_a_route_response_without_a_body_is_an_empty_frame(
    dialogue: "Dialogue", result: object
) -> None:
    """B-193; `null` counts as a result without a body (inferred from B-182)."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, ECHO))
    dialogue.finish(dialogue.one(Invoke).invocation_id, result)
    assert dialogue.one(Send) == Send(connection_id, (b"",))


@pytest.mark.parametrize(
    "result",
    [
        "ok",
        {"body": "no status"},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "body": "/w==", "isBase64Encoded": True},
        pytest.param({"statusCode": 200, "body": "x" * 131_073}, id="too long"),
    ],
)
def test_a_malformed_route_response_is_an_internal_server_error(
    dialogue: "Dialogue", result: object
) -> None:
    """Inferred by analogy with B-045: it can't be one text message."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, ECHO))
    dialogue.finish(dialogue.one(Invoke).invocation_id, result)
    assert b"Internal server error" in dialogue.one(Send).fragments[0]
    assert dialogue.one(Report).status == 502
    assert "malformed result" in dialogue.one(Report).detail


def test_a_long_route_response_is_fragmented(dialogue: "Dialogue") -> None:
    """B-195, B-253: 128 KiB go out as frames of 32 KiB."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, ECHO))
    result = {"statusCode": 200, "body": "x" * 131_072}
    dialogue.finish(dialogue.one(Invoke).invocation_id, result)
    assert [len(part) for part in dialogue.one(Send).fragments] == [32_768] * 4


@pytest.mark.parametrize(("text", "limit_s"), [(ECHO, 29.0), (NOTIFY, 5.0)])
def test_a_slow_function_times_out_and_its_result_is_ignored(
    dialogue: "Dialogue", text: str, limit_s: float
) -> None:
    """B-181: on either kind of route; the connection stays open."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, text))
    invocation_id = dialogue.one(Invoke).invocation_id
    dialogue.say(Tick(), after=limit_s - 0.001)
    assert not dialogue.all(Send)
    dialogue.say(Tick(), after=0.002)
    (frame,) = dialogue.one(Send).fragments
    assert frame.startswith(b'{"message": "Endpoint request timed out", "connectionId":"')
    assert dialogue.one(Report).status == 504
    dialogue.finish(invocation_id, {"statusCode": 200, "body": "late"})
    assert dialogue.commands == []
    dialogue.say(Message(connection_id, text))
    assert dialogue.one(Invoke).connection_id == connection_id


def test_messages_of_one_connection_run_at_the_same_time(dialogue: "Dialogue") -> None:
    """B-290, B-291: nothing waits for the first; answers come in any order."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, ECHO))
    first = dialogue.one(Invoke).invocation_id
    dialogue.say(Message(connection_id, ECHO))
    second = dialogue.one(Invoke).invocation_id
    dialogue.finish(second, {"statusCode": 200, "body": "2"})
    assert dialogue.one(Send).fragments == (b"2",)
    dialogue.finish(first, {"statusCode": 200, "body": "1"})
    assert dialogue.one(Send).fragments == (b"1",)


@pytest.mark.parametrize("outcome", [Returned(b'{"statusCode":200,"body":"x"}'), Failed("E", "m")])
def test_a_result_for_a_closed_connection_is_dropped(
    dialogue: "Dialogue", outcome: Outcome
) -> None:
    """B-295: `$disconnect` overtakes a slow message; the log still tells of it."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, ECHO))
    invocation_id = dialogue.one(Invoke).invocation_id
    dialogue.say(PeerClosed(connection_id, 1000))
    assert dialogue.one(Invoke).route_key == "$disconnect"
    dialogue.finish(invocation_id, outcome)
    assert dialogue.commands == dialogue.all(Report)


def test_a_message_over_the_limit_closes_with_1009(dialogue: "Dialogue") -> None:
    """B-250, B-252: counted in bytes, not in characters."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, "ü" * 65_536))
    assert dialogue.one(Invoke).route_key == "$default"
    dialogue.say(Message(connection_id, "ü" * 65_536 + "."))
    assert dialogue.one(Close) == Close(connection_id, 1009)
    assert dialogue.event()["requestContext"]["disconnectStatusCode"] == 1009


def test_a_message_of_an_unknown_connection_is_ignored(dialogue: "Dialogue") -> None:
    """It was on its way when the connection ended."""
    assert dialogue.say(Message("L0SM9cOFvHcCIhw=", ECHO)) == []


def test_guess_a_throttled_message_gets_a_frame(talk: "Callable[..., Dialogue]") -> None:
    """B-313: whatever its route; the text is one setting; the connection stays open."""
    settings = GatewaySettings(account_throttle=Throttle(1, 2), throttled_message="Slow down")
    dialogue = talk(settings=settings)
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, NOTIFY))
    assert dialogue.all(Invoke)
    dialogue.say(Message(connection_id, NOTIFY))
    assert dialogue.one(Send).fragments[0].startswith(b'{"message": "Slow down", "connectionId":"')
    report = dialogue.one(Report)
    assert (report.status, report.route_key, report.detail) == (429, "notify", "throttled")
    assert not dialogue.all(Invoke)
    dialogue.say(Message(connection_id, NOTIFY), after=1)
    assert dialogue.all(Invoke)


def test_a_message_that_fits_no_model_is_not_sent_on(talk: "Callable[..., Dialogue]") -> None:
    """B-168: a frame with a messageId of its own; the live log says what is wrong."""
    model: dict[str, object] = {"required": ["text"]}
    route = Route("echo", LambdaProxy("echo"), model_selection_expression="m", models={"m": model})
    dialogue = talk(Route("$connect", LambdaProxy("connect")), route)
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, ECHO))
    (frame,) = dialogue.one(Send).fragments
    assert frame.startswith(b'{"message" : "Bad request body", "connectionId": "')
    report = dialogue.one(Report)
    assert (report.status, report.route_key) == (400, "echo")
    assert report.detail == "$: 'text' is a required property"
    assert not dialogue.all(Invoke)
    dialogue.say(Message(connection_id, '{"action":"echo","text":""}'))
    assert dialogue.one(Invoke).function == "echo"


def test_a_model_that_is_none_is_refused_with_its_route(talk: "Callable[..., Dialogue]") -> None:
    """When the gateway is built."""
    route = Route(
        "echo", LambdaProxy("echo"), model_selection_expression="m", models={"m": {"type": 1}}
    )
    with pytest.raises(ValueError, match="the route 'echo' of 'chat': model 'm' is no JSON schema"):
        talk(route)
