"""CloudFormation templates as a whole."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.gateway.core.deployment import LambdaProxy
from gatepost.gateway.template.cloudformation import read_cloudformation
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.values import Values
from gatepost.gateway.template.yaml_source import Node, read_file

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal


def test_a_stack_comes_to_an_api_a_stage_and_functions(
    read_stack: "ReadStack", tmp_path: Path
) -> None:
    """Names that AWS would make up are made of the folder's name and the logical id."""
    deployment = read_stack()
    api = deployment.apis[0]
    name = f"{tmp_path.name}-Hello"
    assert (deployment.service, deployment.stage) == (tmp_path.name, "live")
    assert (api.name, api.stage, list(api.routes)) == ("chat", "live", ["$connect"])
    assert api.routes["$connect"].integration == LambdaProxy(name)
    assert deployment.functions[name].code_root == tmp_path / "src"
    assert deployment.functions[name].timeout_s == 3
    assert deployment.functions[name].memory_mb == 128
    assert deployment.notices == ()


def test_the_stage_that_is_asked_for_comes_first(read_stack: "ReadStack") -> None:
    """--stage chooses among the stages of the template."""
    second = "Test: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: t}}"
    deployment = read_stack(second, stage="t")
    assert deployment.stage == "t"
    assert [api.stage for api in deployment.apis] == ["t", "live"]


def test_a_stage_that_the_template_lacks_is_refused(stack_refusal: "StackRefusal") -> None:
    """The stages that there are help to choose one."""
    refused = stack_refusal(stage="nope")
    assert refused.startswith("--stage: 'nope' is no stage of ")
    assert "which has live; what its parameters decide is given by --values" in refused


def test_a_template_without_a_websocket_api_is_refused(stack_refusal: "StackRefusal") -> None:
    """There would be nothing to connect to."""
    template = "Resources: {Bucket: {Type: AWS::S3::Bucket}}"
    refused = stack_refusal(template=template)
    assert refused.startswith("template.yaml:1: Resources have no WebSocket API")
    assert refused.endswith(
        "HTTP APIs are only served beside a WebSocket API, which this emulator is for"
    )


@pytest.mark.parametrize(
    ("state", "region"),
    [
        ('{"service": {"provider": {"region": "eu-central-1"}}}', "eu-central-1"),
        ('{"service": {"provider": {}}}', "eu-west-2"),
        (None, "eu-west-2"),
    ],
)
def test_a_package_of_osls_says_its_region(
    read_stack: "ReadStack", tmp_path: Path, state: str | None, region: str
) -> None:
    """In serverless-state.json beside the template, which alone doesn't say it."""
    read_stack()
    folder = tmp_path / ".serverless"
    folder.mkdir()
    (tmp_path / "template.yaml").rename(folder / "cloudformation-template-update-stack.yaml")
    if state is not None:
        (folder / "serverless-state.json").write_text(state, encoding="utf-8")
    (folder / "src").mkdir()
    deployment = read_cloudformation(
        folder / "cloudformation-template-update-stack.yaml",
        stage=None,
        environ={"AWS_REGION": "eu-west-2"},
    )
    assert deployment.region == region


def test_what_has_no_stand_in_is_named_in_one_notice(read_stack: "ReadStack") -> None:
    """Permissions, logs and what the CDK adds about itself are not worth a word."""
    deployment = read_stack(
        """
        Bucket: {Type: AWS::S3::Bucket}
        Role: {Type: AWS::IAM::Role}
        Log: {Type: AWS::Logs::LogGroup}
        Meta: {Type: AWS::CDK::Metadata}
        Queue: {Type: AWS::SQS::Queue}
        Text: {Type: AWS::ApiGateway::GatewayResponse}
        """
    )
    assert deployment.notices == (
        (
            "not emulated: Bucket (AWS::S3::Bucket), Queue (AWS::SQS::Queue), "
            "Text (AWS::ApiGateway::GatewayResponse)"
        ),
    )


def test_a_route_of_another_template_s_api_is_noted(read_stack: "ReadStack") -> None:
    """Its API is not made here, so the route has no effect; it is not passed over in silence."""
    deployment = read_stack(
        "Other: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: abc, RouteKey: x}}"
    )
    assert len(deployment.notices) == 1
    assert deployment.notices[0].endswith("Other belongs to API abc, not of this template")


