"""Which resource an attribute refers to."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import LambdaProxy
from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.values import Values

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.terraform_project import TerraformProject

ROUTE = "aws_apigatewayv2_route.connect"
INTEGRATION = "aws_apigatewayv2_integration"


def function_behind_connect(plan: "TerraformProject", values: "Values | None" = None) -> str | None:
    """Return the function that $connect leads to; there are two integrations and functions."""
    plan.add_function("other")
    plan.add(
        f"{INTEGRATION}.other",
        api_id="->aws_apigatewayv2_api.socket.id",
        integration_type="AWS_PROXY",
        integration_uri="->aws_lambda_function.other.invoke_arn",
    )
    routes = plan.read(values=values or Values()).apis[0].routes
    integration = routes["$connect"].integration
    return integration.function if isinstance(integration, LambdaProxy) else None


def test_without_sources_it_is_what_the_plan_says_that_is_referred_to(
    plan: "TerraformProject",
) -> None:
    """The longest form of each reference counts."""
    assert function_behind_connect(plan) == "hello"
    plan.add(ROUTE, target=f"->{INTEGRATION}.other.id {INTEGRATION}.other")
    assert function_behind_connect(plan) == "other"


def add_function_of_each(plan: "TerraformProject", key: str) -> None:
    """Add the instance of a function that a key of `for_each` makes."""
    plan.add(
        f'aws_lambda_function.each["{key}"]',
        function_name=key,
        handler="app.main",
        runtime="python3.13",
    )


def test_instances_are_told_apart_by_index(plan: "TerraformProject") -> None:
    """An index that stands there, else that of the instance which refers."""
    for key in ("a", "b"):
        add_function_of_each(plan, key)
        plan.add(
            f'{INTEGRATION}.each["{key}"]',
            api_id="->aws_apigatewayv2_api.socket.id",
            integration_type="AWS_PROXY",
            integration_uri="->aws_lambda_function.each each.key",
        )
    each = f"{INTEGRATION}.each"
    plan.add(ROUTE, target=f'->{each}["b"].id {each}["b"] {each}')
    plan.add(
        'aws_apigatewayv2_route.each["a"]',
        api_id="->aws_apigatewayv2_api.socket.id",
        route_key="a",
        target=f"->{INTEGRATION}.each each.key",
    )
    routes = plan.read().apis[0].routes
    assert {key: route.function for key, route in routes.items()} == {"$connect": "b", "a": "a"}


@pytest.mark.parametrize(
    ("uri", "function"),
    [
        ("arn:aws:lambda:us-east-1:1:function:other:live", "other"),
        (
            ("arn:aws:apigateway:r:lambda:path/2015-03-31/functions/"
            "arn:aws:lambda:r:1:function:other/invocations"),
            "other",
        ),
        ("->aws_lambda_alias.live.invoke_arn", "other"),
    ],
)  # fmt: skip
def test_a_function_is_known_by_its_arn_or_its_alias(
    plan: "TerraformProject", uri: str, function: str
) -> None:
    """As a plan that is applied in part says it."""
    plan.add("aws_lambda_alias.live", name="live", function_name="other")
    plan.add(f"{INTEGRATION}.hello", integration_uri=uri)
    if not uri.startswith("->"):
        del plan.references[f"{INTEGRATION}.hello"]["integration_uri"]
        del plan.unknown[f"{INTEGRATION}.hello"]["integration_uri"]
    assert function_behind_connect(plan) == function


def test_a_target_is_known_by_its_id_once_it_is_applied(plan: "TerraformProject") -> None:
    """Then the plan has ids."""
    plan.add(f"{INTEGRATION}.other", id="abc123")
    plan.unknown[f"{INTEGRATION}.other"].pop("id")
    plan.add(ROUTE, target="integrations/abc123")
    plan.unknown[ROUTE].pop("target")
    assert function_behind_connect(plan) == "other"


def test_what_cannot_be_told_apart_is_asked_for_by_address(plan: "TerraformProject") -> None:
    """And given by address in the values file."""
    plan.add(ROUTE, target="->local.target")
    with pytest.raises(TemplateError) as caught:
        function_behind_connect(plan)
    assert (
        f"{ROUTE} has target that is unknown until apply and may be "
        f"{INTEGRATION}.hello or {INTEGRATION}.other. "
        "Keep the plan in the folder of its .tf files; or a file given by --values can name it: "
        f"resources, {ROUTE}, target"
    ) in str(caught.value)
    values = Values(resources={ROUTE: {"target": f"{INTEGRATION}.other"}})
    assert function_behind_connect(plan, values) == "other"


def add_second_api(plan: "TerraformProject") -> None:
    """Add another WebSocket API whose route leads to a function of its own."""
    api = "->aws_apigatewayv2_api.second.id"
    plan.add("aws_apigatewayv2_api.second", name="second", protocol_type="WEBSOCKET")
    plan.add("aws_apigatewayv2_stage.second", name="second", api_id=api)
    plan.add_function("second")
    plan.add(
        f"{INTEGRATION}.second",
        api_id=api,
        integration_type="AWS_PROXY",
        integration_uri="->aws_lambda_function.second.invoke_arn",
    )
    plan.add(
        "aws_apigatewayv2_route.second", api_id=api, route_key="$connect", target="->local.second"
    )


def test_a_target_that_says_nothing_is_one_of_the_same_api(plan: "TerraformProject") -> None:
    """An integration of another API it can't be."""
    add_second_api(plan)
    plan.add(ROUTE, target="->local.target")
    first, second = plan.read().apis
    assert (first.routes["$connect"].function, second.routes["$connect"].function) == (
        "hello",
        "second",
    )


def test_each_value_is_the_instance_of_the_same_key(plan: "TerraformProject") -> None:
    """What `for_each` refers to is in the plan, what `each.value` is only so."""
    for key in ("a", "b"):
        add_function_of_each(plan, key)
        plan.add(
            f'{INTEGRATION}.each["{key}"]',
            api_id="->aws_apigatewayv2_api.socket.id",
            integration_type="AWS_PROXY",
            integration_uri="->each.value.invoke_arn each.value",
            for_each_expression="->aws_lambda_function.each",
        )
        plan.add(
            f'aws_apigatewayv2_route.each["{key}"]',
            api_id="->aws_apigatewayv2_api.socket.id",
            route_key=key,
            target="->each.value.id each.value",
            for_each_expression=f"->{INTEGRATION}.each",
        )
    routes = plan.read().apis[0].routes
    assert [routes[key].function for key in ("a", "b")] == ["a", "b"]


def test_sources_that_are_there_are_not_asked_for(plan: "TerraformProject") -> None:
    """Then the values file alone helps, and the message says what was not carried out."""
    plan.add(ROUTE, target="->local.target")
    plan.add(f"{INTEGRATION}.other", api_id="->aws_apigatewayv2_api.socket.id")
    source = """
resource "aws_apigatewayv2_route" "connect" {
  target = templatefile("target.tftpl", {})
}
"""
    with pytest.raises(TemplateError) as caught:
        plan.read(source)
    assert f"{ROUTE} has target from templatefile() that is unknown until apply" in str(
        caught.value
    )
    assert ".tf files" not in str(caught.value)


def test_a_target_outside_of_the_plan_is_refused(plan: "TerraformProject") -> None:
    """It can't be run here."""
    plan.add(f"{INTEGRATION}.hello", integration_uri="arn:aws:lambda:us-east-1:1:function:else")
    plan.unknown[f"{INTEGRATION}.hello"].pop("integration_uri")
    with pytest.raises(TemplateError, match="function:else', which is not in the plan"):
        plan.read()
