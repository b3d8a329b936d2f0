"""Integrations: functions, mocks, HTTP backends, none; at `$connect`, messages, `$disconnect`."""

import json
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.commands import Accept, CallHttp, Invoke, Refuse, Report, Send
from gatepost.gateway.core.deployment import (
    CONNECT,
    DISCONNECT,
    HttpProxy,
    LambdaMapped,
    Mock,
    NotEmulated,
    Route,
)
from gatepost.gateway.core.inputs import (
    Failed,
    HttpAnswered,
    InvocationFinished,
    Message,
    NotInvocable,
    PeerClosed,
    Returned,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gatepost.gateway.core.conftest import Dialogue

BACKEND = HttpProxy("POST", "http://localhost:9/hook")


def connected(dialogue: "Dialogue") -> str:
    """Connect without a function in between; return the connection's id."""
    dialogue.upgrade()
    return dialogue.one(Accept).connection_id


def test_a_mock_answers_by_itself(talk: "Callable[..., Dialogue]") -> None:
    """The request's statusCode picks the body, `$default` stands for the others."""
    mock = Mock(
        "{\"statusCode\": $input.path('$.status')}",
        {"200": "fine, $context.connectionId", "/4\\d\\d/": "yours", "$default": "else"},
    )
    dialogue = talk(Route("$default", mock, two_way=True))
    connection_id = connected(dialogue)
    answers = {200: f"fine, {connection_id}", 404: "yours", 499: "yours", 503: "else"}
    for status, text in answers.items():
        dialogue.say(Message(connection_id, json.dumps({"status": status})))
        assert dialogue.one(Send).fragments == (text.encode(),)
        report = dialogue.one(Report)
        assert (report.kind, report.status, report.duration_ms) == ("message", status, 0)
        assert not dialogue.all(Invoke)


def test_a_mock_of_a_one_way_route_sends_nothing(talk: "Callable[..., Dialogue]") -> None:
    """B-190: its answer is dropped like that of a function."""
    dialogue = talk(Route("$default", Mock(response_templates={"200": "x"})))
    connection_id = connected(dialogue)
    dialogue.say(Message(connection_id, "hi"))
    assert dialogue.commands == dialogue.all(Report)


def test_a_mock_without_a_body_for_the_status_sends_an_empty_frame(
    talk: "Callable[..., Dialogue]",
) -> None:
    """B-193."""
    dialogue = talk(Route("$default", Mock(response_templates={"404": "x"}), two_way=True))
    connection_id = connected(dialogue)
    dialogue.say(Message(connection_id, "hi"))
    assert dialogue.one(Send).fragments == (b"",)


@pytest.mark.parametrize("request_template", ["", "[]", "{}", '{"statusCode": "200"}', "x", "true"])
def test_a_mock_that_yields_no_status_fails(
    talk: "Callable[..., Dialogue]", request_template: str
) -> None:
    """As an integration that can't be invoked (B-180)."""
    dialogue = talk(Route("$default", Mock(request_template)))
    connection_id = connected(dialogue)
    dialogue.say(Message(connection_id, "hi"))
    assert b"Internal server error" in dialogue.one(Send).fragments[0]
    assert "statusCode" in dialogue.one(Report).detail


@pytest.mark.parametrize(("status", "accepted"), [(200, True), (204, True), (401, False)])
def test_a_mock_decides_on_connect(
    talk: "Callable[..., Dialogue]", status: int, *, accepted: bool
) -> None:
    """B-041, B-042: as a function's result would."""
    mock = Mock(f'{{"statusCode": {status}}}', {"401": "no, $context.routeKey"})
    dialogue = talk(Route(CONNECT, mock), Route(DISCONNECT, Mock()))
    dialogue.upgrade()
    if accepted:
        connection_id = dialogue.one(Accept).connection_id
        dialogue.say(PeerClosed(connection_id, 1000))
        assert dialogue.one(Report).kind == "disconnect"
    else:
        refuse = dialogue.one(Refuse)
        assert (refuse.status, refuse.body) == (401, b"no, $connect")


def test_a_template_with_vtl_is_refused_with_route_and_expression(
    talk: "Callable[..., Dialogue]",
) -> None:
    """When the gateway is built."""
    mock = Mock(response_templates={"200": "#set($x = 1) $x"})
    with pytest.raises(
        ValueError, match=r"the route 'echo' of 'chat': '#set\(\$x = 1\) \$x' is no"
    ):
        talk(Route("echo", mock))


def test_a_pattern_that_is_none_is_refused(talk: "Callable[..., Dialogue]") -> None:
    """When the gateway is built."""
    with pytest.raises(ValueError, match=r"the route 'echo' of 'chat': the response key '/\(/'"):
        talk(Route("echo", Mock(response_templates={"/(/": ""})))


def test_a_route_without_an_integration_fails(talk: "Callable[..., Dialogue]") -> None:
    """B-166: `Internal server error` for a message, 500 at `$connect`."""
    dialogue = talk(Route("$default"), Route(DISCONNECT))
    connection_id = connected(dialogue)
    dialogue.say(Message(connection_id, "hi"))
    assert b"Internal server error" in dialogue.one(Send).fragments[0]
    dialogue.say(PeerClosed(connection_id, 1000))
    assert dialogue.one(Report).detail == "the route has no integration"
    dialogue = talk(Route(CONNECT))
    dialogue.upgrade()
    assert dialogue.one(Refuse).status == 500


def test_a_message_goes_to_the_backend_as_a_body(talk: "Callable[..., Dialogue]") -> None:
    """What it needs of the context comes by parameters; a message has no headers (B-120)."""
    proxy = HttpProxy(
        "ANY",
        "http://${stageVariables.host}/users/{id}?a=1",
        {
            "integration.request.header.connectionId": "context.connectionId",
            "integration.request.header.X-Fixed": "'yes'",
            "integration.request.querystring.kind": "route.request.body.kind",
            "integration.request.path.id": "route.request.body.id",
        },
    )
    route = Route("$default", proxy, two_way=True, integration_timeout_s=3.0)
    dialogue = talk(route, stage_variables={"host": "backend:8080"})
    connection_id = connected(dialogue)
    dialogue.say(Message(connection_id, '{"kind":"a b","id":"../7?"}'))
    call = dialogue.one(CallHttp)
    assert (call.method, call.url) == ("POST", "http://backend:8080/users/..%2F7%3F?a=1&kind=a+b")
    assert call.body == b'{"kind":"a b","id":"../7?"}'
    assert dict(call.headers) == {
        "User-Agent": "AmazonAPIGateway_a1b2c3d4e5",
        "x-amzn-apigateway-api-id": "a1b2c3d4e5",
        "Content-Type": "application/json",
        "connectionId": connection_id,
        "X-Fixed": "yes",
    }
    assert (call.connection_id, call.route_key, call.timeout_s) == (connection_id, "$default", 3.0)
    dialogue.finish(call.invocation_id, HttpAnswered(503, (), "grüß".encode()))
    assert dialogue.one(Send).fragments == ("grüß".encode(),)
    assert dialogue.one(Report).status == 503


@pytest.mark.parametrize("outcome", [NotInvocable("refused"), HttpAnswered(200, (), b"\xff")])
def test_a_backend_that_fails_gives_an_error_frame(
    talk: "Callable[..., Dialogue]", outcome: object
) -> None:
    """B-180; bytes that are no text can't be a text frame."""
    dialogue = talk(Route("$default", BACKEND, two_way=True))
    connection_id = connected(dialogue)
    dialogue.say(Message(connection_id, "hi"))
    dialogue.finish(dialogue.one(CallHttp).invocation_id, outcome)
    assert b"Internal server error" in dialogue.one(Send).fragments[0]


def test_a_backend_decides_on_connect(talk: "Callable[..., Dialogue]") -> None:
    """B-041, B-042, B-050: it gets the client's headers and query, no connection headers."""
    parameters = {
        "integration.request.header.Sec-WebSocket-Version": "'0'",
        "integration.request.header.token": "route.request.querystring.t",
    }
    dialogue = talk(Route(CONNECT, HttpProxy("PUT", "http://h/", parameters)))
    headers = (
        ("Connection", "Upgrade"),
        ("User-Agent", "wscat"),
        ("Sec-WebSocket-Version", "13"),
        ("X-Tag", "1"),
        ("X-Tag", "2"),
    )
    dialogue.upgrade(query="t=a&t=b", headers=headers)
    call = dialogue.one(CallHttp)
    assert (call.method, call.url, call.body) == ("PUT", "http://h/?t=a&t=b", b"")
    assert [value for name, value in call.headers if name == "X-Tag"] == ["1", "2"]
    sent = dict(call.headers)
    assert sent["User-Agent"] == "AmazonAPIGateway_a1b2c3d4e5"
    assert (sent["Sec-WebSocket-Version"], sent["token"]) == ("0", "b")
    assert sent.keys().isdisjoint({"Host", "Connection", "Upgrade"})
    answer = HttpAnswered(200, (("sec-websocket-protocol", "chat.v1"), ("Set-Cookie", "x")))
    dialogue.finish(call.invocation_id, answer)
    assert dialogue.one(Accept).subprotocol == "chat.v1"
    dialogue.upgrade()
    dialogue.finish(dialogue.one(CallHttp).invocation_id, HttpAnswered(403, (), b"no"))
    assert (dialogue.one(Refuse).status, dialogue.one(Refuse).body) == (403, b"no")


def test_disconnect_goes_to_the_backend_without_a_body(talk: "Callable[..., Dialogue]") -> None:
    """B-136: what it answers reaches nobody."""
    dialogue = talk(Route(DISCONNECT, BACKEND))
    connection_id = connected(dialogue)
    dialogue.say(PeerClosed(connection_id, 1000))
    call = dialogue.one(CallHttp)
    assert call.body == b""
    assert [name for name, _ in call.headers] == ["User-Agent", "x-amzn-apigateway-api-id"]
    dialogue.finish(call.invocation_id, HttpAnswered(500))
    assert dialogue.commands == dialogue.all(Report)


@pytest.mark.parametrize(
    "parameters",
    [
        {"integration.request.body.x": "'y'"},
        {"integration.request.header.x": "context.nothing"},
        {"append:header.x": "'y'"},
    ],
)
def test_a_parameter_that_cant_be_set_is_refused(
    talk: "Callable[..., Dialogue]", parameters: dict[str, str]
) -> None:
    """With the route, when the gateway is built."""
    with pytest.raises(ValueError, match="the route 'echo' of 'chat': "):
        talk(Route("echo", HttpProxy("POST", "http://h/", parameters)))


def test_a_function_behind_templates_gets_what_the_selected_one_makes(
    talk: "Callable[..., Dialogue]",
) -> None:
    """B-186: selected by the message, `$default` for the others."""
    templates = {
        "big": '{"size": "big", "of": $input.json(\'$.what\')}',
        "$default": '{"from": "$context.connectionId", "text": $input.body}',
    }
    mapped = LambdaMapped("f", templates, "$request.body.size")
    dialogue = talk(Route("$default", mapped))
    connection_id = connected(dialogue)
    dialogue.say(Message(connection_id, '{"size": "big", "what": [1]}'))
    assert json.loads(dialogue.one(Invoke).event) == {"size": "big", "of": [1]}
    dialogue.say(Message(connection_id, "5"))
    assert json.loads(dialogue.one(Invoke).event) == {"from": connection_id, "text": 5}


@pytest.mark.parametrize(
    ("passthrough", "templates", "passes"),
    [
        ("WHEN_NO_MATCH", {}, True),
        ("WHEN_NO_MATCH", {"other": "{}"}, True),
        ("WHEN_NO_TEMPLATES", {}, True),
        ("WHEN_NO_TEMPLATES", {"other": "{}"}, False),
        ("NEVER", {}, False),
    ],
)
def test_a_message_without_a_template_passes_as_the_integration_allows(
    talk: "Callable[..., Dialogue]",
    passthrough: str,
    templates: dict[str, str],
    *,
    passes: bool,
) -> None:
    """B-187."""
    mapped = LambdaMapped("f", templates, passthrough=passthrough)  # type: ignore[arg-type]
    dialogue = talk(Route("$default", mapped))
    connection_id = connected(dialogue)
    dialogue.say(Message(connection_id, '{"a": 1}'))
    assert [one.event for one in dialogue.all(Invoke)] == ([b'{"a": 1}'] if passes else [])
    assert [b"Internal server error" in one.fragments[0] for one in dialogue.all(Send)] == (
        [] if passes else [True]
    )


def test_what_is_no_json_does_not_reach_a_function_behind_templates(
    talk: "Callable[..., Dialogue]",
) -> None:
    """Lambda takes nothing else; the live log says why."""
    dialogue = talk(Route("$default", LambdaMapped("f", {"$default": '{"text": $input.body}'})))
    connection_id = connected(dialogue)
    for text in ("hello", "[" * 10_000):
        dialogue.say(Message(connection_id, text))
        assert not dialogue.all(Invoke)
        assert b"Internal server error" in dialogue.one(Send).fragments[0]
        assert "is no JSON" in dialogue.one(Report).detail


@pytest.mark.parametrize(
    ("templates", "frame"),
    [
        ({}, b'{"statusCode": 500, "text": "hi"}'),
        ({"$default": "said $input.path('$.text')"}, b"said hi"),
        ({"/2\\d\\d/": "fine: $input.json('$.text')"}, b'fine: "hi"'),
    ],
)
def test_what_a_function_behind_templates_returns_is_the_body(
    talk: "Callable[..., Dialogue]", templates: dict[str, str], frame: bytes
) -> None:
    """B-188: whatever it looks like, or what a response template makes of it."""
    mapped = LambdaMapped("f", response_templates=templates)
    dialogue = talk(Route("$default", mapped, two_way=True))
    connection_id = connected(dialogue)
    dialogue.say(Message(connection_id, "{}"))
    invocation_id = dialogue.one(Invoke).invocation_id
    answer = Returned(b'{"statusCode": 500, "text": "hi"}')
    dialogue.say(InvocationFinished(invocation_id, answer))
    assert dialogue.one(Send).fragments == (frame,)
    assert dialogue.one(Report).status == 200


def test_a_function_behind_templates_accepts_by_returning(
    talk: "Callable[..., Dialogue]",
) -> None:
    """B-188: at `$connect` an answer of any kind is a 200, an exception none; the event is `{}`."""
    dialogue = talk(Route(CONNECT, LambdaMapped("f")))
    for outcome, kind in (
        (Returned(b'{"statusCode": 401}'), Accept),
        (Failed("E", "no"), Refuse),
    ):
        dialogue.upgrade()
        invoke = dialogue.one(Invoke)
        assert invoke.event == b"{}"
        dialogue.say(InvocationFinished(invoke.invocation_id, outcome))
        assert isinstance(dialogue.one(kind), kind)


def test_a_response_template_over_the_context_is_refused(talk: "Callable[..., Dialogue]") -> None:
    """Only the answer is at hand then."""
    mapped = LambdaMapped("f", response_templates={"$default": "$context.connectionId"})
    with pytest.raises(ValueError, match="a response template refers to context"):
        talk(Route("$default", mapped))


def test_a_service_that_is_not_emulated_fails_at_each_use(talk: "Callable[..., Dialogue]") -> None:
    """As an integration that can't be invoked (B-180); the live log names the service."""
    dialogue = talk(Route("$default", NotEmulated("sqs")))
    connection_id = connected(dialogue)
    dialogue.say(Message(connection_id, "{}"))
    assert b"Internal server error" in dialogue.one(Send).fragments[0]
    assert dialogue.one(Report).detail == "an integration of sqs, which is not emulated"
