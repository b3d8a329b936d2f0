"""Whole templates: the project's own, and ones like those that others write."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from gatepost.gateway.core.deployment import (
    Authorizer,
    Deployment,
    Function,
    LambdaProxy,
    Route,
    Table,
    Throttle,
    WebSocketApi,
)
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.identities import make_api_id
from gatepost.gateway.template.serverless import read_serverless

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import Read, Refusal

ROOT = Path(__file__).resolve().parents[4]
PROJECTS = ROOT / "tests" / "fixtures" / "template"
FUNCTIONS = "functions:\n  a: {handler: a.b, events: [{websocket: $connect}]}\n"

TABLE: dict[str, object] = {
    "TableName": "gatepost-test-Table",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
}


def function(name: str, timeout_s: int, **environment: str) -> Function:
    """Return one of the project's own functions."""
    return Function(
        name=f"gatepost-test-{name}",
        handler=f"functions/{name}.handler",
        runtime="python3.13",
        code_root=ROOT,
        environment={
            "METRICS_APPLICATION": "gatepost-test",
            "TABLE_NAME": "gatepost-test-Table",
            **environment,
        },
        timeout_s=timeout_s,
        memory_mb=1024,
    )


DEALS = {
    "FANOUT_FUNCTION": "gatepost-test-fanout",
    "FANOUT_QUOTA": "10000",
    "FANOUT_SHARE": "0.8",
    "FANOUT_WORKERS": "5",
}


def worker(**environment: str) -> Function:
    """Return the project's worker of large broadcasts, which is invoked asynchronously."""
    return structs.replace(
        function("fanout", 29, **environment, **DEALS),
        memory_mb=1769,
        retry_attempts=0,
        event_age_s_max=60,
        dead_letters=True,
    )


def routes() -> dict[str, Route]:
    """Return the project's own routes."""
    asked = Authorizer("authorizer", "gatepost-test-authorizer", ())
    found = (
        Route(
            "$connect",
            LambdaProxy("gatepost-test-connect"),
            authorization=asked,
            throttle=Throttle(400, 400),
        ),
        Route("$disconnect", LambdaProxy("gatepost-test-disconnect")),
        Route("$default", LambdaProxy("gatepost-test-message"), two_way=True),
        Route("signal", LambdaProxy("gatepost-test-message")),
        Route("refresh", LambdaProxy("gatepost-test-refresh"), two_way=True),
    )
    return {route.key: route for route in found}


def test_the_project_s_own_template_reads_as_it_is_deployed() -> None:
    """Functions, an authorizer, routes of which two are two-way, one table with TTL."""
    read = read_serverless(ROOT / "serverless.yml", stage="test", environ={})
    api_id = make_api_id("gatepost", "test", "gatepost-test")
    endpoint = f"https://{api_id}.execute-api.us-east-1.amazonaws.com/test"
    reaches = {"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": endpoint}
    verifies = dict.fromkeys(
        ("JWT_SECRET", "JWT_JWKS_URL", "JWT_AUDIENCE", "JWT_ISSUER", "ORIGINS"), ""
    )
    functions = (
        function("api", 29, API_KEYS="", **verifies, **reaches, **DEALS),
        function("authorizer", 10, **verifies),
        function("connect", 10),
        function("disconnect", 29, **reaches),
        worker(**reaches),
        function("message", 29, **reaches, **DEALS),
        function("refresh", 29, **verifies, **reaches),
    )
    # A notice tells who has run `make package` here that the sources are run.
    assert structs.replace(read, http_apis=(), notices=()) == Deployment(
        service="gatepost",
        stage="test",
        region="us-east-1",
        account_id="123456789012",
        root=ROOT,
        apis=(
            WebSocketApi(api_id, "gatepost-test", "test", routes(), throttle=Throttle(2000, 1000)),
        ),
        functions={function.name: function for function in functions},
        tables=(Table("gatepost-test-Table", TABLE, "expires_at"),),
        settings={"pages": "web", "index": "demo/chat.html"},
    )


