"""What the roles of a packaged template allow their functions, with resources as full names.

It reads what these policies are made of and nothing else: another effect, a condition or another
intrinsic function is an error, as a reading that passes over it would be wrong.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from tests.rights import ARN, WEBSOCKET_API, Right

Template = Mapping[str, Any]

_PSEUDO: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
    "WebsocketsApi": WEBSOCKET_API,
}
_STATEMENT_KEYS: Final = {"Sid", "Effect", "Action", "Resource"}
_KINDS: Final = {
    "AWS::SQS::Queue": ("sqs", "QueueName", ""),
    "AWS::Events::EventBus": ("events", "Name", "event-bus/"),
    "AWS::Logs::LogGroup": ("logs", "LogGroupName", "log-group:"),
}


@dataclass(frozen=True, slots=True)
class Role:
    """What a function's role allows, and what of it is for Lambda, which acts as the function."""

    allowed: frozenset[Right]
    for_lambda: frozenset[Right]


def allows(allowed: Iterable[Right], asked: Right) -> bool:
    """Whether any of these rights covers what is asked for."""
    return any(
        fnmatchcase(asked.action, right.action) and fnmatchcase(asked.resource, right.resource)
        for right in allowed
    )


def too_few(role: Role, asked: Iterable[Right]) -> set[Right]:
    """Give what AWS would refuse."""
    return {right for right in asked if not allows(role.allowed, right)}


def too_many(role: Role, asked: Iterable[Right]) -> set[Right]:
    """Give what nothing asks for, neither the function's code nor Lambda in its name.

    A wildcard counts as too many but for the ids of connections: no recording shows how wide it is.
    """
    asked = set(asked)
    return {
        right
        for right in role.allowed - role.for_lambda
        if _is_wide(right) or not any(allows([right], each) for each in asked)
    }


def _is_wide(right: Right) -> bool:
    plain = right.resource.removesuffix("/@connections/*")
    return bool(set("*?") & set(right.action + plain))


def roles(template: Template, *, stack: str) -> dict[str, Role]:
    """Give the role of each function by the function's name in the template's source.

    `stack` is service and stage: what unnamed tables are called by where this runs locally.
    """
    found: dict[str, Role] = {}
    for function in _of_type(template, "AWS::Lambda::Function").values():
        name = function["FunctionName"]
        role_id = function["Role"]["Fn::GetAtt"][0]
        allowed = {
            right
            for document in _documents(template, role_id)
            for statement in document["Statement"]
            for right in _rights(template, statement, stack)
        }
        log_group = ARN.format("logs", f"log-group:/aws/lambda/{name}:*")
        for_lambda = {
            Right("logs:CreateLogStream", log_group),
            Right("logs:PutLogEvents", log_group),
        }
        if "DeadLetterConfig" in function:
            queue = _resolved(template, function["DeadLetterConfig"]["TargetArn"], stack)
            for_lambda.add(Right("sqs:SendMessage", queue))
        found[name.removeprefix(f"{stack}-")] = Role(frozenset(allowed), frozenset(for_lambda))
    return found


def _documents(template: Template, role_id: str) -> list[Mapping[str, Any]]:
    role = template["Resources"][role_id]["Properties"]
    assert "ManagedPolicyArns" not in role, f"{role_id}: policies that can't be read here"
    attached = [
        policy["PolicyDocument"]
        for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
        for policy in _of_type(template, kind).values()
        if {"Ref": role_id} in policy.get("Roles", [])
    ]
    return [policy["PolicyDocument"] for policy in role.get("Policies", [])] + attached


def _rights(template: Template, statement: Mapping[str, Any], stack: str) -> set[Right]:
    assert statement.keys() <= _STATEMENT_KEYS, f"not understood: {statement}"
    assert statement["Effect"] == "Allow", f"not understood: {statement}"
    return {
        Right(action, _resolved(template, resource, stack))
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    }


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return value if isinstance(value, list) else [value]


def _resolved(template: Template, value: Any, stack: str) -> str:  # noqa: ANN401 - JSON
    match value:
        case str():
            return value
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([\w:]+)\}", lambda name: _PSEUDO[name[1]], text)
        case {"Fn::GetAtt": [str(logical_id), "Arn"]}:
            return _arn(template, logical_id, stack)
    raise AssertionError(f"not understood: {value}")


def _arn(template: Template, logical_id: str, stack: str) -> str:
    resource = template["Resources"][logical_id]
    if resource["Type"] == "AWS::DynamoDB::Table":
        name = resource["Properties"].get("TableName", f"{stack}-{logical_id}")
        return ARN.format("dynamodb", f"table/{name}")
    service, name_key, prefix = _KINDS[resource["Type"]]
    suffix = ":*" if service == "logs" else ""
    return ARN.format(service, prefix + resource["Properties"][name_key] + suffix)


def _of_type(template: Template, kind: str) -> dict[str, Mapping[str, Any]]:
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }
