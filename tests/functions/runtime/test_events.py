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


def test_a_connect_event_names_its_connection() -> None:
    """Time is in epoch milliseconds, B-105."""
    context = events.read({"requestContext": CONTEXT}, events.ConnectEvent).request_context
    assert (context.connection_id, context.connected_at) == ("Q0ZkUfPSIAMCJzA=", 1772701623412)


@pytest.mark.parametrize("vouching", [{}, {"authorizer": {"principalId": "ann"}}])
def test_without_an_identity_nobody_vouches_for_a_connection(vouching: dict[str, object]) -> None:
    """B-108: without an authorizer the key is absent; another authorizer leaves no identity."""
    raw: events.Event = {"requestContext": {**CONTEXT, **vouching}}
    context = events.read(raw, events.ConnectEvent).request_context
    with pytest.raises(ProtocolError) as raised:
        context.identity()
    assert raised.value.kind == UNAUTHORIZED


def test_the_identity_is_what_the_authorizer_left() -> None:
    """B-082: as text, beside what the gateway adds."""
    identity = Identity("ann", {"name": "Ann"}, (Grant("chat:*", ("subscribe",)),), 1_800_000_000)
    authorizer = {
        "principalId": "ann",
        "integrationLatency": 37,
        "identity": msgspec.json.encode(identity).decode(),
    }
    raw: events.Event = {"requestContext": {**CONTEXT, "authorizer": authorizer}, "body": "{}"}
    event = events.read(raw, events.MessageEvent)
    assert event.request_context.identity() == identity
    assert event.body == "{}"


def test_a_disconnect_event_may_have_only_the_principal() -> None:
    """B-082: a recorded one had nothing else of the authorizer's."""
    raw: events.Event = {"requestContext": {**CONTEXT, "authorizer": {"principalId": "ann"}}}
    event = events.read(raw, events.DisconnectEvent)
    assert event.request_context.connection_id == "Q0ZkUfPSIAMCJzA="


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
