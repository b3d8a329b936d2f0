"""WebSocket APIs of a plan."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from gatepost.gateway.core.deployment import (
    ApiKey,
    Authorizer,
    DomainMapping,
    HttpProxy,
    Integration,
    LambdaMapped,
    Mock,
    NotEmulated,
    Throttle,
)
from gatepost.gateway.template.errors import TemplateError

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.terraform_project import TerraformProject

SQS = "arn:aws:apigateway:us-east-1:sqs:path/1/jobs"
API = "->aws_apigatewayv2_api.socket.id"
ROUTE = "aws_apigatewayv2_route.connect"
AUTHORIZER = "aws_apigatewayv2_authorizer.token"


def add_route(plan: "TerraformProject", key: str, **integration: object) -> None:
    """Add a route and its integration."""
    plan.add(f"aws_apigatewayv2_integration.{key}", api_id=API, **integration)  # type: ignore[arg-type] # attributes
    target = f"->aws_apigatewayv2_integration.{key}.id"
    plan.add(f"aws_apigatewayv2_route.{key}", api_id=API, route_key=key, target=target)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"integration_type": "HTTP_PROXY", "integration_uri": "https://x", "integration_method":
             "PUT"},
            HttpProxy("PUT", "https://x"),
        ),
        ({"integration_type": "MOCK"}, Mock()),
        (
            {
                "integration_type": "MOCK",
                "template_selection_expression": "b",
                "request_templates": {"a": "1", "b": '{"statusCode": 201}'},
            },
            Mock('{"statusCode": 201}'),
        ),
    ],
)  # fmt: skip
def test_every_kind_of_integration_is_read(
    plan: "TerraformProject", values: dict[str, Any], expected: Integration
) -> None:
    """Beside AWS_PROXY."""
    add_route(plan, "x", timeout_milliseconds=500, **values)
    route = plan.read().apis[0].routes["x"]
    assert (route.integration, route.integration_timeout_s) == (expected, 0.5)


def test_an_integration_of_type_aws_maps_or_fails(plan: "TerraformProject") -> None:
    """B-186: a function has its templates; of another service a notice tells."""
    arn = "arn:aws:lambda:us-east-1:123456789012:function:hello"
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    mapped = {
        "integration_uri": uri,
        "request_templates": {"$default": "$input.body"},
        "passthrough_behavior": "NEVER",
    }
    add_route(plan, "x", integration_type="AWS", **mapped)
    add_route(plan, "y", integration_type="AWS", integration_uri=SQS)
    deployment = plan.read()
    routes = deployment.apis[0].routes
    assert routes["x"].integration == LambdaMapped(
        "hello", {"$default": "$input.body"}, passthrough="NEVER"
    )
    assert routes["y"].integration == NotEmulated("sqs")
    (notice,) = deployment.notices
    assert notice.startswith("aws_apigatewayv2_api.socket has route y lead to sqs, which is not")


def test_a_mock_answers_by_its_integration_responses(plan: "TerraformProject") -> None:
    """By status code or pattern; the slashes around a status are the provider's."""
    add_route(plan, "x", integration_type="MOCK")
    for name, key in (("ok", "/200/"), ("yours", "/4\\d\\d/"), ("other", "$default")):
        plan.add(
            f"aws_apigatewayv2_integration_response.{name}",
            api_id=API,
            integration_id="->aws_apigatewayv2_integration.x.id",
            integration_response_key=key,
            response_templates={"t": name},
        )
    integration = plan.read().apis[0].routes["x"].integration
    assert isinstance(integration, Mock)
    assert integration.response_templates == {
        "200": "ok",
        "/4\\d\\d/": "yours",
        "$default": "other",
    }


def test_a_route_response_makes_a_route_two_way(plan: "TerraformProject") -> None:
    """The route's response, not its selection expression alone."""
    plan.add(ROUTE, route_response_selection_expression="$default")
    assert not plan.read().apis[0].routes["$connect"].two_way
    plan.add(
        "aws_apigatewayv2_route_response.connect",
        api_id=API,
        route_id=f"->{ROUTE}.id",
        route_response_key="$default",
    )
    assert plan.read().apis[0].routes["$connect"].two_way


def test_an_authorizer_is_read_with_its_function_and_sources(plan: "TerraformProject") -> None:
    """The function behind it runs without a route."""
    add_authorizer(plan)
    deployment = plan.read()
    assert deployment.apis[0].routes["$connect"].authorization == Authorizer(
        "token", "auth", ("route.request.querystring.t",)
    )
    assert "auth" in deployment.functions


