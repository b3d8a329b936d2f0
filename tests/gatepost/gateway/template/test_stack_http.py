"""HTTP APIs written out as resources."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Cors, HttpAuthorizer, HttpRoute

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal

API = """
Http:
  Type: AWS::ApiGatewayV2::Api
  Properties: {{Name: http, ProtocolType: HTTP{api}}}
HttpStage:
  Type: AWS::ApiGatewayV2::Stage
  Properties: {{ApiId: !Ref Http, StageName: $default, AutoDeploy: true}}
Behind:
  Type: AWS::ApiGatewayV2::Integration
  Properties: {{ApiId: !Ref Http, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Hello.Arn,
    PayloadFormatVersion: '2.0'{integration}}}
Item:
  Type: AWS::ApiGatewayV2::Route
  Properties:
    {{ApiId: !Ref Http, RouteKey: '{key}', Target: !Sub 'integrations/${{Behind}}'{route}}}
Authorizer:
  Type: AWS::ApiGatewayV2::Authorizer
  Properties: {{ApiId: !Ref Http, Name: tokens, AuthorizerType: REQUEST,
    AuthorizerUri: !GetAtt Hello.Arn, AuthorizerPayloadFormatVersion: '2.0',
    EnableSimpleResponses: true, IdentitySource: [$request.header.X]}}
Jwt:
  Type: AWS::ApiGatewayV2::Authorizer
  Properties: {{ApiId: !Ref Http, Name: jwt, AuthorizerType: JWT}}
"""


def resources(
    key: str = "GET /items/{id}", *, route: str = "", api: str = "", integration: str = ""
) -> str:
    """Write an HTTP API of one route."""
    return API.format(key=key, route=route, api=api, integration=integration)


@pytest.mark.parametrize(
    ("key", "method", "path"),
    [
        ("GET /items/{id}", "GET", "/items/{id}"),
        ("$default", "ANY", "$default"),
        ("ANY /", "ANY", "/"),
    ],
)
def test_a_route_key_is_method_and_path(
    read_stack: "ReadStack", key: str, method: str, path: str
) -> None:
    """Beside the WebSocket API, which stays the one that counts."""
    deployment = read_stack(resources(key), function=", FunctionName: f")
    assert len(deployment.apis) == 1
    (api,) = deployment.http_apis
    assert (api.name, api.stage, api.kind) == ("http", "$default", "http")
    assert api.routes == (HttpRoute(method, path, "f", "2.0", timeout_s=30.0),)


def test_time_out_cors_and_authorizer_are_read(read_stack: "ReadStack") -> None:
    """Milliseconds become seconds."""
    deployment = read_stack(
        resources(
            api=", CorsConfiguration: {AllowHeaders: [x], AllowCredentials: true}",
            integration=", TimeoutInMillis: 2500",
            route=", AuthorizationType: CUSTOM, AuthorizerId: !Ref Authorizer",
        ),
        function=", FunctionName: f",
    )
    (api,) = deployment.http_apis
    assert api.cors == Cors(("*",), allow_headers=("x",), allow_credentials=True)
    assert api.routes[0].timeout_s == 2.5
    assert api.routes[0].authorizer == HttpAuthorizer(
        "tokens", "f", simple=True, identity_sources=("$request.header.X",)
    )


def test_an_api_may_be_one_route_by_itself(read_stack: "ReadStack") -> None:
    """The "quick create": a target and no further resources."""
    deployment = read_stack(
        "Quick: {Type: AWS::ApiGatewayV2::Api, Properties: "
        "{Name: q, ProtocolType: HTTP, Target: !GetAtt Hello.Arn}}",
        function=", FunctionName: f",
    )
    assert deployment.http_apis[0].routes == (HttpRoute("ANY", "$default", "f", "2.0", 29.0),)


def test_what_leads_to_no_function_is_noted(read_stack: "ReadStack") -> None:
    """Other integrations, and documents of OpenAPI."""
    behind = (
        resources()
        .replace("AWS_PROXY", "HTTP_PROXY")
        .replace("!GetAtt Hello.Arn,\n    Payload", "'https://x',\n    Payload")
    )
    deployment = read_stack(
        behind
        + "Open: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP, Body: {a: b}}}"
    )
    assert deployment.http_apis == ()
    sentences = " ".join(deployment.notices)
    assert "Item leads to no function: GET /items/{id} is not served here" in sentences
    assert "Open has routes in an OpenAPI document, which are not served here" in sentences


@pytest.mark.parametrize(
    ("route", "sentence"),
    [
        (
            ", AuthorizationType: JWT, AuthorizerId: !Ref Jwt",
            "AuthorizationType is JWT, which can't",
        ),
        (
            ", AuthorizationType: CUSTOM, AuthorizerId: !Ref Jwt",
            "has AuthorizerType JWT, which can't",
        ),
        (
            ", AuthorizationType: AWS_IAM",
            "AuthorizationType is AWS_IAM, which can't be checked here",
        ),
        (
            ", AuthorizationType: CUSTOM, AuthorizerId: x",
            "AuthorizerId is x, no authorizer of this API",
        ),
        (", ApiKeyRequired: true", "asks for an API key"),
    ],
)
def test_an_authorizer_that_can_t_run_is_refused(
    stack_refusal: "StackRefusal", route: str, sentence: str
) -> None:
    """It never admits everyone."""
    assert sentence in stack_refusal(resources(route=route))