def test_the_project_s_own_http_api_has_its_routes() -> None:
    """One function serves publishing from servers, its description and a page of it."""
    [api] = read_serverless(ROOT / "serverless.yml", stage="test", environ={}).http_apis
    assert (api.kind, api.stage) == ("http", "$default")
    assert [(route.method, route.path) for route in api.routes] == [
        ("ANY", "/v1/{proxy+}"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    ]
    assert {route.function for route in api.routes} == {"gatepost-test-api"}


@pytest.mark.parametrize("project", sorted(path.name for path in PROJECTS.iterdir()))
def test_projects_as_others_write_them_read_without_change(project: str) -> None:
    """Plugins, permissions, remote variables and other resources are in nobody's way."""
    template = next((PROJECTS / project).glob("serverless.*"))
    deployment = read_serverless(template, stage=None, environ={})
    assert "$connect" in deployment.apis[0].routes
    for one in deployment.functions.values():
        assert one.runtime.startswith("python")
        assert "${" not in "".join(one.environment.values())
    assert deployment.tables


def test_an_api_id_is_the_same_for_the_same_api_alone() -> None:
    """10 characters of a-z and 0-9 (B-005)."""
    ids = {make_api_id("shop", stage, f"{stage}-shop") for stage in ("dev", "test", "dev")}
    assert len(ids) == 2
    assert all(len(api_id) == 10 and api_id.isalnum() and api_id.islower() for api_id in ids)


def test_names_and_defaults_are_the_framework_s(read: "Read") -> None:
    """API name, stage, region and selection expression of a template that gives none."""
    deployment = read(f"service: {{name: shop}}\nprovider: aws\n{FUNCTIONS}")
    api = deployment.apis[0]
    assert (deployment.service, deployment.stage, deployment.region) == ("shop", "dev", "us-east-1")
    assert (api.name, api.stage) == ("dev-shop-websockets", "dev")
    assert api.route_selection_expression == "$request.body.action"


def test_the_stage_that_is_asked_for_wins(read: "Read") -> None:
    """Before provider.stage, everywhere."""
    template = f"service: shop\nprovider: {{name: aws, stage: test}}\n{FUNCTIONS}"
    assert read(template).stage == "test"
    prod = read(template, stage="prod")
    assert (prod.stage, prod.apis[0].stage, set(prod.functions)) == (
        "prod",
        "prod",
        {"shop-prod-a"},
    )


def test_dotenv_is_read_when_the_template_says_so(read: "Read") -> None:
    """The real environment goes before the file; without `useDotenv` the file is nothing."""
    provider = "{name: aws, runtime: '${env:R, self:service}'}"
    template = f"service: shop\nprovider: {provider}\n{FUNCTIONS}"
    files = {".env": "R=python3.13"}

    def runtime(text: str, environ: dict[str, str]) -> str:
        return read(text, files=files, environ=environ).functions["shop-dev-a"].runtime

    assert runtime(template, {}) == "shop"
    assert runtime(f"useDotenv: true\n{template}", {}) == "python3.13"
    assert runtime(f"useDotenv: true\n{template}", {"R": "python3.12"}) == "python3.12"


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("", "serverless.yml: is no serverless template: it is empty"),
        ("- a", "serverless.yml: is no serverless template: it must be a mapping"),
        ("a: 1", "serverless.yml:1: the template needs provider"),
        ("provider: aws", "serverless.yml:1: the template needs service"),
        ("service: x\nprovider: aws", "serverless.yml:1: the template needs functions"),
        (
            "service: x\nprovider: {name: google}",
            "serverless.yml:2: provider.name is 'google'; only aws is emulated",
        ),
        (
            "service: x\nprovider: aws\nfunctions:\n  a: {handler: a.b}",
            (
                "serverless.yml:4: functions have no websocket event, and resources no WebSocket "
                "API, so there is none: HTTP APIs are only served beside a WebSocket API, "
                "which this emulator is for"
            ),
        ),
        (
            "service: ${opt:name}\nprovider: aws\n" + FUNCTIONS,
            (
                "serverless.yml:1: ${opt:name} has no value: option --name is not given; "
                "a file given by --values can set it, as name of options"
            ),
        ),
        (
            "service: x\n"
            "provider: {name: aws, websocketsApiRouteSelectionExpression: $request.header.a}\n"
            + FUNCTIONS,
            ("serverless.yml:2: route selection expression '$request.header.a': can't read "
            "'$request.header.a'; use $request.body.NAME, ${request.body.NAME} or text"),
        ),
        (
            f"service: x\nprovider: aws\n{FUNCTIONS}custom:\n  gatepost:\n    page: web\n",
            ("serverless.yml:7: custom.gatepost has no setting 'page'; "
            "known are index, pages, retry_minute_s"),
        ),
    ],
)  # fmt: skip
def test_a_template_without_what_is_needed_is_refused(
    refusal: "Refusal", template: str, sentence: str
) -> None:
    """One sentence, with file and line."""
    assert refusal(template) == sentence


