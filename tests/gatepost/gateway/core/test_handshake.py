"""From the upgrade request to 101 or to an HTTP status."""

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepost.gateway.core.commands import Accept, CallHttp, Invoke, Refuse, Report, Send
from gatepost.gateway.core.deployment import Authorizer, HttpProxy, LambdaProxy, Route, Throttle
from gatepost.gateway.core.inputs import (
    Failed,
    HttpAnswered,
    InvocationFinished,
    Lost,
    ManagementCall,
    Message,
    NotInvocable,
    Outcome,
    Returned,
    Shutdown,
    Tick,
    UpgradeAbandoned,
)
from gatepost.gateway.core.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gatepost.gateway.core.conftest import Dialogue


@pytest.mark.parametrize("path", ["/dev", "/dev/", "/%64ev"])
def test_the_stage_is_the_path(dialogue: "Dialogue", path: str) -> None:
    """B-020: with and without a slash at the end."""
    dialogue.upgrade(path)
    assert dialogue.one(Invoke).route_key == "$connect"


@pytest.mark.parametrize("path", ["/", "", "/prod", "/DEV", "/dev/more", "/dev//", "//dev"])
def test_any_other_path_is_forbidden(dialogue: "Dialogue", path: str) -> None:
    """B-023, B-024 (the latter a guess): 403 in JSON with the error type in a header."""
    number = dialogue.upgrade(path)
    refusal = dialogue.one(Refuse)
    assert (refusal.handshake_id, refusal.status) == (number, 403)
    assert ("x-amzn-ErrorType", "ForbiddenException") in refusal.headers
    assert refusal.body == b'{"message":"Forbidden"}'
    assert not dialogue.all(Invoke)


def test_a_url_over_the_limit_is_refused(dialogue: "Dialogue") -> None:
    """B-028: 4096 characters."""
    dialogue.upgrade("/dev", "x" * 4092)
    assert dialogue.all(Invoke)
    dialogue.upgrade("/dev", "x" * 4093)
    assert dialogue.one(Refuse).status == 414


def test_what_a_handshake_waits_for_names_it(talk: "Callable[..., Dialogue]") -> None:
    """So that its client is answered should the outcome meet a bug; a message's names none."""
    guarded = Route("$connect", HttpProxy("POST", "http://x"), authorization=Authorizer("a", "a"))
    dialogue = talk(guarded, Route("$default", LambdaProxy("f")))
    handshake_id = dialogue.upgrade()
    asked = dialogue.one(Invoke)
    assert asked.handshake_id == handshake_id
    policy = {"Statement": [{"Effect": "Allow", "Action": "execute-api:*", "Resource": "*"}]}
    dialogue.finish(asked.invocation_id, {"principalId": "ann", "policyDocument": policy})
    called = dialogue.one(CallHttp)
    assert called.handshake_id == handshake_id
    dialogue.say(InvocationFinished(called.invocation_id, HttpAnswered(200, (), b"")))
    dialogue.say(Message(dialogue.one(Accept).connection_id, "x"))
    assert dialogue.one(Invoke).handshake_id is None


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_accepts(dialogue: "Dialogue", status: int) -> None:
    """B-041, B-049: neither body nor headers go along."""
    number = dialogue.upgrade()
    invoke = dialogue.one(Invoke)
    result = {"statusCode": status, "body": "welcome", "headers": {"Set-Cookie": "a=b"}}
    dialogue.finish(invoke.invocation_id, result, after=0.25)
    assert dialogue.commands[0] == Accept(number, invoke.connection_id)
    report = dialogue.one(Report)
    assert (report.kind, report.status) == ("connect", 101)
    assert report.duration_ms == pytest.approx(250, abs=0.1)
    assert not dialogue.all(Send)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 501])
