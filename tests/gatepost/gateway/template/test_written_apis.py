"""WebSocket and HTTP APIs among the resources of a serverless.yml."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Authorizer, DomainMapping, LambdaProxy
from gatepost.gateway.template.identities import make_api_id

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import Read, Refusal

CHAT = """
service: chat
provider:
  name: aws
  runtime: python3.13
  environment:
    ENDPOINT: !Sub https://${SocketApi}.execute-api.${AWS::Region}.amazonaws.com/${sls:stage}
functions:
  connect: {handler: app.connect}
  send-message: {handler: app.send}
  check: {handler: app.check}
%s
resources:
  Resources:
    SocketApi:
      Type: AWS::ApiGatewayV2::Api
      Properties:
        Name: ${self:service}-sockets
        ProtocolType: WEBSOCKET
        RouteSelectionExpression: $request.body.action
    Tokens:
      Type: AWS::ApiGatewayV2::Authorizer
      Properties:
        ApiId: !Ref SocketApi
        Name: tokens
        AuthorizerType: REQUEST
        AuthorizerUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/\
${CheckLambdaFunction.Arn}/invocations
        IdentitySource: [route.request.querystring.token]
    ToConnect:
      Type: AWS::ApiGatewayV2::Integration
      Properties:
        ApiId: !Ref SocketApi
        IntegrationType: AWS_PROXY
        IntegrationUri:
          Fn::Join:
            - ''
            - ['arn:aws:apigateway:', !Ref AWS::Region, ':lambda:path/2015-03-31/functions/',
               !GetAtt ConnectLambdaFunction.Arn, /invocations]
    ToSend:
      Type: AWS::ApiGatewayV2::Integration
      Properties:
        ApiId: !Ref SocketApi
        IntegrationType: AWS_PROXY
        IntegrationUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/\
${SendDashmessageLambdaFunction.Arn}/invocations
    Connect:
      Type: AWS::ApiGatewayV2::Route
      Properties:
        ApiId: !Ref SocketApi
        RouteKey: $connect
        AuthorizationType: CUSTOM
        AuthorizerId: !Ref Tokens
        Target: !Join [/, [integrations, !Ref ToConnect]]
    Send:
      Type: AWS::ApiGatewayV2::Route
      Properties: {ApiId: !Ref SocketApi, RouteKey: send, Target: !Sub 'integrations/${ToSend}'}
    Permission:
      Type: AWS::Lambda::Permission
      Properties: {FunctionName: !Ref ConnectLambdaFunction, Action: lambda:InvokeFunction}
    Deployed:
      Type: AWS::ApiGatewayV2::Deployment
      DependsOn: [Connect, Send]
      Properties: {ApiId: !Ref SocketApi}
    Stage:
      Type: AWS::ApiGatewayV2::Stage
      Properties:
        {ApiId: !Ref SocketApi, StageName: '${sls:stage}', DeploymentId: !Ref Deployed}
