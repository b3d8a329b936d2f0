"""REST APIs written out as AWS::ApiGateway resources."""

from typing import TYPE_CHECKING

from gatepost.gateway.core.deployment import Cors, HttpAuthorizer, HttpRoute

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal

API = """
Rest: {Type: AWS::ApiGateway::RestApi, Properties: {Name: rest}}
Items: {Type: AWS::ApiGateway::Resource, Properties: {
  RestApiId: !Ref Rest, ParentId: !GetAtt Rest.RootResourceId, PathPart: items}}
Item: {Type: AWS::ApiGateway::Resource, Properties: {
  RestApiId: !Ref Rest, ParentId: !Ref Items, PathPart: '{id}'}}
Root: {Type: AWS::ApiGateway::Method, Properties: {
  RestApiId: !Ref Rest, ResourceId: !GetAtt Rest.RootResourceId, HttpMethod: ANY,
  Integration: {Type: AWS_PROXY, Uri: !GetAtt Hello.Arn}}}
GetItem: {Type: AWS::ApiGateway::Method, Properties: {
  RestApiId: !Ref Rest, ResourceId: !Ref Item, HttpMethod: GET, AuthorizationType: CUSTOM,
  AuthorizerId: !Ref Tokens,
  Integration: {Type: AWS_PROXY, Uri: !GetAtt Hello.Arn, TimeoutInMillis: 500}}}
Preflight: {Type: AWS::ApiGateway::Method, Properties: {
  RestApiId: !Ref Rest, ResourceId: !Ref Item, HttpMethod: OPTIONS,
  Integration: {Type: MOCK, IntegrationResponses: [{StatusCode: 200, ResponseParameters: {
    method.response.header.Access-Control-Allow-Origin: "'*'",
    method.response.header.Access-Control-Allow-Methods: "'OPTIONS,GET'"}}]}}}
Tokens: {Type: AWS::ApiGateway::Authorizer, Properties: {
  RestApiId: !Ref Rest, Name: tokens, Type: TOKEN, AuthorizerUri: !GetAtt Hello.Arn,
  IdentitySource: method.request.header.Authorization}}
Deployed: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Rest}}
RestStage: {Type: AWS::ApiGateway::Stage, Properties: {
  RestApiId: !Ref Rest, StageName: prod, Variables: {a: b}}}
"""


def test_methods_are_routes_at_their_resource_s_path(read_stack: "ReadStack") -> None:
    """Payload 1.0; preflight requests are the emulator's."""
    deployment = read_stack(API, function=", FunctionName: f")
    (api,) = deployment.http_apis
    tokens = HttpAuthorizer(
        name="tokens",
        function="f",
        kind="TOKEN",
        payload="1.0",
        identity_sources=("method.request.header.Authorization",),
    )
    assert (api.name, api.kind, api.stage, api.stage_variables) == (
        *("rest", "rest", "prod"),
        {"a": "b"},
    )
    assert api.routes == (
        HttpRoute("ANY", "/", "f", "1.0", 29.0),
        HttpRoute("GET", "/items/{id}", "f", "1.0", 0.5, authorizer=tokens),
    )
    assert api.cors == Cors(("*",), ("OPTIONS", "GET"))
    assert deployment.notices == ()


def test_a_stage_may_be_the_deployment_s(read_stack: "ReadStack") -> None:
    """As the framework writes it."""
    resources = API[: API.index("Deployed:")] + (
        "Deployed: {Type: AWS::ApiGateway::Deployment, Properties: "
        "{RestApiId: !Ref Rest, StageName: dev}}"
    )
    assert read_stack(resources).http_apis[0].stage == "dev"


def test_an_authorizer_that_can_t_run_is_refused(stack_refusal: "StackRefusal") -> None:
    """It never admits everyone."""
    refused = stack_refusal(API.replace("Type: TOKEN", "Type: COGNITO_USER_POOLS"))
    assert "Tokens has AuthorizerType COGNITO_USER_POOLS, which can't be checked here" in refused


def test_parents_in_a_circle_are_refused(stack_refusal: "StackRefusal") -> None:
    """Rather than followed for ever."""
    refused = stack_refusal(
        API.replace("ParentId: !GetAtt Rest.RootResourceId", "ParentId: !Ref Item")
    )
    assert "ResourceId has too many parents" in refused