def test_tables_are_read_whatever_they_are_called(read_stack: "ReadStack", tmp_path: Path) -> None:
    """Also the CDK's kind, a global table, which is one of this region alone here."""
    keys = (
        "AttributeDefinitions: [{AttributeName: id, AttributeType: S}],"
        "KeySchema: [{AttributeName: id, KeyType: HASH}]"
    )
    deployment = read_stack(
        f"""
        One: {{Type: AWS::DynamoDB::Table, Properties: {{
          BillingMode: PAY_PER_REQUEST, TableName: !Sub '${{AWS::StackName}}-one', {keys}}}}}
        Two: {{Type: AWS::DynamoDB::GlobalTable, Properties: {{
          Replicas: [{{Region: eu-west-1}}], {keys}}}}}
        """
    )
    assert [table.name for table in deployment.tables] == [
        f"{tmp_path.name}-one",
        f"{tmp_path.name}-Two",
    ]


def test_a_stack_of_hundreds_of_routes_is_read(read_stack: "ReadStack") -> None:
    """CloudFormation takes 500 resources; what stands for each is worked out once."""
    resources = "\n".join(
        f"""
R{number}: {{Type: AWS::ApiGatewayV2::Route, Properties: {{ApiId: !Ref Api,
  RouteKey: r{number}, Target: !Sub 'integrations/${{I{number}}}',
  RouteResponseSelectionExpression: $default}}}}
I{number}: {{Type: AWS::ApiGatewayV2::Integration, Properties: {{ApiId: !Ref Api,
  IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Hello.Arn}}}}
A{number}: {{Type: AWS::ApiGatewayV2::RouteResponse, Properties: {{ApiId: !Ref Api,
  RouteId: !Ref R{number}, RouteResponseKey: $default}}}}"""
        for number in range(160)
    )
    routes = read_stack(resources).apis[0].routes
    assert len(routes) == 161
    assert all(route.two_way for key, route in routes.items() if key != "$connect")


def test_an_environment_variable_that_is_set_from_outside_is_not_read(tmp_path: Path) -> None:
    """An environment file may stand in for what only a deployed stack knows."""
    properties = {"Code": ".", "Handler": "a.b", "Runtime": "python3.13"}
    variables = {"X": {"Ref": "Bucket"}, "Y": "y"}
    template = {
        "Resources": {
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Chat": {
                "Type": "AWS::Serverless::WebSocketApi",
                "Properties": {
                    "RouteSelectionExpression": "$request.body.action",
                    "Routes": {"$default": {"FunctionArn": {"Fn::GetAtt": ["F", "Arn"]}}},
                },
            },
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {**properties, "Environment": {"Variables": variables}},
            },
        }
    }
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template), encoding="utf-8")
    deployment = read_cloudformation(path, stage=None, environ={}, overridden={"X"})
    assert deployment.notices == ("not emulated: Bucket (AWS::S3::Bucket)",)
    assert deployment.functions[f"{tmp_path.name}-F"].environment == {"Y": "y"}
    given_ref = Values(resources={"Bucket": {"Ref": "files"}})
    deployment = read_cloudformation(path, stage=None, environ={}, values=given_ref)
    assert deployment.functions[f"{tmp_path.name}-F"].environment == {"X": "files", "Y": "y"}