"""
MORE = "    {name}: {{Type: 'AWS::ApiGatewayV2::{kind}', Properties: {{{properties}}}}}\n"


def test_a_websocket_api_written_out_is_read_with_the_framework_s_functions(read: "Read") -> None:
    """Functions go by the logical ids that the framework gives them."""
    deployment = read(CHAT % "", stage="test")
    (api,) = deployment.apis
    assert (api.name, api.stage) == ("chat-sockets", "test")
    assert api.routes["$connect"].integration == LambdaProxy("chat-test-connect")
    assert api.routes["$connect"].authorization == Authorizer(
        "tokens", "chat-test-check", ("route.request.querystring.token",)
    )
    assert api.routes["send"].integration == LambdaProxy("chat-test-send-message")
    assert deployment.notices == ()


def test_its_id_is_known_to_environment_variables(read: "Read") -> None:
    """What the emulator then makes its own address of."""
    deployment = read(CHAT % "")
    (api,) = deployment.apis
    endpoint = deployment.functions["chat-dev-connect"].environment["ENDPOINT"]
    assert endpoint == f"https://{api.api_id}.execute-api.us-east-1.amazonaws.com/dev"


def test_it_stands_beside_the_api_that_events_make(read: "Read") -> None:
    """Events first; each has an id of its own."""
    more = "  ping: {handler: app.ping, events: [{websocket: ping}]}"
    by_events, written = read(CHAT % more).apis
    assert set(by_events.routes) == {"ping"}
    assert set(written.routes) == {"$connect", "send"}
    assert by_events.api_id != written.api_id == make_api_id("chat-dev", "", "SocketApi")


def test_its_custom_domain_is_read(read: "Read") -> None:
    """A property that nobody asks for, the certificate, may be unknown."""
    domain = MORE.format(
        name="Domain",
        kind="DomainName",
        properties="DomainName: ws.example.com, Tags: '${ssm:/tags}'",
    )
    mapping = MORE.format(
        name="Mapping",
        kind="ApiMapping",
        properties="ApiId: !Ref SocketApi, DomainName: !Ref Domain, Stage: !Ref Stage",
    )
    deployment = read(CHAT % "" + domain + mapping)
    api_id = deployment.apis[0].api_id
    assert deployment.domains == (DomainMapping("ws.example.com", api_id, "dev"),)


def test_a_custom_domain_of_the_api_that_events_make_is_read(read: "Read") -> None:
    """As osls calls that API and its stage."""
    mapping = (
        "ApiId: !Ref WebsocketsApi, DomainName: ws.example.com, "
        "Stage: !Ref WebsocketsDeploymentStage, ApiMappingKey: chat"
    )
    deployment = read(
        "service: chat\nprovider: {name: aws, runtime: python3.13}\n"
        "functions:\n  a: {handler: app.a, events: [{websocket: $connect}]}\n"
        "resources:\n  Resources:\n"
        + MORE.format(name="Mapping", kind="ApiMapping", properties=mapping)
    )
    (api,) = deployment.apis
    assert deployment.domains == (DomainMapping("ws.example.com", api.api_id, "dev", "chat"),)


def test_an_http_api_written_out_is_served_beside_it(read: "Read") -> None:
    """As from CloudFormation."""
    web = (
        MORE.format(name="Web", kind="Api", properties="Name: web, ProtocolType: HTTP")
        + MORE.format(
            name="ToWeb",
            kind="Integration",
            properties="ApiId: !Ref Web, IntegrationType: AWS_PROXY, PayloadFormatVersion: '2.0', "
            "IntegrationUri: !GetAtt ConnectLambdaFunction.Arn",
        )
        + MORE.format(
            name="Home",
            kind="Route",
            properties="ApiId: !Ref Web, RouteKey: GET /, Target: !Sub 'integrations/${ToWeb}'",
        )
        + MORE.format(name="Live", kind="Stage", properties="ApiId: !Ref Web, StageName: $default")
    )
    (api,) = read(CHAT % "" + web).http_apis
    assert [(route.method, route.path, route.function) for route in api.routes] == [
        ("GET", "/", "chat-dev-connect")
    ]


def test_parts_of_the_api_of_http_api_events_are_noted(read: "Read") -> None:
    """They are no part of the WebSocket API."""
    route = MORE.format(
        name="Home", kind="Route", properties="ApiId: !Ref HttpApi, RouteKey: GET /"
    )
    (notice,) = read(CHAT % "" + route).notices
    assert notice.endswith("Home belongs to the API of httpApi events, where it has no effect here")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("functions/${Check", "functions/${Czech", "refers to CzechLambdaFunction, which is no"),
        ("IntegrationType: AWS_PROXY", "IntegrationType: HTTP", "IntegrationType is HTTP"),
        ("StageName", "Name", "Stage needs StageName"),
        ("{ApiId: !Ref SocketApi, RouteKey: send", "{ApiId: !Ref WebsocketsApi", "not written out"),
        ("AuthorizerType: REQUEST", "AuthorizerType: JWT", "rather than let everyone in"),
    ],
)
def test_what_can_t_be_run_is_refused(
    refusal: "Refusal", old: str, new: str, sentence: str
) -> None:
    """By the sentence that CloudFormation gets."""
    assert sentence in refusal((CHAT % "").replace(old, new))
