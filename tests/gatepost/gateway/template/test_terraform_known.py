"""What stands in AWS's place for ids, ARNs and endpoints."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.terraform_known import make_id
from gatepost.gateway.template.terraform_plan import read_plan
from gatepost.gateway.template.terraform_values import Evaluator

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.terraform_project import TerraformProject

SOCKET = make_id("aws_apigatewayv2_api.socket")
WEB = make_id("aws_apigatewayv2_api.web")
HOST = "execute-api.eu-west-1.amazonaws.com"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:hello"
INVOKE = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{}/invocations"


@pytest.mark.parametrize(
    ("address", "attribute", "expected"),
    [
        ("aws_apigatewayv2_api.socket", "id", SOCKET),
        ("aws_apigatewayv2_api.socket", "api_endpoint", f"wss://{SOCKET}.{HOST}"),
        ("aws_apigatewayv2_api.web", "api_endpoint", f"https://{WEB}.{HOST}"),
        (
            "aws_apigatewayv2_api.socket",
            "execution_arn",
            f"arn:aws:execute-api:eu-west-1:123456789012:{SOCKET}",
        ),
        ("aws_apigatewayv2_api.web", "arn", f"arn:aws:apigateway:eu-west-1::/apis/{WEB}"),
        ("aws_apigatewayv2_stage.live", "invoke_url", f"wss://{SOCKET}.{HOST}/live"),
        ("aws_apigatewayv2_stage.web", "invoke_url", f"https://{WEB}.{HOST}/"),
        ("aws_dynamodb_table.t", "arn", "arn:aws:dynamodb:eu-west-1:123456789012:table/t"),
        ("aws_dynamodb_table.t", "id", "t"),
        ("aws_lambda_function.hello", "arn", FUNCTION),
        ("aws_lambda_function.hello", "invoke_arn", INVOKE.format(FUNCTION)),
        ("aws_lambda_function.hello", "qualified_arn", f"{FUNCTION}:$LATEST"),
        ("aws_lambda_function.hello", "version", "$LATEST"),
        ("aws_lambda_alias.live", "arn", f"{FUNCTION}:live"),
        ("aws_lambda_alias.live", "invoke_arn", INVOKE.format(f"{FUNCTION}:live")),
    ],
)
def test_an_attribute_that_aws_would_make_is_known(
    plan: "TerraformProject", address: str, attribute: str, expected: str
) -> None:
    """With the API's own id in it, so that the emulator can lead it to itself."""
    plan.add("aws_apigatewayv2_api.web", name="web", protocol_type="HTTP")
    plan.add("aws_apigatewayv2_stage.web", name="$default", api_id="->aws_apigatewayv2_api.web.id")
    plan.add("aws_dynamodb_table.t", name="t")
    plan.add("aws_lambda_alias.live", name="live", function_name="hello")
    read = read_plan(plan.write())
    (resource,) = [one for one in read.root.walk() if one.address == address]
    assert Evaluator(read, "eu-west-1").attribute(resource, attribute) == expected


def test_an_id_is_the_same_for_the_same_address_alone() -> None:
    """10 characters of a-z and 0-9 (B-005)."""
    ids = {make_id(address) for address in ("a", "b", "a")}
    assert len(ids) == 2
    assert all(len(one) == 10 and one.isalnum() and one.islower() for one in ids)
