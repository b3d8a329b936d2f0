"""The three events, and the results."""

import json

import msgspec
import pytest

from functions.core.errors import (
    INTERNAL,
    LIMIT_EXCEEDED,
    PERMISSION_DENIED,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    ErrorKind,
    ProtocolError,
)
from functions.core.permissions import Grant, Identity
from functions.runtime import events

CONTEXT = {
    "routeKey": "$connect",
    "eventType": "CONNECT",
    "connectedAt": 1772701623412,
    "identity": {"sourceIp": "192.0.2.10"},
    "connectionId": "Q0ZkUfPSIAMCJzA=",
}


def test_an_event_says_which_connection_it_is_of() -> None:
    """B-105."""
    context = events.read({"requestContext": CONTEXT}, events.ConnectEvent).request_context
    assert context.connection_id == "Q0ZkUfPSIAMCJzA="
    assert context.connected_at == 1772701623412


def test_the_identity_comes_from_the_authorizer() -> None:
    """B-082: as JSON text in its context, beside what else that holds."""
    identity = Identity("ann", {"name": "Ann"}, (Grant("chat:*", ("publish",)),), 5)
    text = msgspec.json.encode(identity).decode()
    authorizer = {"principalId": "ann", "integrationLatency": 37, "identity": text}
    raw: events.Event = {"requestContext": {**CONTEXT, "authorizer": authorizer}, "body": "{}"}
    event = events.read(raw, events.MessageEvent)
    assert event.request_context.identity() == identity
    assert event.body == "{}"


def test_without_an_authorizer_nobody_is_vouched_for() -> None:
    """B-108: then its key is absent; 101."""
    context = events.read({"requestContext": CONTEXT}, events.MessageEvent).request_context
    with pytest.raises(ProtocolError, match="101 no authorizer"):
        context.identity()


def test_a_disconnect_event_is_read() -> None:
    """B-131."""
    raw: events.Event = {"requestContext": {**CONTEXT, "disconnectStatusCode": 1005}}
    event = events.read(raw, events.DisconnectEvent)
    assert event.request_context.connection_id == "Q0ZkUfPSIAMCJzA="


@pytest.mark.parametrize(
    "raw", [{}, {"requestContext": {}}, {"requestContext": {**CONTEXT, "connectedAt": "soon"}}]
)
def test_another_event_is_named_as_such(raw: events.Event) -> None:
    """A function behind the wrong kind of API says what it misses."""
    with pytest.raises(events.EventError, match=r"not a MessageEvent of a WebSocket API: .*`"):
        events.read(raw, events.MessageEvent)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (UNAUTHORIZED, 403),
        (PERMISSION_DENIED, 403),
        (LIMIT_EXCEEDED, 400),
        (TOO_MANY_REQUESTS, 503),
        (INTERNAL, 500),
    ],
)
def test_a_refusal_has_the_errors_status(kind: ErrorKind, status: int) -> None:
    """B-042: it becomes the handshake's."""
    result = events.refused(ProtocolError(kind, "because"))
    assert result["statusCode"] == status
    assert json.loads(str(result["body"])) == {"message": "because"}


def test_replies_are_always_200_with_a_body() -> None:
    """B-192, B-193."""
    assert events.replied("{}") == {"statusCode": 200, "body": "{}"}
    assert events.accepted() == {"statusCode": 200}
