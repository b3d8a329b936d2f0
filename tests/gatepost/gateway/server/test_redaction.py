"""Secrets stay out; what is compared goes on comparing alike."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.commands import Accept, Invoke, Send
from gatepost.gateway.core.deployment import (
    ApiKey,
    Authorizer,
    Deployment,
    HttpApi,
    Route,
    WebSocketApi,
)
from gatepost.gateway.core.inputs import (
    Failed,
    InvocationFinished,
    ManagementCall,
    Message,
    Returned,
    Upgrade,
)
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.redaction import Redactor
from gatepost.gateway.server.trace import encode

SECRET = "s3cr3t-of-the-client"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def redacted(value: object) -> Any:  # noqa: ANN401 - JSON
    """What would be written for an input or command."""
    return Redactor().redact(encode(value))


def upgrade(query: str = "", *headers: tuple[str, str]) -> Upgrade:
    """A handshake."""
    return Upgrade(1, "/dev", query, headers, "h", "192.0.2.1")


@pytest.mark.parametrize("name", ["Authorization", "cookie", "X-API-Key", "x-amz-security-token"])
def test_credentials_in_headers_are_left_out(name: str) -> None:
    """Whatever their case, in handshakes and in plain requests."""
    shown = redacted(upgrade("", (name, SECRET), ("Host", "h")))
    assert SECRET not in str(shown)
    assert shown["headers"][0][0] == name
    assert shown["headers"][1] == ["Host", "h"]
    call = ManagementCall(1, "POST", "/p", headers=((name.encode(), SECRET.encode()),))
    assert SECRET not in str(redacted(call))


@pytest.mark.parametrize("name", ["token", "access_token", "Auth", "api-key", "apiKey", "key"])
def test_credentials_in_the_query_are_left_out(name: str) -> None:
    """Parameters are known by their names; others stay."""
    shown = redacted(upgrade(f"room=a&{name}={SECRET}&monkey=b&flag"))["query"]
    assert SECRET not in shown
    assert shown.startswith(f"room=a&{name}=redacted-")
    assert shown.endswith("&monkey=b&flag")


def test_json_web_tokens_are_left_out_wherever_clients_put_them() -> None:
    """Browsers can send one only as a subprotocol or in the query."""
    given = upgrade(f"x={JWT}", ("Sec-WebSocket-Protocol", f"bearer, {JWT}"))
    shown = redacted(given)
    assert JWT not in str(shown)
    assert shown["headers"][0][1].startswith("bearer, redacted-")
    assert JWT not in str(redacted(Accept(1, "c", JWT)))
    payload = json.dumps({"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": JWT}})
    assert JWT not in str(redacted(InvocationFinished(1, Returned(payload.encode()))))


def test_a_token_within_a_message_is_left_out_wherever_it_goes() -> None:
    """What a client sends to have its authorization extended: in, to the function, and out."""
    text = json.dumps({"action": "refresh", "token": JWT, "id": 7})
    message, event = Message("c", text), json.dumps({"body": text}).encode()
    redactor = Redactor()
    shown = [
        redactor.redact(encode(each))
        for each in (
            message,
            Invoke(1, "f", event, "c", "refresh"),
            InvocationFinished(1, Returned(event)),
            InvocationFinished(1, Failed("E", JWT, (JWT,))),
            Send("c", (text.encode(),)),
            ManagementCall(1, "POST", "/p", text.encode()),
        )
    ]
    assert JWT not in str(shown)
    assert len({*re.findall("redacted-[0-9a-f]{12}", str(shown))}) == 1
    again = json.loads(shown[0]["text"])
    assert (again["action"], again["id"]) == ("refresh", 7)
    assert len(shown[0]["text"]) == len(text)


def test_the_same_secrets_are_left_out_of_events() -> None:
    """Single and multiple values, an authorizer's token, an API key."""
    event = {
        "headers": {"Authorization": SECRET, "Host": "h"},
        "multiValueHeaders": {"Cookie": [SECRET, "b"]},
        "queryStringParameters": {"token": SECRET, "room": "a"},
        "multiValueQueryStringParameters": {"token": [SECRET]},
        "identitySource": [SECRET],
        "authorizationToken": SECRET,
        "requestContext": {"identity": {"apiKey": SECRET, "sourceIp": "192.0.2.1"}},
    }
    shown = redacted(Invoke(1, "f", json.dumps(event).encode(), "c", "$connect"))
    assert SECRET not in str(shown)
    again = json.loads(shown["event"]["$"])
    assert again["headers"]["Host"] == "h"
    assert again["queryStringParameters"]["room"] == "a"
    assert again["requestContext"]["identity"]["sourceIp"] == "192.0.2.1"


def test_of_a_signed_request_only_the_signature_is_left_out() -> None:
    """Who signed stays: functions are told, so a replay has to know."""
    signed = (
        "AWS4-HMAC-SHA256 Credential=AKID/20260101/r/s/aws4_request, Signature=0123456789abcdef"
    )
    query = "X-Amz-Credential=AKID%2F20260101&X-Amz-Signature=0123456789abcdef"
    shown = redacted(upgrade(query, ("Authorization", signed)))
    assert "0123456789abcdef" not in str(shown)
    assert shown["headers"][0][1].startswith(signed[:60])
    assert shown["query"].startswith("X-Amz-Credential=AKID%2F20260101&")


def test_what_the_deployment_declares_secret_is_left_out() -> None:
    """Identity sources and API keys, whatever the header's or parameter's name."""
    sources = ("route.request.header.X-Who", "route.request.querystring.who", "context.x")
    route = Route("$connect", authorization=Authorizer("a", "a", sources))
    api = WebSocketApi("a", "a", "dev", {"$connect": route}, api_keys=(ApiKey("k", SECRET),))
    redactor = Redactor()
    deployment = redactor.deployment(Deployment("s", "dev", "r", "1", Path(), (api,), {}))
    given = upgrade("who=ann-n&x=y", ("x-who", "ann-n"), ("X-Partner", SECRET), ("X-Z", "z"))
    shown = redactor.redact(encode(given))
    assert "ann-n" not in str(shown)
    assert shown["headers"][1] == ["X-Partner", deployment.apis[0].api_keys[0].value]
    assert shown["headers"][2] == ["X-Z", "z"]
    settings = GatewaySettings(credentials={"AKID": SECRET})
    assert SECRET not in str(redactor.settings(settings).credentials)


def test_what_the_core_never_reads_is_left_out() -> None:
    """Variables of HTTP APIs, which may hold anything, among it."""
    http = HttpApi("h", "h", "$default", "http", (), stage_variables={"key": SECRET})
    given = Deployment("s", "dev", "r", "1", Path(), (), {}, http_apis=(http,), notices=(SECRET,))
    assert SECRET not in str(Redactor().deployment(given))


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_equal_secrets_stay_equal_and_others_different(one: str, other: str) -> None:
    """Once redacted it stays; a long secret keeps its length."""
    redactor = Redactor()
    shown = redactor.secret(one)
    assert (shown == redactor.secret(other)) == (one == other)
    assert redactor.secret(shown) == Redactor().secret(shown) == shown
    assert len(shown) == max(len(one), 21)


def test_traces_can_not_be_compared_by_their_secrets() -> None:
    """Each trace has a key of its own, so a short secret can't be guessed from the file."""
    assert Redactor().secret("1234") != Redactor().secret("1234")
