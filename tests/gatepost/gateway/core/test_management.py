"""The `@connections` API and the rest of plain HTTP."""

import json
from random import Random
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.commands import Answer, Close, Invoke, Report, Send
from gatepost.gateway.core.deployment import Throttle
from gatepost.gateway.core.ids import IdSource
from gatepost.gateway.core.inputs import ManagementCall, Message, PeerClosed
from gatepost.gateway.core.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gatepost.gateway.core.conftest import Dialogue

EARLIER = 1_700_000_000.0
OURS = IdSource("a1b2c3d4e5", Random(9)).connection_id(EARLIER)  # noqa: S311 - no secret
FOREIGN = IdSource("zzzzzzzzzz", Random(9)).connection_id(EARLIER)  # noqa: S311 - no secret


def call(
    dialogue: "Dialogue", connection_id: str, method: str = "POST", body: bytes = b""
) -> Answer:
    """Call `@connections` as botocore writes its path; return the answer."""
    path = f"/dev/@connections/{connection_id.replace('=', '%3D')}"
    dialogue.say(ManagementCall(7, method, path, body))
    answer = dialogue.one(Answer)
    assert answer.call_id == 7
    return answer


@pytest.mark.parametrize("marker", ["@connections", "%40connections"])
@pytest.mark.parametrize("sign", ["=", "%3D", "%3d"])
def test_a_post_is_delivered_as_one_text_message(
    dialogue: "Dialogue", marker: str, sign: str
) -> None:
    """B-200, B-205, B-206, B-209: every way to write the path; the body unchanged."""
    connection_id = dialogue.connect()
    path = f"/dev/{marker}/{connection_id.replace('=', sign)}"
    dialogue.say(ManagementCall(3, "POST", path, "grüß \r\n".encode()))
    assert dialogue.commands == [
        Send(connection_id, ("grüß \r\n".encode(),)),
        Answer(3, 200),
        Report("send", connection_id, "@connections", 200, 0.0),
    ]


def test_guess_an_empty_post_is_an_empty_text_message(dialogue: "Dialogue") -> None:
    """B-208."""
    connection_id = dialogue.connect()
    assert call(dialogue, connection_id).status == 200
    assert dialogue.one(Send).fragments == (b"",)


def test_guess_a_post_that_is_no_text_is_refused(dialogue: "Dialogue") -> None:
    """B-207: 400, and the client hears nothing."""
    connection_id = dialogue.connect()
    answer = call(dialogue, connection_id, body=b"\xff\xfe")
    assert (answer.status, dict(answer.headers)["x-amzn-ErrorType"]) == (400, "BadRequestException")
    assert "UTF-8" in json.loads(answer.body)["message"]
    assert not dialogue.all(Send)


def test_a_long_post_is_fragmented_and_a_longer_one_refused(dialogue: "Dialogue") -> None:
    """B-204, B-223, B-253: 413 at 131 073 bytes; the connection stays open."""
    connection_id = dialogue.connect()
    answer = call(dialogue, connection_id, body=b"x" * 131_073)
    assert answer.status == 413
    assert dict(answer.headers)["x-amzn-ErrorType"] == "PayloadTooLargeException"
    assert json.loads(answer.body) == {"message": "Message too long"}
    assert dialogue.commands == [answer, *dialogue.all(Report)]
    assert call(dialogue, connection_id, body=b"x" * 131_072).status == 200
    assert [len(part) for part in dialogue.one(Send).fragments] == [32_768] * 4


def test_get_tells_what_the_service_model_declares(dialogue: "Dialogue") -> None:
    """B-210, B-211: ISO 8601 times; `lastActiveAt` moves with messages in either direction."""
    connection_id = dialogue.connect(headers=(("User-Agent", "ExampleBrowser/1.0"),))
    answer = call(dialogue, connection_id, "GET")
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "connectedAt": "2026-03-05T09:07:03.412Z",
        "identity": {"userAgent": "ExampleBrowser/1.0", "sourceIp": "192.0.2.10"},
        "lastActiveAt": "2026-03-05T09:07:03.412Z",
    }
    dialogue.say(Message(connection_id, "hi"), after=2.5)
    dialogue.now += 1
    moved = json.loads(call(dialogue, connection_id, "GET").body)
    assert moved["lastActiveAt"] == "2026-03-05T09:07:05.912Z"
    call(dialogue, connection_id, "POST")
    moved = json.loads(call(dialogue, connection_id, "GET").body)
    assert moved["lastActiveAt"] == "2026-03-05T09:07:06.912Z"


def test_get_leaves_out_a_user_agent_that_there_is_not(dialogue: "Dialogue") -> None:
    """B-107, B-210."""
    body = json.loads(call(dialogue, dialogue.connect(), "GET").body)
    assert body["identity"] == {"sourceIp": "192.0.2.10"}