NAMES = st.sampled_from(["Api", "F", "Fn", "Stage", "X", "AWS::Region", "AWS::NoValue", "live"])
LEAVES = st.one_of(NAMES, st.none(), st.booleans(), st.integers(0, 99), st.just("${Api}-${F.Arn}"))
FUNCTIONS = st.sampled_from(
    ["Ref", "Condition", *(f"Fn::{name}" for name in (
        "GetAtt", "Sub", "If", "Join", "Select", "Split", "FindInMap", "ImportValue", "Base64",
        "Equals", "And", "Not", "Length", "ToJsonString", "ForEach::a", "Transform"))]
)  # fmt: skip
KEYS = st.sampled_from(
    ["ApiId", "RouteKey", "Target", "IntegrationType", "IntegrationUri", "StageName", "Properties",
     "ProtocolType", "RouteSelectionExpression", "FunctionArn", "Routes", "Auth", "AuthType",
     "AuthArn", "Events", "Type", "Path", "Method", "Handler", "Runtime", "CodeUri", "$connect",
     "Environment", "Variables", "DefaultRouteSettings", "ThrottlingRateLimit", "Domain",
     "AuthorizationType", "AuthorizerId", "PrimaryKey", "EventInvokeConfig", "Cors", "Identity"]
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.builds(lambda function, value: {function: value}, FUNCTIONS, inner),
        st.dictionaries(KEYS, inner, max_size=4),
    ),
    max_leaves=12,
)
TYPES = st.sampled_from(
    [*(f"AWS::ApiGatewayV2::{part}" for part in (
        "Api", "Route", "Integration", "Stage", "Authorizer", "Model", "ApiMapping",
        "RouteResponse", "IntegrationResponse")),
     *(f"AWS::Serverless::{part}" for part in (
         "Function", "WebSocketApi", "HttpApi", "Api", "SimpleTable")),
     "AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig",
     "AWS::ApiGateway::UsagePlan", "AWS::DynamoDB::Table"]
)  # fmt: skip
RESOURCES = st.dictionaries(
    NAMES,
    st.fixed_dictionaries(
        {"Type": TYPES, "Properties": st.dictionaries(KEYS, VALUES, max_size=6)},
        optional={"Condition": NAMES},
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(resources=RESOURCES, rest=st.dictionaries(
    st.sampled_from(["Parameters", "Conditions", "Mappings", "Globals", "Transform"]), VALUES,
    max_size=2,
))  # fmt: skip
def test_a_malformed_template_gives_one_sentence_and_no_traceback(
    resources: dict[str, object], rest: dict[str, object]
) -> None:
    """Whatever stands where, the result is a deployment with an API or a TemplateError."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(json.dumps({"Resources": resources, **rest}), encoding="utf-8")
        try:
            assert read_cloudformation(path, stage=None, environ={}).apis
        except TemplateError as error:
            assert error.message  # noqa: PT017 - refusal is one of two right ends


PROJECTS = Path(__file__).parents[3] / "fixtures/projects"
TEMPLATES = [
    PROJECTS / name
    for name in (
        "sam-chat/template.yaml",
        "sam-websocket-api/template.yml",
        "cdk-chat/cdk.out/ChatStack.template.json",
    )
]
Tree = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None


def plain(node: Node) -> Tree:
    """Return a file's tree as JSON has it."""
    match node.value:
        case dict() as members:
            return {key: plain(member) for key, member in members.items()}
        case list() as items:
            return [plain(item) for item in items]
        case scalar:
            return scalar


def places(tree: Tree) -> Iterator[Callable[[Tree], None]]:
    """Iterate over every place of the tree, as what puts another value there."""
    match tree:
        case dict():
            for name, member in tree.items():
                yield partial(tree.__setitem__, name)
                yield from places(member)
        case list():
            for index, item in enumerate(tree):
                yield partial(tree.__setitem__, index)
                yield from places(item)


@settings(max_examples=150, deadline=None)
@given(
    template=st.sampled_from(TEMPLATES),
    changes=st.lists(st.tuples(st.integers(0, 10_000), VALUES), min_size=1, max_size=3),
)
def test_a_template_with_a_few_changes_gives_one_sentence_and_no_traceback(
    template: Path, changes: list[tuple[int, Tree]]
) -> None:
    """Most of it is right, so that the mistakes are met deep inside."""
    tree = plain(read_file(template, "template"))
    for number, value in changes:
        found = list(places(tree))
        found[number % len(found)](value)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(json.dumps(tree), encoding="utf-8")
        for code in ("src", "onconnect", "ondisconnect", "sendmessage"):
            (path.parent / code).mkdir()
        for asset in (template.parent).glob("asset.*"):
            (path.parent / asset.name).mkdir()
        try:
            assert read_cloudformation(path, stage=None, environ={}).apis
        except TemplateError as error:
            assert error.message  # noqa: PT017 - as above
