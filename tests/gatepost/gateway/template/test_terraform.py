"""Whole Terraform plans."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.gateway.core.deployment import (
    Authorizer,
    Cors,
    HttpApi,
    HttpRoute,
    LambdaProxy,
    Table,
    Throttle,
)
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.terraform import read_terraform
from gatepost.gateway.template.values import Values
from tests.gatepost.gateway.template.terraform_project import TerraformProject

if TYPE_CHECKING:
    from gatepost.gateway.core.deployment import Deployment

ROOT = Path(__file__).resolve().parents[4]
PROJECT = ROOT / "tests/fixtures/projects/terraform"


MODULES = ROOT / "tests/fixtures/projects/terraform-modules"


@pytest.fixture(scope="module")
def lobby() -> "Deployment":
    """The project of which the plan was made by Terraform itself."""
    return read_terraform(PROJECT / "plan.json", stage=None, environ={})


def test_routes_lead_through_for_each_and_modules_to_functions(lobby: "Deployment") -> None:
    """The authorizer is on $connect; one route has a response."""
    (api,) = lobby.apis
    assert (api.name, api.stage, api.throttle) == ("lobby", "live", Throttle(1000.0, 500))
    assert {key: route.integration for key, route in api.routes.items()} == {
        "$connect": LambdaProxy("lobby-connection"),
        "$disconnect": LambdaProxy("lobby-connection"),
        "$default": LambdaProxy("lobby-message"),
        "greet": LambdaProxy("lobby-message"),
    }
    assert [key for key, route in api.routes.items() if route.two_way] == ["greet"]
    assert api.routes["$connect"].authorization == Authorizer(
        "token", "lobby-authorizer", ("route.request.querystring.token",)
    )


def test_what_is_unknown_until_apply_is_put_together_from_the_sources(lobby: "Deployment") -> None:
    """A module's variable, a local, a function and a template stand between."""
    api = lobby.apis[0]
    function = lobby.functions["lobby-message"]
    host = f"{api.api_id}.execute-api.eu-west-1.amazonaws.com"
    assert function.environment == {
        "TABLE": "lobby-connections",
        "ENDPOINT": f"https://{host}/live",
        "GREETING": "welcome to live",
    }
    assert (function.code_root, function.retry_attempts) == (PROJECT / "handlers", 1)
    assert (function.timeout_s, function.memory_mb) == (10, 128)