def test_delete_closes_and_disconnect_says_normally(dialogue: "Dialogue") -> None:
    """B-212, B-213: 204; no reason on the wire, one in the event; 410 from then on."""
    connection_id = dialogue.connect()
    answer = call(dialogue, connection_id, "DELETE")
    assert (answer.status, answer.body) == (204, b"")
    assert dialogue.one(Close) == Close(connection_id, 1000, "")
    context = dialogue.event()["requestContext"]
    assert context["disconnectStatusCode"] == 1000
    assert context["disconnectReason"] == "Connection Closed Normally"
    assert call(dialogue, connection_id, "DELETE").status == 410
    assert not dialogue.all(Invoke)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_connection_that_has_closed_is_gone(dialogue: "Dialogue", method: str) -> None:
    """B-214, B-215: an empty body; the type in the header alone."""
    connection_id = dialogue.connect()
    dialogue.say(PeerClosed(connection_id, 1000))
    answer = call(dialogue, connection_id, method, b"hi")
    assert answer == Answer(7, 410, (("x-amzn-ErrorType", "GoneException"),), b"")


def test_a_connection_of_an_earlier_run_is_gone(dialogue: "Dialogue") -> None:
    """B-217: so that rows which outlived the emulator are pruned."""
    assert call(dialogue, OURS).status == 410


@pytest.mark.parametrize("connection_id", ["test-connection-123", "non-existing-id", "a%2Fb"])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_malformed_id_is_a_bad_request(
    dialogue: "Dialogue", connection_id: str, method: str
) -> None:
    """B-216: not 410."""
    answer = call(dialogue, connection_id, method)
    assert answer.status == 400
    assert dict(answer.headers)["x-amzn-ErrorType"] == "BadRequestException"
    assert json.loads(answer.body) == {"message": "Invalid connectionId"}


def test_guess_a_foreign_id_is_forbidden_unless_switched(
    dialogue: "Dialogue", talk: "Callable[..., Dialogue]"
) -> None:
    """B-217."""
    answer = call(dialogue, FOREIGN)
    assert (answer.status, dict(answer.headers)["x-amzn-ErrorType"]) == (403, "ForbiddenException")
    assert (
        call(talk(settings=GatewaySettings(foreign_connection_status=410)), FOREIGN).status == 410
    )


@pytest.mark.parametrize(
    "path",
    [
        "/prod/@connections/{id}",
        "/other/@connections/{id}",
        "/@connections/{id}",
        "/dev/@connections",
        "/dev/@connections/",
        "/dev/@connections/{id}/more",
        "/dev/connections/{id}",
        "/dev/dev/@connections/{id}",
        "/dev/more",
        "/",
        "",
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_any_other_path_is_forbidden(dialogue: "Dialogue", path: str, method: str) -> None:
    """B-218: the stage missing or wrong, or another API's; nothing is sent."""
    connection_id = dialogue.connect()
    dialogue.say(ManagementCall(1, method, path.format(id=connection_id), b"hi"))
    answer = dialogue.one(Answer)
    assert (answer.status, answer.body) == (403, b'{"message":"Forbidden"}')
    assert dict(answer.headers)["x-amzn-ErrorType"] == "ForbiddenException"
    assert not dialogue.all(Send)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "post"])
def test_any_other_method_is_forbidden(dialogue: "Dialogue", method: str) -> None:
    """Inferred from B-218, and harmless to the connection."""
    connection_id = dialogue.connect()
    assert call(dialogue, connection_id, method, b"hi").status == 403
    assert not dialogue.all(Send)


@pytest.mark.parametrize("path", ["/dev", "/dev/"])
def test_guess_a_plain_get_on_the_sockets_path_wants_an_upgrade(
    dialogue: "Dialogue", path: str
) -> None:
    """B-025: 426, and RFC 9110 section 15.5.22 wants the `Upgrade` header."""
    dialogue.say(ManagementCall(1, "GET", path))
    answer = dialogue.one(Answer)
    assert answer.status == 426
    assert ("Upgrade", "websocket") in answer.headers
    assert dialogue.one(Report).kind == "http"
    dialogue.say(ManagementCall(1, "POST", path))
    assert dialogue.one(Answer).status == 403


def test_the_opening_window_answers_gone_for_a_while(talk: "Callable[..., Dialogue]") -> None:
    """B-221, off by default."""
    dialogue = talk(settings=GatewaySettings(opening_window_s=0.5))
    connection_id = dialogue.connect()
    assert call(dialogue, connection_id).status == 410
    dialogue.now += 0.5
    assert call(dialogue, connection_id).status == 200


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_throttled_call_is_answered_429(talk: "Callable[..., Dialogue]", method: str) -> None:
    """B-314, B-310: whatever it asks, and whomever; other paths are not counted."""
    dialogue = talk(settings=GatewaySettings(account_throttle=Throttle(1, 2)))
    connection_id = dialogue.connect()
    dialogue.say(ManagementCall(1, "GET", "/dev/nothing"))
    assert dialogue.one(Answer).status == 403
    assert call(dialogue, connection_id, "GET").status == 200
    answer = call(dialogue, connection_id, method)
    assert (answer.status, answer.body) == (429, b"")
    assert answer.headers == (("x-amzn-ErrorType", "LimitExceededException"),)
    assert not dialogue.all(Send) + dialogue.all(Close)
    assert dialogue.one(Report).status == 429
    dialogue.now += 1
    assert call(dialogue, connection_id).status == 200
