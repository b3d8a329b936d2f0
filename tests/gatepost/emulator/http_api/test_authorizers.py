"""Who an authorizer lets in, and what the function learns."""

import json
from typing import Literal

import pytest

from gatepost.emulator.http_api.requests import Headers
from gatepost.gateway.core.deployment import HttpApi, HttpAuthorizer
from gatepost.gateway.core.inputs import Failed, NotInvocable
from tests.gatepost.emulator.http_api.conftest import (
    Functions,
    ask,
    http_api,
    request,
    rest_api,
    rest_route,
    route,
)

TOKEN = (("Authorization", "secret"),)
ARN = "arn:aws:execute-api:eu-west-1:123456789012:"


def simple_api() -> HttpApi:
    """An HTTP API behind an authorizer with simple results."""
    authorizer = HttpAuthorizer(
        "guard", "guard", simple=True, identity_sources=("$request.header.Authorization",)
    )
    return http_api(route("GET /a/{id}", authorizer=authorizer), stage_variables={"v": "1"})


def policy_api(payload: Literal["1.0", "2.0"] = "2.0") -> HttpApi:
    """An HTTP API behind an authorizer that returns policies."""
    sources = ("$request.header.Authorization", "$request.querystring.q")
    authorizer = HttpAuthorizer("guard", "guard", payload=payload, identity_sources=sources)
    return http_api(route("GET /a", authorizer=authorizer))


def guarded_rest_api(kind: Literal["TOKEN", "REQUEST"] = "TOKEN") -> HttpApi:
    """A REST API behind an authorizer."""
    authorizer = HttpAuthorizer(
        "guard", "guard", kind, payload="1.0",
        identity_sources=("method.request.header.Authorization",),
    )  # fmt: skip
    return rest_api(rest_route("GET /a", authorizer=authorizer))


def policy(effect: str = "Allow", resource: str = "*", **more: object) -> dict[str, object]:
    """What an authorizer returns."""
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "me", "policyDocument": document, **more}


async def test_a_simple_result_lets_in_and_its_context_reaches_the_function() -> None:
    """Values stay what they are in format 2.0."""
    context = {"user": "me", "level": 3, "tags": ["x"]}
    functions = Functions(guard={"isAuthorized": True, "context": context}, f="in")
    assert (await ask(functions, simple_api(), request("GET", "/a/1", TOKEN))).body == b"in"
    shown = functions.event_of("f")["requestContext"]["authorizer"]
    assert shown == {"lambda": context}


async def test_the_authorizer_of_format_2_0_sees_the_request_without_its_body() -> None:
    """With what it was identified by, and the ARN that a policy would name."""
    functions = Functions(guard={"isAuthorized": False})
    await ask(functions, simple_api(), request("GET", "/a/1?q=2", TOKEN, b"body"))
    event = functions.event_of("guard")
    assert set(event) == {
        "version", "type", "routeArn", "identitySource", "routeKey", "rawPath", "rawQueryString",
        "headers", "queryStringParameters", "requestContext", "pathParameters", "stageVariables",
    }  # fmt: skip
    assert event["identitySource"] == ["secret"]
    assert event["routeArn"] == f"{ARN}h1h2h3h4h5/$default/GET/a/1"
    assert (event["version"], event["type"]) == ("2.0", "REQUEST")


@pytest.mark.parametrize(
    ("result", "status", "text"),
    [
        ({"isAuthorized": False}, 403, "Forbidden"),
        ({"isAuthorized": "true"}, 500, "Internal Server Error"),
        ({}, 500, "Internal Server Error"),
        (None, 500, "Internal Server Error"),
        (Failed("ValueError", "broken"), 500, "Internal Server Error"),
        (NotInvocable("no permission"), 500, "Internal Server Error"),
    ],
)
async def test_whatever_does_not_allow_keeps_out(result: object, status: int, text: str) -> None:
    """The function is not asked."""
    functions = Functions(guard=result, f="in")
    answer = await ask(functions, simple_api(), request("GET", "/a/1", TOKEN))
    assert (answer.status, json.loads(answer.body)) == (status, {"message": text})
    assert [name for name, _ in functions.events] == ["guard"]


@pytest.mark.parametrize("headers", [(), (("Authorization", ""),)])
@pytest.mark.parametrize("api", [simple_api(), guarded_rest_api()])
async def test_without_identity_the_authorizer_is_not_asked(api: HttpApi, headers: Headers) -> None:
    """A missing or empty source is 401."""
    functions = Functions(guard={"isAuthorized": True}, f="in")
    path = "/a/1" if api.kind == "http" else "/dev/a"
    answer = await ask(functions, api, request("GET", path, headers))
    assert (answer.status, json.loads(answer.body)) == (401, {"message": "Unauthorized"})
    assert functions.events == []


