"""WebSocket APIs written out as resources."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Authorizer, DomainMapping, LambdaProxy, Throttle
from tests.gatepost.gateway.template.conftest import CHAT_STACK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal

CUSTOM = ", AuthorizationType: CUSTOM, AuthorizerId: !Ref Authorizer"
AUTHORIZER = """
Authorizer:
  Type: AWS::ApiGatewayV2::Authorizer
  Properties:
    Name: tokens
    ApiId: !Ref Api
    AuthorizerType: REQUEST
    AuthorizerUri: !Sub >-
      arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Hello.Arn}/invocations
    IdentitySource: [route.request.querystring.token]
"""
ROUTE = "Echo: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: echo, %s}}"


def test_a_request_authorizer_is_read_with_its_identity_sources(
    read_stack: "ReadStack", tmp_path: "Path"
) -> None:
    """B-072: sources as AWS writes them; the function by the URI of its invocations."""
    route = read_stack(AUTHORIZER, connect=CUSTOM).apis[0].routes["$connect"]
    assert route.authorization == Authorizer(
        name="tokens",
        function=f"{tmp_path.name}-Hello",
        identity_sources=("route.request.querystring.token",),
    )


def test_iam_and_api_keys_are_read(read_stack: "ReadStack") -> None:
    """B-085, B-086."""
    deployment = read_stack(connect=", AuthorizationType: AWS_IAM, ApiKeyRequired: true")
    route = deployment.apis[0].routes["$connect"]
    assert route.authorization == "AWS_IAM"
    assert route.api_key_required


@pytest.mark.parametrize(
    ("resources", "connect", "sentence"),
    [
        ("", CUSTOM, "refers to Authorizer, which is no resource"),
        ("", ", AuthorizationType: CUSTOM", "Resources.Connect needs AuthorizerId"),
        ("", ", AuthorizationType: CUSTOM, AuthorizerId: abc", "is no authorizer of this API"),
        (
            "",
            ", AuthorizationType: JWT",
            "Connect.Properties.AuthorizationType is JWT; a WebSocket",
        ),
        (
            AUTHORIZER.replace("REQUEST", "JWT"),
            CUSTOM,
            "Authorizer.Properties.AuthorizerType is JWT; rather than let everyone in",
        ),
        (
            AUTHORIZER.replace("${Hello.Arn}", "arn:aws:lambda:us-east-1:1:function:theirs"),
            CUSTOM,
            "AuthorizerUri leads to function theirs, which this template does not make",
        ),
        (
            ROUTE % "AuthorizationType: AWS_IAM",
            "",
            "Echo.Properties.AuthorizationType belongs on route $connect",
        ),
    ],
)
def test_an_authorizer_that_can_t_run_is_refused(
    stack_refusal: "StackRefusal", resources: str, connect: str, sentence: str
) -> None:
    """It never admits everyone; resource and property are named."""
    assert sentence in stack_refusal(resources, connect=connect)


def test_stage_variables_and_throttles_are_the_stage_s(read_stack: "ReadStack") -> None:
    """B-311: the stage's default, and routes of their own."""
    deployment = read_stack(
        """
        Second:
          Type: AWS::ApiGatewayV2::Stage
          Properties:
            ApiId: !Ref Api
            StageName: second
            StageVariables: {color: red, size: 5}
            DefaultRouteSettings: {ThrottlingRateLimit: 10.5, ThrottlingBurstLimit: 5}
            RouteSettings: {$connect: {ThrottlingRateLimit: 1}}
        """
    )
    first, second = deployment.apis
    assert (first.stage_variables, first.throttle) == ({}, None)
    assert second.stage_variables == {"color": "red", "size": "5"}
    assert second.throttle == Throttle(10.5, 5)
    assert second.routes["$connect"].throttle == Throttle(1.0, 5000)


def test_a_stage_variable_may_name_the_function(read_stack: "ReadStack") -> None:
    """In the URI of an integration, which then is no Sub's variable."""
    uri = (
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        "arn:aws:lambda:us-east-1:123456789012:function:${!stageVariables.fn}/invocations"
    )
    template = CHAT_STACK.format(sections="", function=", FunctionName: hello", connect="", uri=uri)
    stage = "StageName: live, StageVariables: {fn: hello}"
    deployment = read_stack(template=template.replace("StageName: live", stage))
    assert deployment.apis[0].routes["$connect"].integration == LambdaProxy("hello")


def test_a_route_is_two_way_with_expression_and_response(read_stack: "ReadStack") -> None:
    """B-190: both are needed; the expression alone is noted."""
    expression = ROUTE % "RouteResponseSelectionExpression: $default"
    response = """
Response:
  Type: AWS::ApiGatewayV2::RouteResponse
  Properties: {ApiId: !Ref Api, RouteId: !Ref Echo, RouteResponseKey: $default}
"""
    alone = read_stack(expression)
    assert not alone.apis[0].routes["echo"].two_way
    assert "Echo has no AWS::ApiGatewayV2::RouteResponse, so replies are" in alone.notices[0]
    both = read_stack(expression + "\n" + response)
    assert both.apis[0].routes["echo"].two_way
    assert both.notices == ()


def test_a_route_without_target_has_no_integration(read_stack: "ReadStack") -> None:
    """B-166."""
    assert read_stack(ROUTE % "OperationName: x").apis[0].routes["echo"].integration is None


def test_models_are_json_schemas_by_key(read_stack: "ReadStack") -> None:
    """B-168: by a model's name or by Ref; a schema may be a text."""
    route = ROUTE % (
        "ModelSelectionExpression: $request.body.kind, RequestModels: {a: One, b: !Ref Two}"
    )
    model = (
        "{0}: {{Type: AWS::ApiGatewayV2::Model, Properties: {{ApiId: !Ref Api, Name: {0}, {1}}}}}"
    )
    deployment = read_stack(
        "\n".join(
            [
                route,
                model.format("One", "Schema: {type: object, required: [x]}"),
                model.format("Two", 'Schema: \'{"type": "array"}\''),
            ]
        )
    )
    echo = deployment.apis[0].routes["echo"]
    assert echo.model_selection_expression == "$request.body.kind"
    assert echo.models == {"a": {"type": "object", "required": ["x"]}, "b": {"type": "array"}}


def test_a_default_endpoint_may_be_disabled(read_stack: "ReadStack", tmp_path: "Path") -> None:
    """B-327."""
    assert read_stack().apis[0].default_endpoint
    stack = (tmp_path / "template.yaml").read_text(encoding="utf-8")
    hidden = stack.replace("{Name: chat", "{DisableExecuteApiEndpoint: true, Name: chat")
    assert not read_stack(template=hidden).apis[0].default_endpoint


def test_domains_lead_to_stages(read_stack: "ReadStack") -> None:
    """B-325: with or without a key."""
    deployment = read_stack(
        """
        Domain: {Type: AWS::ApiGatewayV2::DomainName, Properties: {DomainName: ws.example.com}}
        Mapping:
          Type: AWS::ApiGatewayV2::ApiMapping
          Properties: {ApiId: !Ref Api, Stage: !Ref Stage, DomainName: !Ref Domain}
        Keyed:
          Type: AWS::ApiGatewayV2::ApiMapping
          Properties:
            {ApiId: !Ref Api, Stage: live, DomainName: ws.example.com, ApiMappingKey: chat}
        Elsewhere:
          Type: AWS::ApiGatewayV2::ApiMapping
          Properties: {ApiId: abc, Stage: live, DomainName: ws.example.com}
        """
    )
    api_id = deployment.apis[0].api_id
    assert deployment.domains == (
        DomainMapping("ws.example.com", api_id, "live"),
        DomainMapping("ws.example.com", api_id, "live", "chat"),
    )
    assert "Elsewhere leads to no WebSocket API of this template" in deployment.notices[0]


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        (ROUTE % "Target: integrations/nope", "is integrations/nope, no integration of this API"),
        (ROUTE % "RouteResponseSelectionExpression: a", "can only be $default"),
        (ROUTE % "RequestModels: {a: Nope}", "RequestModels names Nope, no model of this API"),
        (ROUTE % "ApiKeyRequired: maybe", "ApiKeyRequired must be true or false"),
        (
            ROUTE.replace("RouteKey: echo, %s", "RouteKey: $connect"),
            "Resources.Echo makes route $connect, which another resource makes already",
        ),
        (
            "Two: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET}}",
            "Resources.Two has no AWS::ApiGatewayV2::Stage, so nobody can connect to it",
        ),
        ("Two: {Type: AWS::ApiGatewayV2::Api}", "Resources.Two needs ProtocolType"),
        (
            (
                "Two: {Type: AWS::ApiGatewayV2::Stage, Properties: "
                "{ApiId: !Ref Api, StageName: s, DefaultRouteSettings: {ThrottlingRateLimit: x}}}"
            ),
            "ThrottlingRateLimit must be a number from 0 to 1e+09",
        ),
        (
            "M: {Type: AWS::ApiGatewayV2::Model, Properties: {ApiId: !Ref Api, Name: m, "
            "Schema: '{'}}\n" + ROUTE % "RequestModels: {a: m}",
            "M.Properties.Schema is no JSON",
        ),
    ],
)
def test_a_mistake_is_told_with_resource_and_property(
    stack_refusal: "StackRefusal", resources: str, sentence: str
) -> None:
    """One sentence each."""
    assert sentence in stack_refusal(resources)


def test_properties_without_effect_here_are_noted(read_stack: "ReadStack") -> None:
    """Nothing is passed over in silence."""
    deployment = read_stack(
        connect=", RequestParameters: {route.request.header.X: {Required: true}}"
    )
    assert deployment.notices[0].endswith("Connect has RequestParameters, which has no effect here")