def test_tables_and_http_apis_are_read_too(lobby: "Deployment") -> None:
    """One of each; nothing of the plan is left out."""
    assert lobby.tables == (
        Table(
            "lobby-connections",
            {
                "TableName": "lobby-connections",
                "KeySchema": [{"AttributeName": "connectionId", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "connectionId", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
            "expires_at",
        ),
    )
    (web,) = lobby.http_apis
    assert isinstance(web, HttpApi)
    assert web.routes == (
        HttpRoute("GET", "/connections", "lobby-web", payload="2.0", timeout_s=30.0),
    )
    assert web.cors == Cors(("*",), ("GET",))
    assert lobby.notices == ()


def test_a_value_of_the_command_line_goes_before_the_plan_s(lobby: "Deployment") -> None:
    """Variables by name, attributes by address; both change what is put together from them."""
    changed = read_terraform(
        PROJECT / "plan.json",
        stage="live",
        environ={},
        values=Values(
            parameters={"greeting": "hi"},
            resources={"aws_apigatewayv2_stage.live": {"invoke_url": "wss://else"}},
        ),
    )
    environment = changed.functions["lobby-message"].environment
    assert (environment["GREETING"], environment["ENDPOINT"]) == ("hi to live", "https://else")
    assert changed.apis == lobby.apis


def test_a_plan_apart_from_its_sources_is_read_as_far_as_it_says(tmp_path: Path) -> None:
    """What a map of routes leads to only the sources say: it is asked for by address."""
    plan = tmp_path / "plan.json"
    plan.write_bytes((PROJECT / "plan.json").read_bytes())
    with pytest.raises(TemplateError) as caught:
        read_terraform(plan, stage=None, environ={})
    assert 'aws_apigatewayv2_route.one_way["$connect"] has target that is unknown' in str(
        caught.value
    )
    assert "Keep the plan in the folder of its .tf files" in str(caught.value)


def test_of_several_stages_the_one_that_is_asked_for_is_the_first(plan: TerraformProject) -> None:
    """All are read."""
    plan.add("aws_apigatewayv2_stage.test", name="test", api_id="->aws_apigatewayv2_api.socket.id")
    assert [api.stage for api in plan.read().apis] == ["live", "test"]
    assert [api.stage for api in plan.read(stage="test").apis] == ["test", "live"]
    with pytest.raises(TemplateError, match=r"'prod' is no stage of .*, which has live, test"):
        plan.read(stage="prod")


@pytest.mark.parametrize(
    ("region", "environ", "expected"),
    [
        ({"constant_value": "eu-north-1"}, {}, "eu-north-1"),
        ({"references": ["var.region"]}, {}, "ap-south-1"),
        ({"references": ["local.x"]}, {"AWS_REGION": "us-west-2"}, "us-west-2"),
        (None, {}, "us-east-1"),
    ],
)
def test_the_region_is_the_provider_s(
    plan: TerraformProject, region: object, environ: dict[str, str], expected: str
) -> None:
    """Else the environment's."""
    provider = {"name": "aws", "expressions": {"region": region} if region else {}}
    plan.write()
    tree = json.loads((plan.folder / "plan.json").read_text(encoding="utf-8"))
    plan.tree = {
        "configuration": tree["configuration"] | {"provider_config": {"aws": provider}},
        "variables": {"region": {"value": "ap-south-1"}},
    }
    assert plan.read(environ=environ).region == expected


def test_what_has_no_stand_in_is_named_in_one_notice(plan: TerraformProject) -> None:
    """Roles and permissions are not worth a word."""
    plan.add("aws_sqs_queue.jobs", name="jobs")
    plan.add("aws_iam_role.functions", name="functions")
    assert plan.read().notices == ("not emulated: aws_sqs_queue.jobs",)


def test_a_plan_without_a_websocket_api_is_refused(bare_plan: TerraformProject) -> None:
    """There would be nothing to connect to."""
    with pytest.raises(TemplateError, match="has no aws_apigatewayv2_api of protocol_type"):
        bare_plan.read()


TYPES = st.sampled_from(
    ["api", "route", "integration", "stage", "authorizer", "route_response", "model", "api_mapping"]
).map("aws_apigatewayv2_{}".format) | st.sampled_from(
    ["aws_lambda_function", "aws_lambda_alias", "aws_dynamodb_table", "archive_file"]
)  # fmt: skip
NAMES = st.sampled_from([
    *("api_id", "name", "protocol_type", "route_key", "target", "integration_type", "handler"),
    *("integration_uri", "function_name", "runtime", "environment", "variables", "attribute"),
    *("hash_key", "default_route_settings", "authorization_type", "authorizer_id", "references"),
    *("request_models", "cors_configuration", "stage_variables", "timeout_milliseconds"),
])  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-5, 40_000) | st.sampled_from([
    *("WEBSOCKET", "HTTP", "$connect", "AWS_PROXY", "MOCK", "CUSTOM", "python3.13", "app.main"),
    *("GET /x", "live", "aws_lambda_function.a.arn", "aws_apigatewayv2_api.a.id", "a", "${a}"),
])  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
RESOURCES = st.lists(
    st.fixed_dictionaries(
        {"type": TYPES, "values": st.dictionaries(NAMES, TREES, max_size=5)},
        optional={"expressions": st.dictionaries(NAMES, TREES, max_size=5)},
    ),
    max_size=6,
)


@settings(max_examples=150)
@given(resources=RESOURCES, rest=st.dictionaries(NAMES, TREES, max_size=2))
def test_any_plan_is_read_or_refused(
    resources: list[dict[str, object]], rest: dict[str, object]
) -> None:
    """No other exception, whatever stands where, also beside an API that is whole."""
    for resource in resources:
        resource |= {"name": "a", "address": f"{resource['type']}.a"}
    with TemporaryDirectory() as folder:
        whole = TerraformProject(Path(folder))
        whole.add_whole_api()
        path = whole.write()
        tree = json.loads(path.read_text(encoding="utf-8"))
        for part in (tree["planned_values"]["root_module"], tree["configuration"]["root_module"]):
            part["resources"] += resources
        path.write_text(json.dumps(tree | rest), encoding="utf-8")
        try:
            assert read_terraform(path, stage=None, environ={}).apis
        except TemplateError as error:
            assert error.message  # noqa: PT017 - refusal is one of two right ends


def test_modules_as_others_publish_them_are_read() -> None:
    """With `count`, `for_each` over modules, `try` in outputs and a dynamic environment."""
    deployment = read_terraform(MODULES / "plan.json", stage=None, environ={})
    (api,) = deployment.apis
    assert {key: route.function for key, route in api.routes.items()} == {
        "$connect": "chat-connect",
        "$default": "chat-default",
        "$disconnect": "chat-disconnect",
        "sendmessage": "chat-sendmessage",
    }
    function = deployment.functions["chat-sendmessage"]
    assert function.code_root == MODULES / "src"
    assert function.environment == {
        "ENDPOINT": f"https://{api.api_id}.execute-api.eu-west-1.amazonaws.com/prod",
        "KEY": "sendmessage",
        "TABLE": "chat-connections",
        "TOPIC": "arn:aws:sns:eu-west-1:123456789012:chat-audit",
    }
