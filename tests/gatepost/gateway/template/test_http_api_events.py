"""Routes, authorizers and CORS of httpApi events."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Cors, HttpApi, HttpAuthorizer

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import Read, Refusal

HEADERS = (
    *("Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token"),
    *("X-Amz-User-Agent", "X-Amzn-Trace-Id"),
)


def template(events: str, *, settings: str = "{}", function: str = "") -> str:
    """Return a template with these httpApi events and provider.httpApi settings."""
    return f"""service: shop
provider: {{name: aws, runtime: python3.13, httpApi: {settings}}}
functions:
  auth: {{handler: app.auth}}
  web: {{handler: app.web, {function}events: [{{websocket: $connect}}, {events}]}}
"""


def api(read: "Read", text: str) -> HttpApi:
    """Return the one HTTP API of the template."""
    (only,) = read(text).http_apis
    return only


@pytest.mark.parametrize(
    ("event", "method", "path"),
    [
        ("GET /items", "GET", "/items"),
        ("'post /items/{id}'", "POST", "/items/{id}"),
        ("'* /files/{proxy+}'", "ANY", "/files/{proxy+}"),
        ("'*'", "ANY", "$default"),
        ("{path: '*'}", "ANY", "$default"),
        ("{method: '*', path: '*'}", "ANY", "$default"),
        ("{method: delete, path: /x}", "DELETE", "/x"),
        ("{method: '*', path: /x}", "ANY", "/x"),
    ],
)
def test_every_form_of_event_makes_a_route(
    read: "Read", event: str, method: str, path: str
) -> None:
    """At the stage $default, with payload 2.0 and the longest timeout."""
    found = api(read, template(f"{{httpApi: {event}}}"))
    (route,) = found.routes
    assert (route.method, route.path, route.function) == (method, path, "shop-dev-web")
    assert (route.payload, route.timeout_s, route.authorizer) == ("2.0", 30.0, None)
    assert (found.name, found.stage, found.kind, found.cors) == (
        *("dev-shop", "$default", "http", None),
    )


@pytest.mark.parametrize(
    ("settings", "function", "payload"),
    [
        ("{payload: '1.0'}", "", "1.0"),
        ("{payload: 1.0}", "", "1.0"),
        ("{payload: '1.0'}", "httpApi: {payload: '2.0'}, ", "2.0"),
    ],
)
def test_the_payload_s_version_is_the_function_s_else_the_provider_s(
    read: "Read", settings: str, function: str, payload: str
) -> None:
    """Else 2.0."""
    found = api(read, template("{httpApi: GET /}", settings=settings, function=function))
    assert found.routes[0].payload == payload


def test_a_lambda_authorizer_is_read_with_its_payload_and_sources(read: "Read") -> None:
    """That its results are kept has no effect here, which a notice says."""
    settings = """{authorizers: {mine: {type: request, functionName: auth, payloadVersion: '1.0',
      enableSimpleResponses: true, resultTtlInSeconds: 60,
      identitySource: [$request.header.A, $request.querystring.b]}}}"""
    deployment = read(template("{httpApi: {method: get, path: /, authorizer: {name: mine}}}",
                               settings=settings))  # fmt: skip
    assert deployment.http_apis[0].routes[0].authorizer == HttpAuthorizer(
        name="mine",
        function="shop-dev-auth",
        payload="1.0",
        simple=True,
        identity_sources=("$request.header.A", "$request.querystring.b"),
    )
    assert "results of authorizer mine are not kept" in deployment.notices[0]


@pytest.mark.parametrize(
    ("authorizer", "settings", "sentence"),
    [
        ("mine", "{}", "is 'mine', which provider.httpApi.authorizers lacks"),
        ("mine", "{authorizers: {mine: {identitySource: x}}}", "can't be run here"),
        ("mine", "{authorizers: {mine: {type: jwt}}}", "can't be run here"),
        ("{type: aws_iam}", "{}", "can't be run here"),
        ("{id: abc}", "{id: other}", "can't be run here"),
        (
            "mine",
            "{authorizers: {mine: {type: request, functionName: other}}}",
            "no function of this template",
        ),
        (
            "mine",
            "{authorizers: {mine: {type: request, functionArn: 'arn:x'}}}",
            "no function of this template",
        ),
        (
            "mine",
            "{authorizers: {mine: {type: request, functionName: auth, payloadVersion: 3}}}",
            "is '3'; there are 1.0 and 2.0",
        ),
    ],
)
def test_an_authorizer_that_cannot_run_is_refused(
    refusal: "Refusal", authorizer: str, settings: str, sentence: str
) -> None:
    """JWT and IAM among them: nobody is let in unasked."""
    event = f"{{httpApi: {{method: get, path: /, authorizer: {authorizer}}}}}"
    assert sentence in refusal(template(event, settings=settings))


@pytest.mark.parametrize(
    ("cors", "expected"),
    [
        ("true", Cors(("*",), ("OPTIONS", "GET"), HEADERS)),
        ("false", None),
        (
            "{allowedOrigins: [https://a, https://b], allowCredentials: true, maxAge: 60}",
            Cors(
                ("https://a", "https://b"),
                ("OPTIONS", "GET"),
                HEADERS,
                allow_credentials=True,
                max_age_s=60,
            ),
        ),
        (
            "{allowedMethods: [PUT], allowedHeaders: X-A, exposedResponseHeaders: [X-B]}",
            Cors(("*",), ("PUT",), ("X-A",), ("X-B",)),
        ),
    ],
)
def test_cors_is_the_api_s(read: "Read", cors: str, expected: Cors | None) -> None:
    """By default the methods of the routes and the framework's list of headers."""
    found = api(read, template("{httpApi: GET /}", settings=f"{{cors: {cors}}}"))
    assert found.cors == expected


def test_an_api_of_another_stack_is_served_by_itself(read: "Read") -> None:
    """Its id is of no use here, which a notice says."""
    deployment = read(template("{httpApi: GET /}", settings="{id: abc, name: mine}"))
    assert deployment.http_apis[0].name == "mine"
    assert "is not at hand" in deployment.notices[0]


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ("{httpApi: FETCH /}", "has the method 'FETCH'; write GET /path, * /path or *"),
        ("{httpApi: {path: /x}}", "needs method"),
        ("{httpApi: {method: get}}", "needs path"),
        ("{httpApi: GET /}, {httpApi: GET /}", "makes route GET /, which another event makes"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(
    refusal: "Refusal", events: str, sentence: str
) -> None:
    """One sentence each."""
    assert sentence in refusal(template(events))
