"""HTTP APIs of a plan."""

from typing import TYPE_CHECKING, Any

import pytest

from gatepost.gateway.core.deployment import Cors, HttpAuthorizer, HttpRoute
from gatepost.gateway.template.errors import TemplateError

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.terraform_project import TerraformProject

API = "->aws_apigatewayv2_api.web.id"
ROUTE = "aws_apigatewayv2_route.web"
INTEGRATION = "aws_apigatewayv2_integration.web"


@pytest.fixture
def web(plan: "TerraformProject") -> "TerraformProject":
    """Return a plan with an HTTP API beside the WebSocket API."""
    plan.add("aws_apigatewayv2_api.web", name="web", protocol_type="HTTP")
    plan.add(
        INTEGRATION,
        api_id=API,
        integration_type="AWS_PROXY",
        integration_uri="->aws_lambda_function.hello.invoke_arn",
        payload_format_version="2.0",
        timeout_milliseconds=5000,
    )
    plan.add(ROUTE, api_id=API, route_key="GET /items/{id}", target=f"->{INTEGRATION}.id")
    return plan


def test_a_route_is_read_with_payload_and_timeout(web: "TerraformProject") -> None:
    """At $default where the plan has no stage."""
    (api,) = web.read().http_apis
    assert (api.name, api.stage, api.kind, api.cors) == ("web", "$default", "http", None)
    assert api.routes == (HttpRoute("GET", "/items/{id}", "hello", "2.0", 5.0),)


def test_a_payload_without_version_is_the_old_one(web: "TerraformProject") -> None:
    """As the provider's default; $default is a route too."""
    web.add(INTEGRATION, payload_format_version=None, timeout_milliseconds=None)
    web.add(ROUTE, route_key="$default")
    (route,) = web.read().http_apis[0].routes
    assert route == HttpRoute("ANY", "$default", "hello", "1.0", 30.0)


def test_stages_and_cors_are_read(web: "TerraformProject") -> None:
    """The API is there once for each stage."""
    for name in ("a", "b"):
        web.add(
            f"aws_apigatewayv2_stage.{name}", api_id=API, name=name, stage_variables={"n": name}
        )
    web.add(
        "aws_apigatewayv2_api.web",
        cors_configuration=[
            {
                "allow_origins": ["*"],
                "allow_credentials": True,
                "max_age": 60,
                "allow_headers": None,
            }
        ],
    )
    apis = web.read().http_apis
    assert [(api.stage, api.stage_variables) for api in apis] == [
        ("a", {"n": "a"}),
        ("b", {"n": "b"}),
    ]
    assert apis[0].cors == Cors(("*",), allow_credentials=True, max_age_s=60)


def test_an_authorizer_is_read(web: "TerraformProject") -> None:
    """That its results are kept has no effect here, which a notice says."""
    add_authorizer(web)
    deployment = web.read()
    assert deployment.http_apis[0].routes[0].authorizer == HttpAuthorizer(
        name="a",
        function="auth",
        payload="2.0",
        simple=True,
        identity_sources=("$request.header.Authorization",),
    )
    assert deployment.notices == (
        "aws_apigatewayv2_authorizer.a: results are not kept; every request calls it",
    )


def add_authorizer(web: "TerraformProject") -> None:
    """Put an authorizer on the route."""
    web.add_function("auth")
    web.add(
        "aws_apigatewayv2_authorizer.a",
        api_id=API,
        name="a",
        authorizer_type="REQUEST",
        authorizer_uri="->aws_lambda_function.auth.invoke_arn",
        authorizer_payload_format_version="2.0",
        enable_simple_responses=True,
        authorizer_result_ttl_in_seconds=300,
        identity_sources=["$request.header.Authorization"],
    )
    web.add(ROUTE, authorization_type="CUSTOM", authorizer_id="->aws_apigatewayv2_authorizer.a.id")


@pytest.mark.parametrize(
    ("address", "values"),
    [
        (ROUTE, {"authorization_type": "JWT"}),
        (ROUTE, {"authorization_type": "AWS_IAM"}),
        ("aws_apigatewayv2_authorizer.a", {"authorizer_type": "JWT"}),
        ("aws_apigatewayv2_authorizer.a", {"authorizer_uri": None}),
    ],
)
def test_an_authorizer_that_cannot_run_is_refused(
    web: "TerraformProject", address: str, values: dict[str, Any]
) -> None:
    """JWT and IAM among them: nobody is let in unasked."""
    add_authorizer(web)
    web.unknown[address].pop("authorizer_uri", None)
    web.add(address, **values)
    with pytest.raises(TemplateError, match="rather than let everyone in, the plan is refused"):
        web.read()


def test_what_no_function_answers_is_left_out_with_a_notice(web: "TerraformProject") -> None:
    """A proxy to somewhere else, for one."""
    web.add(INTEGRATION, integration_type="HTTP_PROXY")
    deployment = web.read()
    assert deployment.http_apis[0].routes == ()
    assert deployment.notices == (
        f"{ROUTE}: GET /items/{{id}} is not served here: HTTP_PROXY is not emulated",
    )


def test_a_function_may_be_the_target_of_a_whole_api(plan: "TerraformProject") -> None:
    """The shortcut of the API resource itself."""
    plan.add(
        "aws_apigatewayv2_api.web",
        name="web",
        protocol_type="HTTP",
        target="->aws_lambda_function.hello.arn",
    )
    (api,) = plan.read().http_apis
    assert api.routes == (HttpRoute("ANY", "$default", "hello", "2.0", 30.0),)


def test_a_route_key_of_another_form_is_refused(web: "TerraformProject") -> None:
    """It would match nothing."""
    web.add(ROUTE, route_key="items")
    with pytest.raises(TemplateError, match=r"has route_key 'items'; write METHOD /path"):
        web.read()
