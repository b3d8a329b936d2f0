"""What is a guess about AWS can be switched, and is what the page of facts says by default."""

import json
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.commands import (
    Accept,
    Answer,
    CallHttp,
    Close,
    Invoke,
    Refuse,
    Report,
    Send,
)
from gatepost.gateway.core.deployment import HttpProxy, LambdaProxy, Route
from gatepost.gateway.core.inputs import (
    Failed,
    HttpAnswered,
    ManagementCall,
    Message,
    NotInvocable,
    Outcome,
    Pinged,
    Tick,
)
from gatepost.gateway.core.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gatepost.gateway.core.conftest import Dialogue

    Talk = Callable[..., Dialogue]

TWO_WAY_CONNECT = Route("$connect", LambdaProxy("connect"), two_way=True)
WELCOME = {"statusCode": 200, "body": "welcome"}


def call(dialogue: "Dialogue", connection_id: str, method: str, body: bytes = b"") -> int:
    """Call `@connections`; return the status."""
    dialogue.say(ManagementCall(1, method, f"/dev/@connections/{connection_id}", body))
    return dialogue.one(Answer).status


@pytest.mark.parametrize(
    ("status", "body"), [(403, b'{"message":"Forbidden"}'), (404, b'{"message":"Not Found"}')]
)
def test_guess_more_path_than_the_stage_has_a_status_of_its_own(
    talk: "Talk", status: int, body: bytes
) -> None:
    """B-024; an unknown stage stays 403 (B-023)."""
    settings = GatewaySettings(extra_path_status=status)  # type: ignore[arg-type] # one of the two
    dialogue = talk(settings=settings)
    dialogue.upgrade("/dev/rooms")
    assert (dialogue.one(Refuse).status, dialogue.one(Refuse).body) == (status, body)
    dialogue.upgrade("/nowhere")
    assert dialogue.one(Refuse).status == 403


@pytest.mark.parametrize("with_ids", [True, False])
@pytest.mark.parametrize("outcome", [Failed("E", "no"), NotInvocable("no")])
def test_guess_a_refusal_of_the_gateways_own_may_name_the_request(
    talk: "Talk", *, with_ids: bool, outcome: Outcome
) -> None:
    """B-054; the function's own body stays as it is."""
    dialogue = talk(settings=GatewaySettings(rejection_has_ids=with_ids))
    dialogue.upgrade()
    dialogue.finish(dialogue.one(Invoke).invocation_id, outcome)
    names = {"message", "connectionId", "requestId"} if with_ids else {"message"}
    assert set(json.loads(dialogue.one(Refuse).body)) == names


@pytest.mark.parametrize("follows", [False, True])
def test_guess_a_disconnect_may_follow_a_connect_that_refused(
    talk: "Talk",
    follows: bool,  # noqa: FBT001
) -> None:
    """B-055: also after one that was too slow."""
    dialogue = talk(settings=GatewaySettings(disconnect_after_rejection=follows))
    dialogue.upgrade()
    connection_id = dialogue.one(Invoke).connection_id
    dialogue.finish(dialogue.one(Invoke).invocation_id, {"statusCode": 403})
    invoked = [(each.route_key, each.connection_id) for each in dialogue.all(Invoke)]
    assert invoked == ([("$disconnect", connection_id)] if follows else [])
    dialogue.upgrade()
    dialogue.say(Tick(), after=30)
    assert dialogue.one(Refuse).status == 504
    assert len(dialogue.all(Invoke)) == follows


@pytest.mark.parametrize("sent", [False, True])
def test_guess_a_route_response_of_connect_may_be_a_frame(
    talk: "Talk",
    sent: bool,  # noqa: FBT001
) -> None:
    """B-056: after the 101, and of a two-way route alone."""
    settings = GatewaySettings(connect_response=sent)
    dialogue = talk(TWO_WAY_CONNECT, settings=settings)
    dialogue.upgrade()
    dialogue.finish(dialogue.one(Invoke).invocation_id, WELCOME)
    frames = [command for command in dialogue.commands if isinstance(command, Accept | Send)]
    connection_id = dialogue.one(Accept).connection_id
    assert frames[1:] == ([Send(connection_id, (b"welcome",))] if sent else [])
    assert dialogue.one(Report).status == 101
    dialogue = talk(settings=settings)
    dialogue.upgrade()
    dialogue.finish(dialogue.one(Invoke).invocation_id, WELCOME)
    assert not dialogue.all(Send)


