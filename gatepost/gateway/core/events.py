"""The events that functions receive, as JSON, with exactly the keys AWS sends.

The key order is that of recorded events, though no function may rely on it (B-100 to B-136).
"""

from typing import Final

from msgspec import json as msgspec_json

from gatepost.gateway.core.closing import Closing
from gatepost.gateway.core.connection import Connection, MultiValue
from gatepost.gateway.core.deployment import CONNECT, DISCONNECT
from gatepost.gateway.core.timestamps import clf, epoch_ms

_encode: Final = msgspec_json.Encoder().encode


def fixed_context(connection: Connection, domain_name: str) -> dict[str, object]:
    """Return those keys of `requestContext` that are the same in every event of a connection."""
    return {
        "messageDirection": "IN",
        "stage": connection.api.deployed.stage,
        "connectedAt": epoch_ms(connection.connected_at),
        "identity": identity(connection),
        "domainName": domain_name,
        "connectionId": connection.id,
        "apiId": connection.api.deployed.api_id,
    }


def identity(connection: Connection) -> dict[str, str]:
    """Return who the client is without IAM; `userAgent` only if it sent one (B-107, B-210)."""
    source = {"sourceIp": connection.source_ip}
    if connection.user_agent is None:
        return source
    return {"userAgent": connection.user_agent, **source}


def connect_event(
    connection: Connection,
    *,
    headers: MultiValue,
    query: MultiValue,
    context: dict[str, object],
) -> bytes:
    """Return the CONNECT event: no `body`, query and stage variables only if any (B-100, B-105).

    `context` is that of `connect_context`.
    """
    event: dict[str, object] = {"headers": _last(headers), "multiValueHeaders": headers}
    if query:
        event["queryStringParameters"] = _last(query)
        event["multiValueQueryStringParameters"] = query
    _add_stage_variables(event, connection)
    event["requestContext"] = context
    event["isBase64Encoded"] = False
    return _encode(event)


def authorizer_event(
    connection: Connection,
    *,
    headers: MultiValue,
    query: MultiValue,
    context: dict[str, object],
) -> bytes:
    """Return the event of a REQUEST authorizer (B-074).

    It has the headers of the upgrade that the CONNECT event lacks, and empty objects where that
    has no key (B-075).
    """
    upgrading = {**headers, "Connection": ["upgrade"], "Upgrade": ["websocket"]}
    upgrading["content-length"] = ["0"]
    return _encode(
        {
            "type": "REQUEST",
            "methodArn": connection.api.arn(CONNECT),
            "headers": _last(upgrading),
            "multiValueHeaders": upgrading,
            "queryStringParameters": _last(query),
            "multiValueQueryStringParameters": query,
            "stageVariables": connection.api.deployed.stage_variables,
            "requestContext": context,
        }
    )


def connect_context(
    connection: Connection, request_id: str, authorizer_ms: int | None = None
) -> dict[str, object]:
    """Return the `requestContext` of the upgrade, for authorizer and `$connect` alike.

    How long the authorizer took is told here and in no later event (B-082).
    """
    context: dict[str, object] = {
        "routeKey": CONNECT,
        "eventType": "CONNECT",
        **_request(request_id, connection.connected_at),
        **connection.context,
    }
    if isinstance(told := context.get("authorizer"), dict):
        context["authorizer"] = {**told, "integrationLatency": authorizer_ms}
    return context


def message_event(
    connection: Connection, text: str, *, route_key: str, request_id: str, now: float
) -> bytes:
    """Return the MESSAGE event: no headers, no query (B-120); the body as it came (B-121)."""
    event: dict[str, object] = {}
    _add_stage_variables(event, connection)
    event["requestContext"] = {
        "routeKey": route_key,
        "messageId": connection.api.ids.message_id(now),
        "eventType": "MESSAGE",
        **_request(request_id, now),
        **connection.context,
    }
    event["body"] = text
    event["isBase64Encoded"] = False
    return _encode(event)


def disconnect_event(
    connection: Connection, closing: Closing, *, request_id: str, now: float
) -> bytes:
    """Return the DISCONNECT event with its four odd headers (B-130), code and reason (B-131)."""
    headers = {"Host": connection.host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    event: dict[str, object] = {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }
    _add_stage_variables(event, connection)
    event["requestContext"] = {
        "routeKey": DISCONNECT,
        "disconnectStatusCode": closing.code,
        "eventType": "DISCONNECT",
        "disconnectReason": closing.reason,
        **_request(request_id, now),
        **connection.context,
    }
    event["isBase64Encoded"] = False
    return _encode(event)


def _request(request_id: str, now: float) -> dict[str, object]:
    """Return what differs from event to event (B-003, B-006)."""
    return {
        "extendedRequestId": request_id,
        "requestTime": clf(now),
        "requestTimeEpoch": epoch_ms(now),
        "requestId": request_id,
    }


def _last(values: MultiValue) -> dict[str, str]:
    return {name: every[-1] for name, every in values.items()}


def _add_stage_variables(event: dict[str, object], connection: Connection) -> None:
    if variables := connection.api.deployed.stage_variables:
        event["stageVariables"] = variables
