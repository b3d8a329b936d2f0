"""Routes, authorizers and CORS of http events."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import HttpApi, HttpAuthorizer

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import Read, Refusal


def template(*events: str) -> str:
    """Return a template with these http events."""
    listed = "".join(f"      - http: {event}\n" for event in events)
    return f"""service: shop
provider: {{name: aws, runtime: python3.13}}
functions:
  auth: {{handler: app.auth}}
  web:
    handler: app.web
    events:
      - websocket: $connect
{listed}"""


def api(read: "Read", *events: str) -> HttpApi:
    """Return the one REST API of the template."""
    (only,) = read(template(*events)).http_apis
    return only


@pytest.mark.parametrize(
    ("event", "method", "path"),
    [
        ("GET /items", "GET", "/items"),
        ("get items/{id}/", "GET", "/items/{id}"),
        ("ANY /", "ANY", "/"),
        ("{method: any, path: 'files/{proxy+}'}", "ANY", "/files/{proxy+}"),
        ("{method: post, path: /x, integration: lambda-proxy}", "POST", "/x"),
    ],
)
def test_every_form_of_event_makes_a_route(
    read: "Read", event: str, method: str, path: str
) -> None:
    """At the template's stage, with payload 1.0."""
    found = api(read, event)
    (route,) = found.routes
    assert (route.method, route.path, route.function) == (method, path, "shop-dev-web")
    assert (route.payload, route.timeout_s, found.stage, found.kind) == ("1.0", 29.0, "dev", "rest")


@pytest.mark.parametrize(
    ("authorizer", "kind", "sources"),
    [
        ("auth", "TOKEN", ("method.request.header.Authorization",)),
        ("{name: auth, type: token}", "TOKEN", ("method.request.header.Authorization",)),
        ("{name: auth, type: request}", "REQUEST", ("method.request.header.Authorization",)),
        ("{name: auth, type: request, resultTtlInSeconds: 0}", "REQUEST", ()),
        (
            (
                "{arn: !GetAtt AuthLambdaFunction.Arn, type: REQUEST, "
                "identitySource: 'method.request.header.A, method.request.querystring.b'}"
            ),
            "REQUEST",
            ("method.request.header.A", "method.request.querystring.b"),
        ),
    ],
)
def test_a_lambda_authorizer_is_read_with_its_kind_and_sources(
    read: "Read", authorizer: str, kind: str, sources: tuple[str, ...]
) -> None:
    """TOKEN unless the template says REQUEST."""
    found = api(read, f"{{method: get, path: /, authorizer: {authorizer}}}").routes[0].authorizer
    assert isinstance(found, HttpAuthorizer)
    assert (found.function, found.payload) == ("shop-dev-auth", "1.0")
    assert (found.kind, found.identity_sources) == (kind, sources)


@pytest.mark.parametrize(
    ("authorizer", "sentence"),
    [
        ("aws_iam", "no function of this template"),
        ("{type: AWS_IAM}", "of type AWS_IAM can't be run here"),
        ("{type: COGNITO_USER_POOLS, authorizerId: !Ref Pool}", "of type COGNITO_USER_POOLS"),
        ("{arn: 'arn:aws:cognito-idp:us-east-1:1:userpool/x'}", "no function of this template"),
        ("{scopes: [a]}", "can't be run here"),
    ],
)
def test_an_authorizer_that_cannot_run_is_refused(
    refusal: "Refusal", authorizer: str, sentence: str
) -> None:
    """IAM and user pools among them: nobody is let in unasked."""
    assert sentence in refusal(template(f"{{method: get, path: /, authorizer: {authorizer}}}"))


def test_what_no_lambda_proxy_answers_is_left_out_with_a_notice(read: "Read") -> None:
    """And a key that a route asks for on AWS isn't asked for here."""
    deployment = read(
        template(
            "{method: get, path: /a, integration: lambda}",
            "{method: get, path: /b, async: true}",
            "{method: get, path: /c, private: true, request: {schemas: {}}}",
        )
    )
    assert [route.path for route in deployment.http_apis[0].routes] == ["/c"]
    assert [notice.partition(": ")[2] for notice in deployment.notices] == [
        "GET /a is not served here: integration lambda is not emulated",
        "GET /b is not served here: async is not emulated",
        "GET /c asks for no API key here",
        "request of GET /c has no effect here",
    ]


def test_cors_of_the_events_comes_to_one_answer(read: "Read") -> None:
    """AWS has one a path; here the API allows what any of them does."""
    found = api(
        read,
        "{method: get, path: /a, cors: true}",
        "{method: post, path: /b, cors: {origin: https://a, headers: [X-A], maxAge: 5}}",
        "{method: put, path: /c, cors: {origins: [https://b], allowCredentials: true}}",
        "{method: delete, path: /d, cors: false}",
    ).cors
    assert found is not None
    assert found.allow_origins == ("*", "https://a", "https://b")
    assert found.allow_methods == ("OPTIONS", "GET", "POST", "PUT")
    assert found.allow_headers[-1] == "X-A"
    assert (found.allow_credentials, found.max_age_s) == (True, 5)


def test_two_events_on_one_route_are_refused(refusal: "Refusal") -> None:
    """Whatever the slashes at the end."""
    assert "makes route GET /a, which another event makes" in refusal(template("GET /a", "GET /a/"))