def test_guess_a_response_of_connect_that_is_no_text_is_told_in_the_log(talk: "Talk") -> None:
    """B-056: the client is connected all the same."""
    dialogue = talk(TWO_WAY_CONNECT, settings=GatewaySettings(connect_response=True))
    dialogue.upgrade()
    result = {"statusCode": 200, "body": "//4=", "isBase64Encoded": True}
    dialogue.finish(dialogue.one(Invoke).invocation_id, result)
    assert dialogue.all(Accept)
    assert not dialogue.all(Send)
    assert dialogue.one(Report).detail == "malformed result: body is not UTF-8 text"


@pytest.mark.parametrize("key", ["$connect", "$disconnect"])
@pytest.mark.parametrize("selectable", [False, True])
def test_guess_a_message_may_select_what_is_reserved(
    talk: "Talk", key: str, *, selectable: bool
) -> None:
    """B-160: as a message, which it stays."""
    dialogue = talk(settings=GatewaySettings(reserved_routes_selectable=selectable))
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, json.dumps({"action": key})))
    assert dialogue.one(Invoke).route_key == (key if selectable else "$default")
    assert dialogue.event()["requestContext"]["eventType"] == "MESSAGE"
    dialogue.finish(dialogue.one(Invoke).invocation_id, {"statusCode": 403})
    assert [each.kind for each in dialogue.all(Report)] == ["message"]


def test_guess_a_message_to_connect_is_one_to_its_backend(talk: "Talk") -> None:
    """B-160, B-120: without the client's headers."""
    route = Route("$connect", HttpProxy("POST", "http://backend.test/"))
    dialogue = talk(route, settings=GatewaySettings(reserved_routes_selectable=True))
    dialogue.upgrade()
    dialogue.finish(dialogue.one(CallHttp).invocation_id, HttpAnswered(200))
    connection_id = dialogue.one(Accept).connection_id
    dialogue.say(Message(connection_id, '{"action":"$connect"}'))
    assert ("Content-Type", "application/json") in dialogue.one(CallHttp).headers


@pytest.mark.parametrize(("delivered", "status"), [(False, 400), (True, 200)])
def test_guess_a_post_that_is_no_text_may_be_a_binary_message(
    talk: "Talk", *, delivered: bool, status: int
) -> None:
    """B-207; one that is text stays one (B-206)."""
    dialogue = talk(settings=GatewaySettings(binary_posts=delivered))
    connection_id = dialogue.connect()
    assert call(dialogue, connection_id, "POST", b"\xff\xfe") == status
    sent = [Send(connection_id, (b"\xff\xfe",), binary=True)] if delivered else []
    assert dialogue.all(Send) == sent
    assert call(dialogue, connection_id, "POST", "ü".encode()) == 200
    assert not dialogue.one(Send).binary


@pytest.mark.parametrize(("refused", "status"), [(False, 200), (True, 400)])
def test_guess_an_empty_post_may_be_refused(talk: "Talk", *, refused: bool, status: int) -> None:
    """B-208."""
    dialogue = talk(settings=GatewaySettings(refuse_empty_posts=refused))
    connection_id = dialogue.connect()
    assert call(dialogue, connection_id, "POST") == status
    assert dialogue.all(Send) == ([] if refused else [Send(connection_id, (b"",))])
    assert call(dialogue, connection_id, "POST", b"x") == 200


@pytest.mark.parametrize("code", [1000, 1001])
def test_guess_a_client_sees_a_code_when_its_connection_is_deleted(talk: "Talk", code: int) -> None:
    """B-212: the event says 1000 whatever it is."""
    dialogue = talk(settings=GatewaySettings(deleted_close_code=code))
    connection_id = dialogue.connect()
    assert call(dialogue, connection_id, "DELETE") == 204
    assert dialogue.one(Close) == Close(connection_id, code)
    assert dialogue.event()["requestContext"]["disconnectStatusCode"] == 1000


def test_guess_a_ping_that_is_told_resets_the_idle_time(dialogue: "Dialogue") -> None:
    """B-273: nothing else; one of a connection that is over is ignored."""
    connection_id = dialogue.connect()
    dialogue.say(Pinged(connection_id), after=599)
    dialogue.say(Tick(), after=599)
    assert not dialogue.all(Close)
    dialogue.say(Tick(), after=2)
    assert dialogue.one(Close).code == 1001
    assert dialogue.say(Pinged(connection_id)) == []