def test_any_other_status_is_passed_through(dialogue: "Dialogue", status: int) -> None:
    """B-042, and B-054 (a guess): with the function's body; B-055: no `$disconnect`."""
    number = dialogue.upgrade()
    dialogue.finish(dialogue.one(Invoke).invocation_id, {"statusCode": status, "body": "no"})
    assert dialogue.one(Refuse) == Refuse(number, status, (), b"no")
    assert not dialogue.all(Invoke)
    assert dialogue.one(Report).status == status


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Failed("ValueError", "bad"), 502),
        (NotInvocable("no such handler"), 500),
        (Returned(b'"ok"'), 502),
        (Returned(b"null"), 502),
        (Returned(b'{"statusCode":"200"}'), 502),
        (Returned(b'{"statusCode":101}'), 502),
        (Returned(b'{"statusCode":401,"body":"%","isBase64Encoded":true}'), 502),
    ],
)
def test_a_failing_connect_function_refuses(
    dialogue: "Dialogue", outcome: Outcome, status: int
) -> None:
    """B-043 to B-045, section 12; the body as B-054 (a guess) has it."""
    dialogue.upgrade()
    invoke = dialogue.one(Invoke)
    request_id = dialogue.event()["requestContext"]["requestId"]
    dialogue.finish(invoke.invocation_id, outcome)
    refusal = dialogue.one(Refuse)
    assert refusal.status == status
    assert json.loads(refusal.body) == {
        "message": "Internal server error",
        "connectionId": invoke.connection_id,
        "requestId": request_id,
    }
    assert "x-amzn-ErrorType" in dict(refusal.headers)
    assert dialogue.one(Report).detail
    assert not dialogue.all(Invoke)


def test_a_slow_connect_function_is_answered_504(dialogue: "Dialogue") -> None:
    """B-046: at the integration timeout; what the function says later changes nothing."""
    dialogue.upgrade()
    invocation_id = dialogue.one(Invoke).invocation_id
    assert not dialogue.say(Tick(), after=28.9)[:-1]
    dialogue.say(Tick(), after=0.2)
    refusal = dialogue.one(Refuse)
    assert refusal.status == 504
    assert json.loads(refusal.body)["message"] == "Endpoint request timed out"
    dialogue.finish(invocation_id, {"statusCode": 200})
    assert dialogue.commands == []


def test_without_a_connect_route_every_client_is_accepted(talk: "Callable[..., Dialogue]") -> None:
    """B-047."""
    dialogue = talk(Route("$default", LambdaProxy("fallback")))
    number = dialogue.upgrade()
    assert dialogue.one(Accept).handshake_id == number
    dialogue.say(Message(dialogue.one(Accept).connection_id, "hi"))
    assert dialogue.one(Invoke).route_key == "$default"


@pytest.mark.parametrize("name", ["Sec-WebSocket-Protocol", "sec-websocket-protocol"])
def test_the_function_chooses_the_subprotocol(dialogue: "Dialogue", name: str) -> None:
    """B-050: the offers reach the event as they came; the choice returns in a header."""
    dialogue.upgrade(headers=(("sec-websocket-protocol", "chat.v1, chat.v2"),))
    assert dialogue.event()["headers"]["Sec-WebSocket-Protocol"] == "chat.v1, chat.v2"
    result = {"statusCode": 200, "headers": {name: "chat.v2"}}
    dialogue.finish(dialogue.one(Invoke).invocation_id, result)
    assert dialogue.one(Accept).subprotocol == "chat.v2"


def test_a_function_that_chooses_none_completes_without_one(dialogue: "Dialogue") -> None:
    """B-051: 101 without the header."""
    dialogue.connect(headers=(("Sec-WebSocket-Protocol", "chat.v1"),))
    assert dialogue.one(Accept).subprotocol is None


