"""Routes and authorizers of websocket events."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Authorizer

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import Read, Refusal

HEAD = "service: shop\nprovider: {name: aws, runtime: python3.13}\nfunctions:\n"
NAME = "shop-dev-auth"


def guarded(authorizer: str, *, auth: str = "{handler: app.auth}") -> str:
    """Return a template whose $connect has this authorizer."""
    return f"""{HEAD}
  auth: {auth}
  hello:
    handler: app.hello
    events: [{{websocket: {{route: $connect, authorizer: {authorizer}}}}}]
"""


def test_every_form_of_event_makes_a_route(read: "Read") -> None:
    """A plain route, a mapping, and one with a route response, which is two-way."""
    deployment = read(f"""{HEAD}
  socket:
    handler: app.socket
    events:
      - websocket: $connect
      - websocket:
          route: $disconnect
      - websocket: {{route: ask, routeResponseSelectionExpression: $default, cors: true}}
""")
    routes = deployment.apis[0].routes
    assert {key: route.two_way for key, route in routes.items()} == {
        "$connect": False,
        "$disconnect": False,
        "ask": True,
    }
    assert {route.function for route in routes.values()} == {"shop-dev-socket"}
    assert deployment.notices[0].endswith("serverless.yml:11: cors of ask has no effect here")


@pytest.mark.parametrize(
    ("authorizer", "sources"),
    [
        ("auth", ("route.request.header.Auth",)),
        ("{name: auth}", ("route.request.header.Auth",)),
        ("{name: auth, identitySource: []}", ()),
        (
            "{name: auth, identitySource: [route.request.querystring.t, context.accountId]}",
            ("route.request.querystring.t", "context.accountId"),
        ),
        (
            "{name: auth, identitySource: 'route.request.header.A, stageVariables.b'}",
            ("route.request.header.A", "stageVariables.b"),
        ),
        (f"arn:aws:lambda:us-east-1:123456789012:function:{NAME}", ("route.request.header.Auth",)),
        (f"{{arn: 'arn:aws:lambda:us-east-1:1:function:{NAME}:live', identitySource: []}}", ()),
        ("{arn: !GetAtt AuthLambdaFunction.Arn, name: a, identitySource: []}", ()),
        ("{arn: !Sub '${AuthLambdaFunction.Arn}', name: a, identitySource: []}", ()),
    ],
)
def test_every_form_of_authorizer_names_a_function_and_its_identity_sources(
    read: "Read", authorizer: str, sources: tuple[str, ...]
) -> None:
    """By key or ARN; without identity source it is the framework's `Auth` header."""
    deployment = read(guarded(authorizer))
    found = deployment.apis[0].routes["$connect"].authorization
    assert isinstance(found, Authorizer)
    assert (found.function, found.identity_sources) == (NAME, sources)
    assert NAME in deployment.functions


@pytest.mark.parametrize(
    ("authorizer", "sentence"),
    [
        ("other", "is 'other', which is no function of this template and can't be run here"),
        ("arn:aws:lambda:us-east-1:1:function:else", "function of this template"),
        ("{arn: 'arn:aws:cognito-idp:us-east-1:1:userpool/x'}", "function of this template"),
        ("{arn: !ImportValue Auth, name: a}", "imports Auth, which another stack exports"),
        ("{identitySource: []}", "authorizer needs name"),
        ("{name: auth, identitySource: [$request.header.a]}", "a source is route.request.header."),
        ("{name: auth, identitySource: {a: b}}", "identitySource must be a text"),
    ],
)
def test_an_authorizer_that_cannot_run_is_refused_rather_than_letting_everyone_in(
    refusal: "Refusal", authorizer: str, sentence: str
) -> None:
    """With file, line and path."""
    refused = refusal(guarded(authorizer))
    assert refused.startswith("serverless.yml:8: functions.hello.events.0.websocket.authorizer")
    assert sentence in refused


def test_an_authorizer_function_that_cannot_run_is_refused(refusal: "Refusal") -> None:
    """It is needed, though no route leads to it."""
    assert "image can't be run here" in refusal(guarded("auth", auth="{image: x}"))


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ("{websocket: , route: x}", "0 names no route; indent 'route' below 'websocket'"),
        ("{websocket: {}}", "0.websocket needs route"),
        (
            "{websocket: {route: x, routeResponseSelectionExpression: y}}",
            "0.websocket.routeResponseSelectionExpression can only be $default",
        ),
        (
            "{websocket: {route: x, authorizer: a}}",
            (
                "0.websocket.authorizer belongs on route $connect; "
                "AWS has authorizers on no other route"
            ),
        ),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(
    refusal: "Refusal", event: str, sentence: str
) -> None:
    """One sentence each."""
    refused = refusal(f"{HEAD}  a: {{handler: a.b, events: [{event}]}}\n")
    assert refused == f"serverless.yml:4: functions.a.events.{sentence}"


def test_two_functions_on_one_route_are_refused_by_both_names(refusal: "Refusal") -> None:
    """The gateway has one integration for each route key."""
    refused = refusal(f"""{HEAD}
  a: {{handler: a.b, events: [{{websocket: x}}]}}
  b: {{handler: a.b, events: [{{websocket: x}}]}}
""")
    assert refused.startswith("serverless.yml:6: functions.b.events.0.websocket makes route x, ")
    assert "which functions.a.events.0.websocket makes already at " in refused
    assert refused.endswith("serverless.yml:5")