def add_authorizer(plan: "TerraformProject") -> None:
    """Put an authorizer on $connect."""
    plan.add_function("auth")
    plan.add(
        AUTHORIZER,
        api_id=API,
        name="token",
        authorizer_type="REQUEST",
        authorizer_uri="->aws_lambda_function.auth.invoke_arn",
        identity_sources=["route.request.querystring.t"],
    )
    plan.add(ROUTE, authorization_type="CUSTOM", authorizer_id=f"->{AUTHORIZER}.id")


def test_signatures_are_asked_for_where_the_plan_says_so(plan: "TerraformProject") -> None:
    """Headers or query are the gateway's affair."""
    plan.add(ROUTE, authorization_type="AWS_IAM")
    assert plan.read().apis[0].routes["$connect"].authorization == "AWS_IAM"


@pytest.mark.parametrize(
    ("address", "values", "sentence"),
    [
        (ROUTE, {"authorization_type": "JWT"}, "has authorization_type JWT, which can't be run"),
        (AUTHORIZER, {"authorizer_type": "JWT"}, "is no REQUEST authorizer with a function"),
        (AUTHORIZER, {"authorizer_uri": None}, "is no REQUEST authorizer with a function"),
        (AUTHORIZER, {"authorizer_uri": "arn:aws:lambda:r:1:function:else"}, "not in the plan"),
        (AUTHORIZER, {"identity_sources": "->local.x"}, "has identity_sources from"),
        ("aws_lambda_function.auth", {"package_type": "Image"}, "can't be run here"),
        (ROUTE, {"route_key": "x"}, "AWS has authorizers on no other route than $connect"),
    ],
)
def test_an_authorizer_that_cannot_run_is_refused_rather_than_letting_everyone_in(
    plan: "TerraformProject", address: str, values: dict[str, Any], sentence: str
) -> None:
    """With the address at fault."""
    add_authorizer(plan)
    for name, value in values.items():
        if not str(value).startswith("->"):
            plan.unknown[address].pop(name, None)
        else:
            plan.resources[address].pop(name)
    plan.add(address, **values)
    with pytest.raises(TemplateError) as caught:
        plan.read()
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "throttle", "warned"),
    [
        ([], None, False),
        ([{"throttling_rate_limit": 10, "throttling_burst_limit": 5}], Throttle(10.0, 5), False),
        (
            [{"logging_level": "INFO", "throttling_rate_limit": None,
              "throttling_burst_limit": None}],
            Throttle(0.0, 0),
            True,
        ),
        ([{"throttling_rate_limit": 10, "throttling_burst_limit": 0}], Throttle(10.0, 0), True),
    ],
)  # fmt: skip
def test_route_settings_without_limits_throttle_everything_and_say_so(
    plan: "TerraformProject",
    settings: list[dict[str, object]],
    throttle: Throttle | None,
    warned: bool,  # noqa: FBT001
) -> None:
    """B-315: a trap of the provider, which the emulator springs before a deployment does."""
    plan.add("aws_apigatewayv2_stage.live", default_route_settings=settings)
    deployment = plan.read()
    assert deployment.apis[0].throttle == throttle
    assert [notice.startswith("WARNING: aws_apigatewayv2_stage.live throttles every route")
            for notice in deployment.notices] == [True] * warned  # fmt: skip


def test_settings_of_a_route_and_stage_variables_are_the_stage_s(plan: "TerraformProject") -> None:
    """Keyed by route key."""
    limits = {"throttling_rate_limit": 1, "throttling_burst_limit": 2}
    plan.add(
        "aws_apigatewayv2_stage.live",
        stage_variables={"flavour": "mild", "none": None},
        route_settings=[{"route_key": "$connect", **limits}],
    )
    api = plan.read().apis[0]
    assert api.stage_variables == {"flavour": "mild"}
    assert api.routes["$connect"].throttle == Throttle(1.0, 2)


def test_models_are_read_by_the_key_that_selects_them(plan: "TerraformProject") -> None:
    """The schema itself stands in the model resource."""
    schema = {"type": "object"}
    plan.add("aws_apigatewayv2_model.m", api_id=API, name="greeting", schema=json.dumps(schema))
    plan.add(ROUTE, model_selection_expression="$request.body.action",
             request_models={"hi": "greeting"})  # fmt: skip
    route = plan.read().apis[0].routes["$connect"]
    assert route.models == {"hi": schema}
    assert route.model_selection_expression == "$request.body.action"
    plan.add(ROUTE, request_models={"hi": "none"})
    with pytest.raises(TemplateError, match="has 'none' in request_models"):
        plan.read()