@pytest.mark.parametrize(("passed", "chosen"), [(True, "chat.v9"), (False, None)])
def test_guess_a_subprotocol_that_was_not_offered_is_passed_through(
    talk: "Callable[..., Dialogue]", *, passed: bool, chosen: str | None
) -> None:
    """B-052, switchable."""
    dialogue = talk(settings=GatewaySettings(pass_unoffered_subprotocol=passed))
    dialogue.upgrade(headers=(("Sec-WebSocket-Protocol", "chat.v1, chat.v2"),))
    result = {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat.v9"}}
    dialogue.finish(dialogue.one(Invoke).invocation_id, result)
    assert dialogue.one(Accept).subprotocol == chosen


def test_a_connection_is_gone_until_connect_has_returned(dialogue: "Dialogue") -> None:
    """B-040, B-220: a POST from inside its own `$connect` is 410, and right after it 200."""
    dialogue.upgrade()
    invoke = dialogue.one(Invoke)
    call = ManagementCall(1, "POST", f"/dev/@connections/{invoke.connection_id}", b"hi")
    assert "410" in str(dialogue.say(call)[0])
    dialogue.finish(invoke.invocation_id, {"statusCode": 200})
    assert "200" in str(dialogue.say(call)[1])


def test_disconnect_runs_for_a_client_that_left_before_connect_accepted(
    dialogue: "Dialogue",
) -> None:
    """Inferred: what the function recorded goes away again; there is nobody to accept."""
    number = dialogue.upgrade()
    invocation_id = dialogue.one(Invoke).invocation_id
    dialogue.say(UpgradeAbandoned(number), after=1)
    assert dialogue.one(Report).kind == "connect"
    dialogue.finish(invocation_id, {"statusCode": 200}, after=1)
    context = dialogue.event()["requestContext"]
    assert (context["routeKey"], context["disconnectStatusCode"]) == ("$disconnect", 1006)
    assert not dialogue.all(Accept)


@pytest.mark.parametrize("outcome", [Returned(b'{"statusCode":403}'), Failed("E", "m")])
def test_no_disconnect_for_a_client_that_left_and_was_refused(
    dialogue: "Dialogue", outcome: Outcome
) -> None:
    """B-055: a refused connection has nothing to tell."""
    number = dialogue.upgrade()
    invocation_id = dialogue.one(Invoke).invocation_id
    dialogue.say(UpgradeAbandoned(number))
    assert dialogue.say(InvocationFinished(invocation_id, outcome)) == []


def test_shutdown_refuses_pending_handshakes_and_new_ones(dialogue: "Dialogue") -> None:
    """503 to both; a `$connect` that accepts after that gets its `$disconnect`."""
    number = dialogue.upgrade()
    invocation_id = dialogue.one(Invoke).invocation_id
    dialogue.say(Shutdown())
    assert (dialogue.one(Refuse).handshake_id, dialogue.one(Refuse).status) == (number, 503)
    dialogue.upgrade()
    assert dialogue.one(Refuse).status == 503
    dialogue.finish(invocation_id, {"statusCode": 200})
    assert dialogue.event()["requestContext"]["disconnectStatusCode"] == 1001


def test_a_throttled_handshake_gets_429_and_asks_nobody(talk: "Callable[..., Dialogue]") -> None:
    """B-312; a stage that is not there takes nothing from the bucket."""
    dialogue = talk(settings=GatewaySettings(connect_throttle=Throttle(1, 1)))
    dialogue.upgrade("/nowhere")
    dialogue.upgrade()
    assert dialogue.all(Invoke)
    number = dialogue.upgrade()
    refusal = dialogue.one(Refuse)
    assert (refusal.handshake_id, refusal.status) == (number, 429)
    assert refusal.body == b'{"message":"Too Many Requests"}'
    report = dialogue.one(Report)
    assert (report.kind, report.status, report.detail) == ("connect", 429, "throttled")
    assert not dialogue.all(Invoke)


@pytest.mark.parametrize("accepts", [False, True])
def test_a_result_without_a_status_accepts_if_a_setting_says_so(
    talk: "Callable[..., Dialogue]", *, accepts: bool
) -> None:
    """B-045: contested."""
    dialogue = talk(settings=GatewaySettings(accept_connect_without_status=accepts))
    dialogue.upgrade()
    dialogue.finish(dialogue.one(Invoke).invocation_id, {})
    if accepts:
        assert dialogue.all(Accept)
    else:
        assert dialogue.one(Refuse).status == 502
        assert "statusCode is missing" in dialogue.one(Report).detail


AUTHORIZER = Authorizer("auth", "authorize", ("route.request.querystring.token",))
GUARDED = (
    Route("$connect", LambdaProxy("connect"), authorization=AUTHORIZER),
    Route("$disconnect", LambdaProxy("disconnect")),
    Route("$default", LambdaProxy("fallback")),
)
ALLOW = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
GRANT = {"principalId": "u-1", "policyDocument": {"Statement": [ALLOW]}, "context": {"n": 1}}


def test_a_missing_identity_source_is_401_without_an_invocation(
    talk: "Callable[..., Dialogue]",
) -> None:
    """B-072: with what the live log needs to say which."""
    dialogue = talk(*GUARDED)
    dialogue.upgrade(query="token=")
    refusal = dialogue.one(Refuse)
    assert refusal.status == 401
    assert json.loads(refusal.body)["message"] == "Unauthorized"
    assert not dialogue.all(Invoke)
    assert "route.request.querystring.token" in dialogue.one(Report).detail


def test_an_authorizer_comes_before_the_connect_function(
    talk: "Callable[..., Dialogue]",
) -> None:
    """B-074, B-075, B-082: one request for both, the latency on CONNECT alone."""
    dialogue = talk(*GUARDED)
    dialogue.upgrade(query="token=t")
    asked, event = dialogue.one(Invoke), dialogue.event()
    assert (asked.function, asked.route_key) == ("authorize", "$connect")
    dialogue.finish(asked.invocation_id, GRANT, after=0.25)
    assert dialogue.one(Invoke).function == "connect"
    context = dialogue.event()["requestContext"]
    latency = context["authorizer"].pop("integrationLatency")
    assert latency in (249, 250)
    assert context.pop("authorizer") == {"n": "1", "principalId": "u-1"}
    assert context == event["requestContext"]
    dialogue.finish(dialogue.one(Invoke).invocation_id, {"statusCode": 200})
    connection_id = dialogue.one(Accept).connection_id
    for later in (Message(connection_id, "x"), Lost(connection_id)):
        dialogue.say(later)
        told = dialogue.event()["requestContext"]["authorizer"]
        assert told == {"n": "1", "principalId": "u-1"}


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Failed("Exception", "Unauthorized"), 401),
        (Failed("Exception", "else"), 500),
        (NotInvocable("no permission"), 500),
        (Returned(b'{"statusCode":401}'), 500),
        (Returned(b'{"principalId":"u","policyDocument":{"Statement":[]}}'), 403),
    ],
)
def test_an_authorizer_that_does_not_allow_refuses(
    talk: "Callable[..., Dialogue]", outcome: Outcome, status: int
) -> None:
    """B-078 to B-080: `$connect` is not asked, and the live log says why."""
    dialogue = talk(*GUARDED)
    number = dialogue.upgrade(query="token=t")
    dialogue.finish(dialogue.one(Invoke).invocation_id, outcome, after=0.5)
    assert (dialogue.one(Refuse).handshake_id, dialogue.one(Refuse).status) == (number, status)
    assert not dialogue.all(Invoke)
    report = dialogue.one(Report)
    assert (report.kind, report.status) == ("connect", status)
    assert report.detail.startswith("authorizer: ")


