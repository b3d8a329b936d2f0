"""AWS::Serverless::WebSocketApi."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Authorizer, DomainMapping, LambdaProxy, Throttle

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals:
  WebSocketApi: {{StageVariables: {{color: red}}}}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: f, Handler: a.b, Runtime: python3.13, CodeUri: src}}
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      {properties}
"""
ROUTES = "Routes: {$connect: {FunctionArn: !GetAtt F.Arn}, ping: {FunctionArn: !GetAtt F.Arn}}"
CUSTOM = """Auth:
        AuthType: CUSTOM
        AuthArn: !GetAtt F.Arn
        IdentitySource: [route.request.querystring.token]
      """


def test_an_api_has_the_routes_and_the_stage_that_sam_gives_it(read_stack: "ReadStack") -> None:
    """The stage is `default`, and the name the logical id, where the template names none."""
    api = read_stack(template=TEMPLATE.format(properties=ROUTES)).apis[0]
    assert (api.name, api.stage, api.stage_variables) == ("Chat", "default", {"color": "red"})
    assert {key: route.integration for key, route in api.routes.items()} == {
        "$connect": LambdaProxy("f"),
        "ping": LambdaProxy("f"),
    }


def test_settings_of_routes_and_stage_are_taken_over(read_stack: "ReadStack") -> None:
    """Time-outs, throttles, keys."""
    properties = """
      Name: chat
      StageName: live
      DefaultRouteSettings: {ThrottlingRateLimit: 5, ThrottlingBurstLimit: 2}
      Routes:
        $connect: {FunctionArn: !GetAtt F.Arn, ApiKeyRequired: true}
        ping: {FunctionArn: !Ref F, IntegrationTimeout: 500}
    """
    api = read_stack(template=TEMPLATE.format(properties=properties)).apis[0]
    assert (api.name, api.stage, api.throttle) == ("chat", "live", Throttle(5.0, 2))
    assert api.routes["$connect"].api_key_required
    assert api.routes["ping"].integration_timeout_s == 0.5


def test_authorization_is_connect_s_alone(read_stack: "ReadStack") -> None:
    """A Lambda authorizer or AWS_IAM."""
    api = read_stack(template=TEMPLATE.format(properties=CUSTOM + ROUTES)).apis[0]
    assert api.routes["$connect"].authorization == Authorizer(
        "ChatConnectAuthorizer", "f", ("route.request.querystring.token",)
    )
    assert api.routes["ping"].authorization == "NONE"
    iam = "Auth: {AuthType: AWS_IAM}\n      " + ROUTES
    api = read_stack(template=TEMPLATE.format(properties=iam)).apis[0]
    assert api.routes["$connect"].authorization == "AWS_IAM"


def test_a_default_endpoint_may_be_disabled(read_stack: "ReadStack") -> None:
    """B-327."""
    hidden = "DisableExecuteApiEndpoint: true\n      " + ROUTES
    assert not read_stack(template=TEMPLATE.format(properties=hidden)).apis[0].default_endpoint


def test_a_domain_of_the_api_s_own_is_mapped(read_stack: "ReadStack") -> None:
    """Without base path, and with several."""
    one = "Domain: {DomainName: ws.example.com, CertificateArn: x}\n      " + ROUTES
    deployment = read_stack(template=TEMPLATE.format(properties=one))
    api_id = deployment.apis[0].api_id
    assert deployment.domains == (DomainMapping("ws.example.com", api_id, "default"),)
    two = one.replace("CertificateArn: x", "CertificateArn: x, BasePath: [a, /b]")
    domains = read_stack(template=TEMPLATE.format(properties=two)).domains
    assert [mapping.key for mapping in domains] == ["a", "b"]


def test_the_stage_goes_by_the_logical_id_that_sam_gives_it(read_stack: "ReadStack") -> None:
    """Templates refer to it."""
    for stage, logical_id in (("default", "ChatDefaultStage"), ("live", "ChatliveStage")):
        properties = f"StageName: {stage}\n      {ROUTES}"
        template = TEMPLATE.format(properties=properties).replace(
            "CodeUri: src", f"CodeUri: src, Environment: {{Variables: {{S: !Ref {logical_id}}}}}"
        )
        assert read_stack(template=template).functions["f"].environment == {"S": stage}


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ("Name: x", "Resources.Chat needs Routes, at least one"),
        ("Routes: {ping: {}}", "Chat.Properties.Routes.ping needs FunctionArn"),
        ("Routes: {a-b: {FunctionArn: !Ref F}}", "Routes.a-b can't be a route of SAM's"),
        (
            "Auth: {AuthType: AWS_IAM}\n      Routes: {ping: {FunctionArn: !Ref F}}",
            "Chat.Properties.Auth needs a $connect route",
        ),
        ("Auth: {AuthType: JWT}\n      " + ROUTES, "AuthType must be NONE, AWS_IAM or CUSTOM"),
        ("Auth: {AuthType: CUSTOM}\n      " + ROUTES, "Chat.Properties.Auth needs AuthArn"),
        (
            "Auth: {AuthType: CUSTOM, AuthArn: theirs}\n      " + ROUTES,
            "AuthArn leads to function theirs, which this template does not make",
        ),
    ],
)
def test_what_sam_refuses_is_refused(
    stack_refusal: "StackRefusal", properties: str, sentence: str
) -> None:
    """And an authorizer that can't run, too: with resource and property."""
    assert sentence in stack_refusal(template=TEMPLATE.format(properties=properties))
