"""Functions and the routes of their websocket events."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gatepost.gateway.template.conftest import Read, Refusal

HEAD = "service: shop\nprovider: {name: aws, runtime: python3.13}\nfunctions:\n"


def test_every_form_of_event_makes_a_route(read: "Read") -> None:
    """A plain route, a mapping, and one with a route response, which is two-way (B-190)."""
    template = f"""{HEAD}
  socket:
    handler: app.socket
    events:
      - websocket: $connect
      - websocket:
          route: $disconnect
      - websocket: {{route: ask, routeResponseSelectionExpression: $default}}
"""
    routes = read(template).apis[0].routes
    assert {key: route.two_way for key, route in routes.items()} == {
        "$connect": False,
        "$disconnect": False,
        "ask": True,
    }
    assert {route.function for route in routes.values()} == {"shop-dev-socket"}


def test_a_function_has_the_framework_s_defaults(read: "Read", tmp_path: "Path") -> None:
    """6 s and 1024 MB; the name is service, stage and key."""
    function = read(HEAD + "  a: {handler: src/app.main, events: [{websocket: x}]}").functions
    assert set(function) == {"shop-dev-a"}
    only = function["shop-dev-a"]
    assert (only.name, only.handler, only.runtime) == ("shop-dev-a", "src/app.main", "python3.13")
    assert (only.timeout_s, only.memory_mb, only.code_root) == (6, 1024, tmp_path)


def test_a_function_s_own_settings_go_before_the_provider_s(read: "Read", tmp_path: "Path") -> None:
    """Environments are merged, the others replaced."""
    template = """
service: shop
provider:
  name: aws
  runtime: python3.12
  timeout: 10
  memorySize: 512
  environment: {A: provider, B: provider}
functions:
  - a:
      name: mine
      handler: app.main
      module: backend
      runtime: python3.13
      timeout: 20
      memorySize: 256
      environment: {B: own, C: 1}
      events: [{websocket: x}]
  - b:
      handler: app.main
      events: [{websocket: y}]
"""
    functions = read(template).functions
    own, other = functions["mine"], functions["shop-dev-b"]
    assert (own.runtime, own.timeout_s, own.memory_mb) == ("python3.13", 20, 256)
    assert own.environment == {"A": "provider", "B": "own", "C": "1"}
    assert own.code_root == tmp_path / "backend"
    assert (other.runtime, other.timeout_s, other.memory_mb) == ("python3.12", 10, 512)
    assert other.environment == {"A": "provider", "B": "provider"}


def test_functions_without_route_and_other_events_are_left_out_with_a_notice(read: "Read") -> None:
    """Nothing of them is read, so that what they need may be missing here."""
    template = f"""{HEAD}
  nightly:
    handler: jobs.nightly
    environment:
      BUCKET: !Ref Uploads
      SECRET: ${{ssm:/secret}}
    events:
      - schedule: ${{ssm:/rate}}
      - stream
  hello:
    handler: app.hello
    layers: [arn:x]
    events:
      - http: GET /
      - websocket: {{route: $connect, cors: true}}
  nothing:
"""
    deployment = read(template)
    assert set(deployment.functions) == {"shop-dev-hello"}
    notices = [notice.rpartition("/")[2] for notice in deployment.notices]
    assert notices == [
        "serverless.yml:6: schedule, stream events have no effect here",
        "serverless.yml:6: nightly has no websocket event and is not run here",
        "serverless.yml:18: cors of $connect has no effect here",
        "serverless.yml:14: http events have no effect here",
        "serverless.yml:14: layers of hello have no effect here",
    ]


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("{events: [{websocket: x}]}", "functions.a needs handler"),
        (
            "{handler: app, events: [{websocket: x}]}",
            "functions.a.handler is 'app'; it must be a module and a name: app.handler",
        ),
        (
            "{image: x, events: [{websocket: x}]}",
            "functions.a.image can't be run here: a container image names no handler",
        ),
        (
            "{handler: a.b, timeout: 901, events: [{websocket: x}]}",
            "functions.a.timeout must be a whole number from 1 to 900",
        ),
        (
            "{handler: a.b, environment: {1a: x}, events: [{websocket: x}]}",
            "functions.a.environment.1a can't be the name of an environment variable",
        ),
        ("{handler: a.b, events: {websocket: x}}", "functions.a.events must be a list"),
        (
            "{handler: a.b, events: [{websocket: , route: x}]}",
            "functions.a.events.0 names no route; indent 'route' below 'websocket'",
        ),
        (
            "{handler: a.b, events: [{websocket: {}}]}",
            "functions.a.events.0.websocket needs route",
        ),
        (
            (
                "{handler: a.b, events: [{websocket: {route: x, "
                "routeResponseSelectionExpression: y}}]}"
            ),
            "functions.a.events.0.websocket.routeResponseSelectionExpression can only be $default",
        ),
        (
            "{handler: a.b, events: [{websocket: {route: $connect, authorizer: auth}}]}",
            (
                "functions.a.events.0.websocket.authorizer is not supported yet: "
                "rather than let everyone in, the route is refused"
            ),
        ),
        (
            "{handler: a.b, events: [{websocket: {route: x, authorizer: auth}}]}",
            (
                "functions.a.events.0.websocket.authorizer belongs on route $connect; "
                "AWS has authorizers on no other route"
            ),
        ),
        ("5", "functions.a must be a mapping"),
    ],
)
def test_a_function_that_cannot_be_run_is_refused(
    refusal: "Refusal", function: str, sentence: str
) -> None:
    """File, line and path come first, then what to do."""
    assert refusal(f"{HEAD}  a: {function}\n") == f"serverless.yml:4: {sentence}"


def test_two_functions_on_one_route_are_refused_by_both_names(refusal: "Refusal") -> None:
    """The gateway has one integration for each route key."""
    refused = refusal(f"""{HEAD}
  a: {{handler: a.b, events: [{{websocket: x}}]}}
  b: {{handler: a.b, events: [{{websocket: x}}]}}
""")
    assert refused.startswith("serverless.yml:6: functions.b.events.0.websocket makes route x, ")
    assert "which functions.a.events.0.websocket makes already at " in refused
    assert refused.endswith("serverless.yml:5")


def test_two_functions_of_one_name_are_refused(refusal: "Refusal") -> None:
    """Lambda has one function of a name."""
    refused = refusal(f"""{HEAD}
  a: {{name: same, handler: a.b, events: [{{websocket: x}}]}}
  b: {{name: same, handler: a.b, events: [{{websocket: y}}]}}
""")
    assert refused == "serverless.yml:6: functions.b has the name same, as another function has"


def test_a_function_that_is_listed_twice_is_refused(refusal: "Refusal") -> None:
    """In a list of mappings a key may come again."""
    function = "{handler: a.b, events: [{websocket: x}]}"
    refused = refusal(f"{HEAD}  - a: {function}\n  - a: {function}\n")
    assert refused.startswith("serverless.yml:5: functions.1.a is there twice, first at ")