def test_an_authorizer_has_as_long_as_an_integration(talk: "Callable[..., Dialogue]") -> None:
    """B-087: 29 s, then it has failed; what it says later opens nothing."""
    dialogue = talk(*GUARDED)
    dialogue.upgrade(query="token=t")
    asked = dialogue.one(Invoke).invocation_id
    dialogue.say(Tick(), after=28.9)
    assert not dialogue.all(Refuse)
    dialogue.say(Tick(), after=0.2)
    assert dialogue.one(Refuse).status == 500
    dialogue.finish(asked, GRANT)
    assert not dialogue.commands


@pytest.mark.parametrize("end", [UpgradeAbandoned(1), Shutdown()])
def test_nobody_is_connected_when_the_client_left_before_the_authorizer_ended(
    talk: "Callable[..., Dialogue]", end: UpgradeAbandoned | Shutdown
) -> None:
    """Neither `$connect` nor `$disconnect` is asked: neither knows of the client."""
    dialogue = talk(*GUARDED)
    dialogue.upgrade(query="token=t")
    asked = dialogue.one(Invoke).invocation_id
    dialogue.say(end)
    dialogue.finish(asked, GRANT)
    assert not dialogue.commands


SAID: list[object] = [
    GRANT,
    {"statusCode": 200},
    {"statusCode": 403},
    Failed("Exception", "Unauthorized"),
    NotInvocable("no permission"),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # `talk` keeps nothing
@given(st.lists(st.sampled_from([*SAID, "left", "late"]), min_size=1, max_size=4))
def test_nobody_is_connected_without_a_grant_and_an_acceptance(
    talk: "Callable[..., Dialogue]", steps: list[object]
) -> None:
    """Whatever functions answer and whenever the client leaves, a handshake ends once at most."""
    dialogue = talk(*GUARDED)
    number = dialogue.upgrade(query="token=t")
    asked, ends = [dialogue.one(Invoke)], 0
    for step in steps:
        if step == "left":
            dialogue.say(UpgradeAbandoned(number))
        elif step == "late":
            dialogue.say(Tick(), after=29.5)
        else:
            dialogue.finish(asked[-1].invocation_id, step)
        asked += dialogue.all(Invoke)
        ends += len(dialogue.all(Accept)) + len(dialogue.all(Refuse))
        if dialogue.all(Accept):
            assert steps[:2] == [GRANT, {"statusCode": 200}]
    assert ends <= 1
    assert ends == 1 or "left" in steps or steps == [GRANT]
    assert ("connect" in [invoke.function for invoke in asked]) == (steps[0] == GRANT)