@pytest.mark.parametrize(
    ("resource", "status"),
    [("*", 200), (f"{ARN}h1h2h3h4h5/$default/GET/a", 200), (f"{ARN}*/POST/*", 403)],
)
async def test_a_policy_is_about_this_method_and_path(resource: str, status: int) -> None:
    """An HTTP API's authorizer may return one as well."""
    functions = Functions(guard=policy(resource=resource, context={"n": 1}), f="in")
    answer = await ask(functions, policy_api(), request("GET", "/a?q=1", TOKEN))
    assert answer.status == status
    if status == 200:
        shown = functions.event_of("f")["requestContext"]["authorizer"]
        assert shown == {"lambda": {"n": 1}}


async def test_an_http_apis_authorizer_may_speak_format_1_0() -> None:
    """Its identity comes as one text, in two fields."""
    functions = Functions(guard=policy(), f="in")
    await ask(functions, policy_api(payload="1.0"), request("GET", "/a?q=1", TOKEN))
    event = functions.event_of("guard")
    assert event["identitySource"] == event["authorizationToken"] == "secret,1"
    assert event["methodArn"] == f"{ARN}h1h2h3h4h5/$default/GET/a"
    assert "body" not in event


async def test_a_token_authorizer_gets_the_token_and_the_function_texts() -> None:
    """REST APIs make texts of a context, and add who it is."""
    functions = Functions(
        guard=policy(context={"n": 1, "yes": True, "s": "x"}), f={"statusCode": 200}
    )
    answer = await ask(functions, guarded_rest_api(), request("GET", "/dev/a", TOKEN))
    assert answer.status == 200
    assert functions.event_of("guard") == {
        "type": "TOKEN", "authorizationToken": "secret", "methodArn": f"{ARN}r1r2r3r4r5/dev/GET/a",
    }  # fmt: skip
    shown = functions.event_of("f")["requestContext"]["authorizer"]
    assert shown == {"principalId": "me", "n": "1", "yes": "true", "s": "x"}


async def test_a_request_authorizer_of_a_rest_api_gets_the_request() -> None:
    """As the function would, without the body."""
    functions = Functions(guard=policy(), f={"statusCode": 200})
    await ask(functions, guarded_rest_api("REQUEST"), request("GET", "/dev/a", TOKEN))
    event = functions.event_of("guard")
    assert (event["type"], event["resource"], event["path"]) == ("REQUEST", "/a", "/a")
    assert event["multiValueHeaders"]["Authorization"] == ["secret"]
    assert "body" not in event


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        (policy("Deny"), 403,
         {"Message": "User is not authorized to access this resource with an explicit deny"}),
        (policy(resource="other"), 403,
         {"Message": "User is not authorized to access this resource"}),
        (Failed("Exception", "Unauthorized"), 401, {"message": "Unauthorized"}),
        (Failed("Exception", "broken"), 500, {"message": None}),
        (policy(context={"nested": {}}), 500, {"message": None}),
        ({"policyDocument": {}}, 500, {"message": None}),
    ],
)  # fmt: skip
async def test_a_rest_api_says_no_in_its_own_words(
    result: object, status: int, body: dict[str, object]
) -> None:
    """Also with a capital M."""
    functions = Functions(guard=result, f={"statusCode": 200})
    answer = await ask(functions, guarded_rest_api(), request("GET", "/dev/a", TOKEN))
    assert (answer.status, json.loads(answer.body)) == (status, body)
    assert [name for name, _ in functions.events] == ["guard"]


@pytest.mark.parametrize(
    ("source", "present"),
    [
        ("$stageVariables.v", True),
        ("stageVariables.v", True),
        ("$stageVariables.w", False),
        ("$context.http.method", True),
        ("$context.nothing.here", False),
        ("method.request.querystring.q", True),
        ("$request.querystring.Q", False),
        ("$request.nonsense.q", False),
    ],
)
async def test_identity_may_come_from_elsewhere(
    source: str,
    present: bool,  # noqa: FBT001 - a table
) -> None:
    """The query knows case; what is no source is never there."""
    authorizer = HttpAuthorizer("guard", "guard", simple=True, identity_sources=(source,))
    api = http_api(route("GET /a", authorizer=authorizer), stage_variables={"v": "1"})
    functions = Functions(guard={"isAuthorized": True}, f="in")
    answer = await ask(functions, api, request("GET", "/a?q=1"))
    assert answer.status == (200 if present else 401)
