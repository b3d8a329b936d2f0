"""The three events, key by key."""

from typing import TYPE_CHECKING, Any

import pytest

from gatepost.gateway.core.commands import Accept, Invoke
from gatepost.gateway.core.inputs import Lost, Message, PeerClosed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gatepost.gateway.core.conftest import Dialogue

BROWSER = (
    ("Connection", "keep-alive, Upgrade"),
    ("upgrade", "websocket"),
    ("content-length", "0"),
    ("origin", "https://app.example.com"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("SEC-WEBSOCKET-VERSION", "13"),
    ("X-Custom", "first"),
    ("x-custom", "last"),
    ("X-Forwarded-For", "203.0.113.9"),
    ("user-agent", "ExampleBrowser/1.0"),
)


def context_of(event: dict[str, Any], **expected: object) -> None:
    """Check a requestContext: exactly these keys and those that every event has."""
    context = event["requestContext"]
    request_id = context.pop("requestId")
    assert context.pop("extendedRequestId") == request_id  # B-003
    assert request_id != context["connectionId"]
    assert context == {
        "messageDirection": "IN",
        "stage": "dev",
        "connectedAt": 1_772_701_623_412,
        "domainName": "localhost:3001",
        "apiId": "a1b2c3d4e5",
        "identity": {"userAgent": "ExampleBrowser/1.0", "sourceIp": "192.0.2.10"},
        **expected,
    }


def test_a_connect_event_has_exactly_the_keys_of_awss(dialogue: "Dialogue") -> None:
    """B-100 to B-108: canonical names, hop headers gone, added ones there, the last value wins."""
    dialogue.upgrade(headers=BROWSER)
    event = dialogue.event()
    trace = event["headers"].pop("X-Amzn-Trace-Id")
    assert event["multiValueHeaders"].pop("X-Amzn-Trace-Id") == [trace]
    headers = {
        "Host": "localhost:3001",
        "Origin": "https://app.example.com",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "User-Agent": "ExampleBrowser/1.0",
        "X-Custom": "last",
        "X-Forwarded-For": "192.0.2.10",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    assert event["headers"] == headers
    every = {name: [value] for name, value in headers.items()}
    assert event["multiValueHeaders"] == every | {"X-Custom": ["first", "last"]}
    context_of(
        event,
        routeKey="$connect",
        eventType="CONNECT",
        connectionId=dialogue.one(Invoke).connection_id,
        requestTime="05/Mar/2026:09:07:03 +0000",
        requestTimeEpoch=1_772_701_623_412,
    )
    assert event["isBase64Encoded"] is False
    assert set(event) == {"headers", "multiValueHeaders", "requestContext", "isBase64Encoded"}


def test_a_message_event_has_no_headers_and_no_query(dialogue: "Dialogue") -> None:
    """B-120 to B-123: the body as it came, a messageId, the selected route."""
    connection_id = dialogue.connect(headers=BROWSER, query="a=1")
    dialogue.say(Message(connection_id, '{"action": "nowhere",\r\n "x": "ü"}'), after=7)
    event = dialogue.event()
    message_id = event["requestContext"].pop("messageId")
    assert message_id not in {event["requestContext"]["requestId"], connection_id}
    context_of(
        event,
        routeKey="$default",
        eventType="MESSAGE",
        connectionId=connection_id,
        requestTime="05/Mar/2026:09:07:10 +0000",
        requestTimeEpoch=1_772_701_630_412,
    )
    assert event["body"] == '{"action": "nowhere",\r\n "x": "ü"}'
    assert event["isBase64Encoded"] is False
    assert set(event) == {"requestContext", "body", "isBase64Encoded"}


def test_a_disconnect_event_has_four_odd_headers(dialogue: "Dialogue") -> None:
    """B-130, B-131: and a code and a reason; no body."""
    connection_id = dialogue.connect(headers=BROWSER)
    dialogue.say(PeerClosed(connection_id), after=101.1)
    event = dialogue.event()
    headers = {"Host": "localhost:3001", "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    assert event["headers"] == headers
    assert event["multiValueHeaders"] == {name: [value] for name, value in headers.items()}
    context_of(
        event,
        routeKey="$disconnect",
        eventType="DISCONNECT",
        disconnectStatusCode=1005,
        disconnectReason="Client-side close frame status not set",
        connectionId=connection_id,
        requestTime="05/Mar/2026:09:08:44 +0000",
        requestTimeEpoch=1_772_701_724_512,
    )
    assert set(event) == {"headers", "multiValueHeaders", "requestContext", "isBase64Encoded"}


def test_identity_has_no_user_agent_when_the_client_sent_none(dialogue: "Dialogue") -> None:
    """B-107: absent, not null."""
    dialogue.upgrade()
    assert dialogue.event()["requestContext"]["identity"] == {"sourceIp": "192.0.2.10"}


@pytest.mark.parametrize(
    ("query", "last", "every"),
    [
        ("room=blue", {"room": "blue"}, {"room": ["blue"]}),
        ("a=1&b=&a=2", {"a": "2", "b": ""}, {"a": ["1", "2"], "b": [""]}),
        ("flag", {"flag": ""}, {"flag": [""]}),
        ("n%C3%A4me=a%20b%26c+d", {"näme": "a b&c d"}, {"näme": ["a b&c d"]}),
        ("x=%ff", {"x": "\ufffd"}, {"x": ["\ufffd"]}),
    ],
)
def test_query_parameters_are_decoded_and_the_last_value_wins(
    dialogue: "Dialogue", query: str, last: dict[str, str], every: dict[str, list[str]]
) -> None:
    """B-105."""
    dialogue.upgrade(query=query)
    event = dialogue.event()
    assert event["queryStringParameters"] == last
    assert event["multiValueQueryStringParameters"] == every


@pytest.mark.parametrize("query", ["", "&"])
def test_without_query_parameters_their_keys_are_absent(dialogue: "Dialogue", query: str) -> None:
    """B-105: not null, not empty."""
    dialogue.upgrade(query=query)
    assert not {"queryStringParameters", "multiValueQueryStringParameters"} & set(dialogue.event())


def test_stage_variables_are_in_all_three_events(talk: "Callable[..., Dialogue]") -> None:
    """B-106, B-124: when the stage has some."""
    dialogue = talk(stage_variables={"name": "value"})
    dialogue.upgrade()
    assert dialogue.event()["stageVariables"] == {"name": "value"}
    dialogue.finish(dialogue.one(Invoke).invocation_id, {"statusCode": 200})
    connection_id = dialogue.one(Accept).connection_id
    dialogue.say(Message(connection_id, "hi"))
    assert dialogue.event()["stageVariables"] == {"name": "value"}
    dialogue.say(Lost(connection_id))
    assert dialogue.event()["stageVariables"] == {"name": "value"}


def test_a_host_header_is_there_even_if_the_client_sent_none(
    talk: "Callable[..., Dialogue]",
) -> None:
    """`Host` is the authority the client used."""
    dialogue = talk()
    dialogue.upgrade(headers=(("Host", "second:1"),))
    assert dialogue.event()["headers"]["Host"] == "second:1"
    assert dialogue.event()["requestContext"]["domainName"] == "localhost:3001"
