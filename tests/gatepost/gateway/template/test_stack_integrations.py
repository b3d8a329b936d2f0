"""What is behind a route: functions, mocks and HTTP servers."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import (
    HttpProxy,
    LambdaMapped,
    LambdaProxy,
    Mock,
    NotEmulated,
    Route,
)
from tests.gatepost.gateway.template.conftest import CHAT_STACK

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal

ROUTE = """
Echo:
  Type: AWS::ApiGatewayV2::Route
  Properties: {{ApiId: !Ref Api, RouteKey: echo, Target: !Sub 'integrations/${{Behind}}'}}
Behind:
  Type: AWS::ApiGatewayV2::Integration
  Properties: {{ApiId: !Ref Api, {properties}}}
"""
MOCK = "IntegrationType: MOCK"
FUNCTIONS = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions"


def behind(read_stack: "ReadStack", properties: str, more: str = "") -> Route:
    """Read a route with an integration of these properties."""
    deployment = read_stack(
        ROUTE.format(properties=properties) + more, function=", FunctionName: f"
    )
    return deployment.apis[0].routes["echo"]


@pytest.mark.parametrize(
    "uri",
    [
        "!Sub '{f}/${{Hello.Arn}}/invocations'",
        "!Join ['/', ['{f}', !GetAtt Hello.Arn, invocations]]",
        "!Sub '{f}/${{Hello.Arn}}:live/invocations'",
        "!Sub '{f}/${{Alias}}/invocations'",
        "!Sub '{f}/${{Version}}/invocations'",
        "'{f}/arn:aws:lambda:eu-west-1:123456789012:function:f/invocations'",
        "!GetAtt Hello.Arn",
    ],
)
def test_a_function_is_found_behind_every_form_of_uri(read_stack: "ReadStack", uri: str) -> None:
    """Aliases and versions lead to the function: there is one version of the code here."""
    more = """
Alias:
  Type: AWS::Lambda::Alias
  Properties: {Name: live, FunctionName: !Ref Hello, FunctionVersion: !GetAtt Version.Version}
Version: {Type: AWS::Lambda::Version, Properties: {FunctionName: !GetAtt Hello.Arn}}
"""
    uri = uri.format(f=FUNCTIONS)
    route = behind(read_stack, f"IntegrationType: AWS_PROXY, IntegrationUri: {uri}", more)
    assert route.integration == LambdaProxy("f")


def test_a_time_out_is_read_in_milliseconds(read_stack: "ReadStack") -> None:
    """B-275."""
    assert behind(read_stack, f"{MOCK}, TimeoutInMillis: 1500").integration_timeout_s == 1.5
    assert behind(read_stack, MOCK).integration_timeout_s == 29.0


def test_a_mock_has_a_request_template_and_responses(read_stack: "ReadStack") -> None:
    """The template that TemplateSelectionExpression picks, or the only one."""
    more = """
Response:
  Type: AWS::ApiGatewayV2::IntegrationResponse
  Properties:
    ApiId: !Ref Api
    IntegrationId: !Ref Behind
    IntegrationResponseKey: /200/
    TemplateSelectionExpression: \\$default
    ResponseTemplates: {$default: pong, other: no}
"""
    properties = (
        MOCK + ", TemplateSelectionExpression: '200', "
        "RequestTemplates: {'200': '{\"statusCode\":200}', '500': '{\"statusCode\":500}'}"
    )
    assert behind(read_stack, properties, more).integration == Mock(
        request_template='{"statusCode":200}', response_templates={"/200/": "pong"}
    )
    assert behind(read_stack, MOCK).integration == Mock()


def test_an_http_proxy_has_a_method_and_a_url(read_stack: "ReadStack") -> None:
    """POST where the template names no method."""
    properties = "IntegrationType: HTTP_PROXY, IntegrationUri: 'https://example.com/x'"
    assert behind(read_stack, properties).integration == HttpProxy("POST", "https://example.com/x")
    properties += ", IntegrationMethod: PUT, RequestParameters: "
    properties += "{integration.request.header.X: context.connectionId}"
    parameters = {"integration.request.header.X": "context.connectionId"}
    assert behind(read_stack, properties).integration == HttpProxy(
        "PUT", "https://example.com/x", parameters
    )


def test_an_integration_of_type_aws_maps_what_a_function_gets(read_stack: "ReadStack") -> None:
    """B-186, B-187: its templates, what selects one, and what passes without."""
    more = """
