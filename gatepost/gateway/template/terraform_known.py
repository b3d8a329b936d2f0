"""What the local cloud gives where AWS would at apply: ids, ARNs, endpoints.

Source: the AWS provider's reference of each resource's attributes.
"""

import hashlib
import string
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.terraform_links import linked
from gatepost.gateway.template.terraform_plan import Unknown
from gatepost.gateway.template.variables import ACCOUNT_ID

if TYPE_CHECKING:
    from gatepost.gateway.template.terraform_plan import Resource
    from gatepost.gateway.template.terraform_values import Evaluator

_ID_CHARACTERS: Final = string.digits + string.ascii_lowercase
_ID_LENGTH: Final = 10
_NAMED_BY: Final = {
    "aws_apigatewayv2_domain_name": "domain_name",
    "aws_apigatewayv2_stage": "name",
    "aws_dynamodb_table": "name",
    "aws_lambda_function": "function_name",
}
"""Resources whose id is one of their own attributes."""
_OF_FUNCTION: Final = ("arn", "invoke_arn", "qualified_arn", "qualified_invoke_arn", "version")


def attribute(evaluator: "Evaluator", resource: "Resource", name: str) -> object:
    """Return an attribute that AWS would make, Unknown if it rests on such, None for any other."""
    if name == "id":
        return _id(evaluator, resource)
    match resource.type:
        case "aws_apigatewayv2_api":
            return _of_api(evaluator, resource, name)
        case "aws_apigatewayv2_stage" if name in {"invoke_url", "execution_arn"}:
            return _of_stage(evaluator, resource, name)
        case "aws_dynamodb_table" if name == "arn":
            table = evaluator.attribute(resource, "name")
            return _text("arn:aws:dynamodb:{}:{}:table/{}", evaluator.region, ACCOUNT_ID, table)
        case "aws_lambda_function" | "aws_lambda_alias" if name in _OF_FUNCTION:
            return _of_function(evaluator, resource, name)
        case _:
            return None


def data(evaluator: "Evaluator", kind: str, steps: list[object]) -> str | None:
    """Return what a data source about the account gives, even where it was not read."""
    match kind, steps:
        case "aws_region", ["name" | "id" | "region"]:
            return evaluator.region
        case "aws_caller_identity", ["account_id" | "id"]:
            return ACCOUNT_ID
        case "aws_partition", ["partition" | "id"]:
            return "aws"
        case _:
            return None


def make_id(address: str) -> str:
    """Return an id as API Gateway makes them, the same for the same address (B-005)."""
    digest = hashlib.sha256(address.encode()).digest()
    return "".join(_ID_CHARACTERS[byte % len(_ID_CHARACTERS)] for byte in digest[:_ID_LENGTH])


def _id(evaluator: "Evaluator", resource: "Resource") -> object:
    if (source := _NAMED_BY.get(resource.type)) is not None:
        return evaluator.attribute(resource, source)
    return make_id(resource.address) if resource.type.startswith("aws_apigatewayv2_") else None


def _text(pattern: str, *parts: object) -> object:
    return next((one for one in parts if isinstance(one, Unknown)), pattern.format(*parts))


def _of_api(evaluator: "Evaluator", api: "Resource", name: str) -> object:
    api_id, region = evaluator.attribute(api, "id"), evaluator.region
    match name:
        case "api_endpoint":
            scheme = "wss" if api.values.get("protocol_type") == "WEBSOCKET" else "https"
            return _text("{}://{}.execute-api.{}.amazonaws.com", scheme, api_id, region)
        case "execution_arn":
            return _text("arn:aws:execute-api:{}:{}:{}", region, ACCOUNT_ID, api_id)
        case "arn":
            return _text("arn:aws:apigateway:{}::/apis/{}", region, api_id)
        case _:
            return None


def _of_stage(evaluator: "Evaluator", stage: "Resource", name: str) -> object:
    api = linked(evaluator, stage, "api_id", "aws_apigatewayv2_api")
    if api is None:
        return None
    stage_name = evaluator.attribute(stage, "name")
    whole = evaluator.attribute(api, "api_endpoint" if name == "invoke_url" else "execution_arn")
    return _text("{}/{}", whole, "" if stage_name == "$default" else stage_name)


def _of_function(evaluator: "Evaluator", resource: "Resource", name: str) -> object:
    function = evaluator.attribute(resource, "function_name")
    alias = evaluator.attribute(resource, "name") if resource.type == "aws_lambda_alias" else None
    plain = _text("arn:aws:lambda:{}:{}:function:{}", evaluator.region, ACCOUNT_ID, function)
    if isinstance(function, str) and function.startswith("arn:"):  # an alias may name it so
        plain = function
    arn = plain if alias is None else _text("{}:{}", plain, alias)
    invoke = "arn:aws:apigateway:{}:lambda:path/2015-03-31/functions/{}/invocations"
    match name:
        case "arn":
            return arn
        case "qualified_arn":
            return _text("{}:$LATEST", plain)
        case "invoke_arn":
            return _text(invoke, evaluator.region, arn)
        case "qualified_invoke_arn":
            return _text(invoke, evaluator.region, _text("{}:$LATEST", plain))
        case _:
            return "$LATEST"