def test_a_number_among_gateposts_own_settings_is_a_text(read: "Read") -> None:
    """Who uses the setting makes a number of it."""
    custom = "custom: {gatepost: {retry_minute_s: 0.5}}\n"
    assert read(f"service: x\nprovider: aws\n{FUNCTIONS}{custom}").settings == {
        "retry_minute_s": "0.5"
    }


def test_a_template_that_is_missing_or_a_program_is_refused(tmp_path: Path) -> None:
    """Only YAML and JSON are read; code is not run."""
    for name, sentence in (
        ("serverless.yml", "no such file"),
        ("serverless.ts", "is not read: only YAML and JSON templates are"),
    ):
        with pytest.raises(TemplateError) as caught:
            read_serverless(tmp_path / name, stage=None, environ={})
        assert str(caught.value) == f"{tmp_path / name}: {sentence}"


def test_settings_of_others_may_hold_what_cannot_be_resolved(read: "Read") -> None:
    """Only what is used has to resolve."""
    template = f"""
service: shop
plugins: ['${{file(plugins.js)}}']
custom:
  secret: ${{ssm:/secret}}
  stack: ${{cf:other.Output}}
provider:
  name: aws
  iamRoleStatements: ${{file(missing.yml)}}
  vpc: ${{unknownPlugin:x}}
{FUNCTIONS}
"""
    assert set(read(template).functions) == {"shop-dev-a"}


KEYS = st.sampled_from([
    *("service", "provider", "name", "functions", "events", "websocket", "route", "handler"),
    *("environment", "runtime", "timeout", "resources", "Resources", "Type", "Properties"),
    *("Ref", "Fn::Sub", "Fn::Join", "custom", "gatepost", "params", "httpApi", "http", "path"),
    *("authorizer", "authorizers", "identitySource", "type", "arn", "cors", "method", "payload"),
])  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(
    [*("aws", "$connect", "a.b", "*", "GET /", "request", "auth", "/x", "get"),
     "${self:custom}", "${self:}", "x${self:service}", "AWS::NoValue"]
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=50)
@given(functions=TREES, provider=TREES, rest=st.dictionaries(KEYS, TREES, max_size=4))
def test_any_tree_is_read_or_refused(functions: object, provider: object, rest: object) -> None:
    """No other exception, whatever stands where."""
    assert isinstance(rest, dict)
    tree = {"service": "x", "provider": provider, "functions": functions} | rest
    check_read_or_refused(tree)


@settings(max_examples=100)
@given(
    kind=st.sampled_from(["websocket", "httpApi", "http"]),
    event=st.dictionaries(KEYS, TREES, max_size=5) | TREES,
    settings_of_http_api=TREES,
)
def test_any_event_is_read_or_refused(
    kind: str, event: object, settings_of_http_api: object
) -> None:
    """In a template that is whole otherwise."""
    web = {"handler": "a.b", "events": [{"websocket": "$connect"}, {kind: event}]}
    check_read_or_refused(
        {
            "service": "x",
            "provider": {"name": "aws", "httpApi": settings_of_http_api},
            "functions": {"auth": {"handler": "a.b"}, "web": web},
        }
    )


def check_read_or_refused(tree: dict[str, object]) -> None:
    """Read the tree as a template; fail on any other exception than a refusal."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "serverless.json"
        path.write_text(json.dumps(tree), encoding="utf-8")
        try:
            assert read_serverless(path, stage=None, environ={}).apis[0].routes
        except TemplateError as error:
            assert error.message  # noqa: PT017 - refusal is one of two right ends
