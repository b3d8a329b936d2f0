"""SAM's HTTP and REST APIs, and the events that make their routes."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Cors, HttpAuthorizer, HttpRoute

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal

SAM = "Transform: AWS::Serverless-2016-10-31"
FUNCTION = """
F:
  Type: AWS::Serverless::Function
  Properties:
    FunctionName: f
    Handler: a.b
    Runtime: python3.13
    Events:
      Event: {{Type: {type}, Properties: {{{properties}}}}}
"""


def test_events_without_an_api_make_the_implicit_one(read_stack: "ReadStack") -> None:
    """An HTTP API at `$default` with payload 2.0, a REST API at `Prod` with payload 1.0."""
    http = read_stack(
        FUNCTION.format(type="HttpApi", properties="Path: /x, Method: get"), sections=SAM
    )
    rest = read_stack(FUNCTION.format(type="Api", properties="Path: /x, Method: any"), sections=SAM)
    (api,) = http.http_apis
    assert (api.kind, api.stage) == ("http", "$default")
    assert api.routes == (HttpRoute("GET", "/x", "f", "2.0", timeout_s=30.0),)
    (api,) = rest.http_apis
    assert (api.kind, api.stage) == ("rest", "Prod")
    assert api.routes == (HttpRoute("ANY", "/x", "f", "1.0", timeout_s=29.0),)


def test_an_event_without_path_is_the_default_route(read_stack: "ReadStack") -> None:
    """Whatever method and path no other route takes."""
    deployment = read_stack(FUNCTION.format(type="HttpApi", properties=""), sections=SAM)
    assert deployment.http_apis[0].routes[0].path == "$default"
    assert deployment.http_apis[0].routes[0].method == "ANY"


HTTP_API = """
Http:
  Type: AWS::Serverless::HttpApi
  Properties:
    StageName: live
    CorsConfiguration: {AllowOrigins: [https://a], AllowMethods: [GET], MaxAge: 60}
    Auth:
      Authorizers:
        Tokens:
          FunctionArn: !GetAtt Hello.Arn
          AuthorizerPayloadFormatVersion: '2.0'
          EnableSimpleResponses: true
          Identity: {Headers: [Authorization], QueryStrings: [t]}
        Jwt: {JwtConfiguration: {issuer: x, audience: [y]}}
"""
REST_API = """
Rest:
  Type: AWS::Serverless::Api
  Properties:
    StageName: live
    Cors: {AllowOrigin: "'*'", AllowMethods: "'GET,POST'"}
    Variables: {color: red}
    Auth:
      DefaultAuthorizer: Tokens
      Authorizers:
        Tokens: {FunctionArn: !GetAtt Hello.Arn}
        Cognito: {UserPoolArn: arn:aws:cognito-idp:x}
"""


def test_an_http_api_has_cors_and_lambda_authorizers(read_stack: "ReadStack") -> None:
    """Identity sources are written as API Gateway writes them."""
    event = "Path: /x, Method: GET, ApiId: !Ref Http, Auth: {Authorizer: Tokens}"
    deployment = read_stack(
        HTTP_API + FUNCTION.format(type="HttpApi", properties=event),
        sections=SAM,
        function=", FunctionName: auth",
    )
    (api,) = deployment.http_apis
    assert api.stage == "live"
    assert api.cors == Cors(("https://a",), ("GET",), max_age_s=60)
    assert api.routes[0].authorizer == HttpAuthorizer(
        name="Tokens",
        function="auth",
        payload="2.0",
        simple=True,
        identity_sources=("$request.header.Authorization", "$request.querystring.t"),
    )


def test_a_rest_api_has_a_default_authorizer(read_stack: "ReadStack") -> None:
    """TOKEN with the Authorization header, unless the template says otherwise."""
    event = "Path: /x, Method: GET, RestApiId: !Ref Rest"
    deployment = read_stack(
        REST_API + FUNCTION.format(type="Api", properties=event),
        sections=SAM,
        function=", FunctionName: auth",
    )
    (api,) = deployment.http_apis
    assert api.stage_variables == {"color": "red"}
    assert api.cors == Cors(("*",), ("GET", "POST"))
    assert api.routes[0].authorizer == HttpAuthorizer(
        name="Tokens",
        function="auth",
        kind="TOKEN",
        payload="1.0",
        identity_sources=("method.request.header.Authorization",),
    )


def test_one_route_may_be_open(read_stack: "ReadStack") -> None:
    """`Authorizer: NONE` takes the default away."""
    event = "Path: /x, Method: GET, RestApiId: !Ref Rest, Auth: {Authorizer: NONE}"
    resources = REST_API + FUNCTION.format(type="Api", properties=event)
    assert read_stack(resources, sections=SAM).http_apis[0].routes[0].authorizer is None


@pytest.mark.parametrize(
    ("type_", "properties", "sentence"),
    [
        ("HttpApi", "Path: /x, ApiId: !Ref Http, Auth: {Authorizer: Jwt}", "AuthorizerType JWT"),
        (
            "Api",
            "Path: /x, Method: GET, RestApiId: !Ref Rest, Auth: {Authorizer: Cognito}",
            "AuthorizerType COGNITO_USER_POOLS, which can't be checked here",
        ),
        (
            "HttpApi",
            "Path: /x, ApiId: !Ref Http, Auth: {Authorizer: AWS_IAM}",
            "is AWS_IAM, which can't be checked here; rather than let everyone in, it is refused",
        ),
        (
            "HttpApi",
            "Path: /x, ApiId: !Ref Http, Auth: {Authorizer: Nope}",
            "no authorizer of this",
        ),
        (
            "Api",
            "Path: /x, Method: GET, Auth: {ApiKeyRequired: true}",
            "asks for an API key, which is not checked here for HTTP",
        ),
        ("HttpApi", "Path: /x, ApiId: !Ref Nope", "leads to Nope, no API of this template"),
        ("HttpApi", "Path: x", "it must be like 'GET /items/{id}'"),
    ],
)
def test_what_would_admit_everyone_or_lead_nowhere_is_refused(
    stack_refusal: "StackRefusal", type_: str, properties: str, sentence: str
) -> None:
    """Rather than being open here and closed on AWS."""
    resources = HTTP_API + REST_API + FUNCTION.format(type=type_, properties=properties)
    assert sentence in stack_refusal(resources, sections=SAM)