Response:
  Type: AWS::ApiGatewayV2::IntegrationResponse
  Properties:
    ApiId: !Ref Api
    IntegrationId: !Ref Behind
    IntegrationResponseKey: $default
    ResponseTemplates: {$default: '$input.body'}
"""
    route = behind(
        read_stack,
        "IntegrationType: AWS, IntegrationUri: !GetAtt Hello.Arn, PassthroughBehavior: NEVER, "
        "TemplateSelectionExpression: $request.body.kind, RequestTemplates: {a: '{}', b: '[]'}",
        more,
    )
    assert route.integration == LambdaMapped(
        "f", {"a": "{}", "b": "[]"}, "$request.body.kind", "NEVER", {"$default": "$input.body"}
    )
    assert route.function == "f"


SQS = "IntegrationType: AWS, IntegrationUri: !Sub 'arn:aws:apigateway:${AWS::Region}:sqs:path/1/q'"


def test_an_integration_of_another_service_is_there_and_noted(read_stack: "ReadStack") -> None:
    """The other routes work all the same."""
    deployment = read_stack(ROUTE.format(properties=SQS))
    assert deployment.apis[0].routes["echo"].integration == NotEmulated("sqs")
    (notice,) = deployment.notices
    assert notice.endswith(
        "Api has route echo lead to sqs, which is not emulated: "
        "each use of it fails here with Internal server error"
    )


def test_connect_through_another_service_is_refused(stack_refusal: "StackRefusal") -> None:
    """Nobody could connect."""
    template = CHAT_STACK.format(sections="", function="", connect="", uri="")
    refused = stack_refusal(
        template=template.replace("IntegrationType: AWS_PROXY, IntegrationUri: !Sub ''", SQS)
    )
    assert "ToHello leads to sqs, which is not emulated: nobody could connect" in refused


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        (
            "IntegrationType: HTTP, IntegrationUri: x",
            "is HTTP; only AWS_PROXY, AWS, MOCK and HTTP_PROXY",
        ),
        (
            "IntegrationType: AWS, IntegrationUri: !GetAtt Hello.Arn, PassthroughBehavior: OFTEN",
            "PassthroughBehavior is OFTEN; it must be one of WHEN_NO_MATCH, WHEN_NO_TEMPLATES",
        ),
        ("IntegrationType: AWS_PROXY", "Resources.Behind needs IntegrationUri"),
        (
            "IntegrationType: AWS_PROXY, IntegrationUri: 'https://x'",
            "IntegrationUri is https://x, which leads to no Lambda function",
        ),
        (
            f"IntegrationType: AWS_PROXY, IntegrationUri: '{FUNCTIONS}/theirs/invocations'",
            "leads to function theirs, which this template does not make",
        ),
        (
            "IntegrationType: HTTP_PROXY, ConnectionType: VPC_LINK, IntegrationUri: x",
            "ConnectionType is VPC_LINK; a private network can't be reached from here",
        ),
        (f"{MOCK}, TimeoutInMillis: 30000", "must be a whole number from 50 to 29000"),
        (f"{MOCK}, RequestTemplates: {{a: b, c: d}}", "RequestTemplates has several templates"),
        (f"{MOCK}, RequestTemplates: [a]", "RequestTemplates must be a mapping"),
    ],
)
def test_what_can_t_be_run_is_refused(
    stack_refusal: "StackRefusal", properties: str, sentence: str
) -> None:
    """With resource and property."""
    assert sentence in stack_refusal(ROUTE.format(properties=properties))