def test_api_keys_have_the_throttle_of_their_usage_plan(plan: "TerraformProject") -> None:
    """Keys are read only where a route asks for one."""
    plan.add("aws_api_gateway_api_key.k", name="partner", value="secret-value")
    plan.add(
        "aws_api_gateway_usage_plan.p",
        name="p",
        throttle_settings=[{"rate_limit": 5, "burst_limit": 2}],
    )
    plan.add(
        "aws_api_gateway_usage_plan_key.pk",
        key_id="->aws_api_gateway_api_key.k.id",
        usage_plan_id="->aws_api_gateway_usage_plan.p.id",
    )
    assert plan.read().apis[0].api_keys == ()
    plan.add(ROUTE, api_key_required=True)
    api = plan.read().apis[0]
    assert api.api_keys == (ApiKey("partner", "secret-value", Throttle(5.0, 2)),)
    assert api.routes["$connect"].api_key_required
    del plan.resources["aws_api_gateway_api_key.k"]["value"]
    plan.add("aws_api_gateway_api_key.k", unknown={"value": True})
    with pytest.raises(TemplateError, match=r"has value from aws_api_gateway_api_key\.k\.value"):
        plan.read()


def test_a_domain_leads_to_a_stage(plan: "TerraformProject") -> None:
    """With a mapping key."""
    plan.add("aws_apigatewayv2_domain_name.d", domain_name="ws.example.com")
    plan.add(
        "aws_apigatewayv2_api_mapping.m",
        api_id=API,
        domain_name="->aws_apigatewayv2_domain_name.d.id",
        stage="live",
        api_mapping_key="chat",
    )
    deployment = plan.read()
    assert deployment.domains == (
        DomainMapping("ws.example.com", deployment.apis[0].api_id, "live", "chat"),
    )


@pytest.mark.parametrize(("given", "enabled"), [(None, True), (False, True), (True, False)])
def test_a_default_endpoint_may_be_disabled(
    plan: "TerraformProject", *, given: bool | None, enabled: bool
) -> None:
    """B-327."""
    plan.add("aws_apigatewayv2_api.socket", disable_execute_api_endpoint=given)
    assert plan.read().apis[0].default_endpoint is enabled


@pytest.mark.parametrize(
    ("address", "values", "sentence"),
    [
        ("aws_apigatewayv2_integration.hello", {"integration_type": "HTTP"},
         "has integration_type HTTP; AWS_PROXY, AWS, MOCK and HTTP_PROXY are emulated"),
        ("aws_apigatewayv2_integration.hello", {"integration_type": "AWS", "integration_uri": SQS},
         "leads to sqs, which is not emulated: nobody could connect"),
        ("aws_apigatewayv2_integration.hello", {"integration_type": "AWS",
         "passthrough_behavior": "OFTEN", "integration_uri":
         "arn:aws:lambda:us-east-1:123456789012:function:hello"},
         "has passthrough_behavior that is OFTEN; it must be one of"),
        ("aws_apigatewayv2_integration.hello", {"integration_type": "HTTP_PROXY",
         "integration_uri": None}, "needs integration_uri"),
        ("aws_apigatewayv2_integration.hello", {"integration_uri": None}, "needs integration_uri"),
        ("aws_apigatewayv2_api.socket", {"route_selection_expression": "$request.header.x"},
         "can't read"),
        ("aws_apigatewayv2_stage.live", {"name": None}, "needs name"),
        ("aws_apigatewayv2_model.m", {"schema": "{"}, "has a schema that is no JSON"),
    ],
)  # fmt: skip
def test_what_is_not_emulated_or_lacks_something_is_refused_by_address(
    plan: "TerraformProject", address: str, values: dict[str, Any], sentence: str
) -> None:
    """One sentence each."""
    plan.add("aws_apigatewayv2_model.m", api_id=API, name="m", schema="{}")
    plan.add(ROUTE, request_models={"m": "m"})
    plan.unknown[address].pop("integration_uri", None)
    plan.add(address, **values)
    with pytest.raises(TemplateError) as caught:
        plan.read()
    assert f"{address} {sentence}" in str(caught.value) or sentence in str(caught.value)


def test_an_api_without_stage_and_a_route_that_is_there_twice_are_refused(
    plan: "TerraformProject",
) -> None:
    """Nothing of the first could be reached; of the others nobody knows which counts."""
    plan.add("aws_apigatewayv2_route.again", api_id=API, route_key="$connect")
    plan.unknown["aws_apigatewayv2_route.again"]["other"] = True
    with pytest.raises(TemplateError, match=r"makes route \$connect, which another makes"):
        plan.read()
    del plan.resources["aws_apigatewayv2_route.again"]
    del plan.resources["aws_apigatewayv2_stage.live"]
    with pytest.raises(TemplateError, match="has no stage"):
        plan.read()
