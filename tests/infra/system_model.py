"""One model of a deployed system, whoever provisions it, and what two of them differ in.

Both ends give `Resource`s in CloudFormation's words whose references are resolved: to physical ids
that are real (Terraform's) or made up (a template's). Here each gets the name that a person would
call it by, and every id and ARN in a property becomes that name. What is left compares.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

Properties = dict[str, Any]
Model = dict[str, Properties]
"""Properties by the name of what has them, such as `route WEBSOCKET $connect`."""


class Resource(Struct, frozen=True):
    """A resource whose references are resolved to strings."""

    kind: str  # AWS::Lambda::Function
    properties: Properties
    ids: Mapping[str, str]  # what references to it give, and the word for each: "arn", "id"


class UnnamedError(Exception):
    """A resource of a type that no comparison has been thought about for."""


def model_of(resources: Iterable[Resource], *, prefix: str) -> Model:
    """Name all resources, and let their properties speak of each other by name.

    `prefix` is what names of this stage begin with (`gatepost-dev`).
    """
    everything = with_shared_policies(list(resources))
    names = name_all(everything, prefix)
    ids = {
        text: f"{{{name}{'' if word == 'id' else ' ' + word}}}"
        for name, resource in names.items()
        for text, word in resource.ids.items()
    }
    return {
        name: flat(renamed(comparable(resource), ids)) for name, resource in sorted(names.items())
    }


def with_shared_policies(resources: list[Resource]) -> list[Resource]:
    """Give each role the policies that are resources of their own and name it."""
    shared = [each for each in resources if each.kind == "AWS::IAM::ManagedPolicy"]
    others = [each for each in resources if each.kind != "AWS::IAM::ManagedPolicy"]
    for policy in shared:
        for role in others:
            if role.kind == "AWS::IAM::Role" and set(policy.properties["Roles"]) & role.ids.keys():
                role.properties.setdefault("Policies", []).append(policy.properties)
    return others


def comparable(resource: Resource) -> Properties:
    """Write the same thing the same way whoever wrote it; leave out what says nothing."""
    has = {key: each for key, each in resource.properties.items() if key not in SAYS_NOTHING}
    if resource.kind == "AWS::IAM::Role":
        policies = [policy["PolicyDocument"] for policy in has.pop("Policies", [])]
        has["Grants"] = granted(policies)
        has["AssumeRolePolicyDocument"] = granted([has["AssumeRolePolicyDocument"]])
    if key := resource.properties.get("Code", {}).get("S3Key"):
        has["Package"] = key.rsplit("/", maxsplit=1)[-1]
    if resource.kind == "AWS::CloudWatch::Alarm":
        has = with_plain_dimensions(has)
        for key in ("AlarmActions", "OKActions"):
            has[key] = sorted(has.get(key) or ())
    if isinstance(body := has.get("DashboardBody"), str):
        has["DashboardBody"] = json.loads(body)
    if form := has.get("AccessLogSettings", {}).get("Format"):
        has["AccessLogSettings"] = {**has["AccessLogSettings"], "Format": json.loads(form)}
    if resource.kind == "AWS::ApiGatewayV2::Route":
        has.setdefault("AuthorizationType", "NONE")
    return has


def with_plain_dimensions(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Write the dimensions of metrics as an object, as Terraform does."""
    if isinstance(value, list):
        return [with_plain_dimensions(each) for each in value]
    if not isinstance(value, dict):
        return value
    plain = {key: with_plain_dimensions(each) for key, each in value.items()}
    if isinstance(named := plain.get("Dimensions"), list):
        plain["Dimensions"] = {each["Name"]: each["Value"] for each in named}
    return plain


SAYS_NOTHING = {"DashboardName", "Code", "Description", "Tags"}
"""Where the zip lies is each one's own affair; a stack's tags are given when it is deployed."""


def granted(policies: list[Properties]) -> dict[str, list[str]]:
    """Return by action what it is allowed (or denied) on, or to whom, and under which condition."""
    found: dict[str, list[str]] = {}
    for statement in (each for policy in policies for each in policy["Statement"]):
        where = statement.get("Resource", statement.get("Principal"))
        if condition := statement.get("Condition"):
            where = json.dumps([where, condition], sort_keys=True)
        for action in strings(statement["Action"]):
            found.setdefault(f"{statement['Effect']} {action}", []).extend(strings(where))
    return {action: sorted(found[action]) for action in found}


def strings(value: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Return one or many as many."""
    if isinstance(value, dict):
        return [f"{key} {each}" for key, inner in value.items() for each in strings(inner)]
    return [value] if isinstance(value, str) else list(value)


def flat(properties: Properties, path: str = "") -> Properties:
    """Give what lies in objects a key of its own, so that a difference is named exactly."""
    found: Properties = {}
    for key, value in properties.items():
        if isinstance(value, dict):
            found |= flat(value, f"{path}{key}.")
        elif value is not False and value not in (None, []):  # false is every switch's default
            found[path + key] = value
    return dict(sorted(found.items()))


def renamed(value: Any, ids: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """Put names where ids are: whole strings, and within longer ones what can't be by chance.

    That is what `unmistakable` tells, and what stands in quotation marks.
    """
    if isinstance(value, dict):
        return {renamed(key, ids): renamed(each, ids) for key, each in value.items()}
    if isinstance(value, list):
        return [renamed(each, ids) for each in value]
    if not isinstance(value, str):
        return value
    if value in ids:
        return ids[value]
    for text in sorted(ids, key=len, reverse=True):
        if unmistakable(text):
            value = value.replace(text, ids[text])
        else:
            value = value.replace(f'"{text}"', f'"{ids[text]}"')  # as within an expression
    return value


def unmistakable(text: str) -> bool:
    """Tell ARNs, URLs and random ids from names that may stand within other words."""
    return ":" in text or bool(re.fullmatch(r"[a-z0-9]{8,10}|\[\w+\]", text))


def name_all(resources: list[Resource], prefix: str) -> dict[str, Resource]:
    """Give each resource its name; those that rest on others' names come after them."""
    names: dict[str, Resource] = {}
    owners: dict[str, str] = {}
    waiting = sorted(resources, key=lambda each: RANK.get(each.kind, 0))
    for resource in waiting:
        name = name_of(resource, owners, resources, prefix)
        while name in names:
            name += " again"
        names[name] = resource
        owners |= dict.fromkeys(resource.ids, name)
    return names


RANK = {
    kind: rank
    for rank, kinds in enumerate(
        (
            (),
            ("AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration"),
            ("AWS::ApiGatewayV2::RouteResponse",),
        )
    )
    for kind in kinds
}


def name_of(
    resource: Resource, owners: Mapping[str, str], resources: list[Resource], prefix: str
) -> str:
    """Say what a person would call it.

    Raises UnnamedError for a type that nobody has thought of: it would go uncompared.
    """
    kind, has = resource.kind, resource.properties
    own = named_by(prefix)
    if kind in ONLY_ONE:
        return ONLY_ONE[kind]
    if kind in NAMED:
        word, key = NAMED[kind]
        return f"{word} {own(has.get(key, ''))}".strip()
    if kind == "AWS::ApiGatewayV2::Api":
        return f"api {has['ProtocolType']}"
    if kind == "AWS::IAM::Role":
        return role_name(resource, resources, own)
    if kind.startswith("AWS::ApiGatewayV2::") and "ApiId" in has:
        api = owners.get(has["ApiId"], "api ?").removeprefix("api ")
        return f"{WITHIN_API[kind][0]} {api} {api_part(resource, owners)}".strip()
    if kind in OF_FUNCTION:
        function = function_named(has["FunctionName"], resources, own)
        return f"{OF_FUNCTION[kind]} {function} {has.get('Principal', has.get('Name', ''))}".strip()
    raise UnnamedError(f"{kind}: say in {__name__} what it is called, so that it is compared")


ONLY_ONE = {
    "AWS::ApiGateway::Account": "api gateway account",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::DynamoDB::Table": "table",
}
NAMED = {
    "AWS::S3::Bucket": ("bucket", "BucketName"),
    "AWS::S3::BucketPolicy": ("bucket policy", "Bucket"),
    "AWS::ApiGatewayV2::DomainName": ("domain", "DomainName"),
    "AWS::CloudWatch::Alarm": ("alarm", "AlarmName"),
    "AWS::CloudWatch::CompositeAlarm": ("composite alarm", "AlarmName"),
    "AWS::Events::EventBus": ("event bus", "Name"),
    "AWS::Lambda::Function": ("function", "FunctionName"),
    "AWS::Logs::LogGroup": ("log group", "LogGroupName"),
    "AWS::Logs::MetricFilter": ("metric filter", "FilterName"),
    "AWS::Route53::RecordSet": ("record", "Type"),
    "AWS::SNS::Topic": ("topic", "TopicName"),
    "AWS::SNS::Subscription": ("topic subscription", "Protocol"),
    "AWS::SQS::Queue": ("queue", "QueueName"),
    "Output": ("output", "Name"),
}
WITHIN_API = {
    "AWS::ApiGatewayV2::ApiMapping": ("mapping", None),
    "AWS::ApiGatewayV2::Authorizer": ("authorizer", "Name"),
    "AWS::ApiGatewayV2::Deployment": ("deployment", None),
    "AWS::ApiGatewayV2::Integration": ("integration", None),
    "AWS::ApiGatewayV2::Route": ("route", "RouteKey"),
    "AWS::ApiGatewayV2::RouteResponse": ("route response", None),
    "AWS::ApiGatewayV2::Stage": ("stage", None),
}
OF_FUNCTION = {
    "AWS::Lambda::Alias": "alias",
    "AWS::Lambda::EventInvokeConfig": "event invoke config",
    "AWS::Lambda::Permission": "permission",
}


def named_by(prefix: str) -> "Own":
    """Return what takes the stage's prefix from a name."""
    return Own(prefix)


class Own(Struct, frozen=True):
    """Takes a stage's prefix from a name."""

    prefix: str

    def __call__(self, name: str) -> str:
        """Return what the name says beyond the prefix."""
        return name.replace(f"{self.prefix}-", "").replace(self.prefix, "")


def api_part(resource: Resource, owners: Mapping[str, str]) -> str:
    """Say which of its kind in an API this is."""
    has, key = resource.properties, WITHIN_API[resource.kind][1]
    if key:
        return str(has[key])
    if resource.kind == "AWS::ApiGatewayV2::Integration":
        uri = has["IntegrationUri"]
        return next(
            (
                name.removeprefix("function ").removeprefix("alias ")
                for text, name in owners.items()
                if ":function:" in text and text in uri
            ),
            uri,
        )
    if resource.kind == "AWS::ApiGatewayV2::RouteResponse":
        return owners.get(has["RouteId"], "route ?").split()[-1]
    return ""


def function_named(text: str, resources: list[Resource], own: Own) -> str:
    """Find the function that an ARN or a name means."""
    for each in resources:
        if each.kind == "AWS::Lambda::Function" and text in (
            *each.ids,
            each.properties["FunctionName"],
        ):
            return own(each.properties["FunctionName"])
    return own(text.rsplit(":function:", maxsplit=1)[-1])


def role_name(role: Resource, resources: list[Resource], own: Own) -> str:
    """Call a role by the functions that have it, else by who may assume it."""
    users = sorted(
        own(each.properties["FunctionName"])
        for each in resources
        if each.kind == "AWS::Lambda::Function" and each.properties.get("Role") in role.ids
    )
    if users:
        return f"role of {', '.join(users)}"
    return f"role for {' '.join(*granted([role.properties['AssumeRolePolicyDocument']]).values())}"


def difference(left: Model, right: Model, sides: tuple[str, str]) -> list[str]:
    """List by name what two systems differ in; nothing if in nothing."""
    found = []
    for name in sorted(left.keys() | right.keys()):
        if name not in left or name not in right:
            found.append(f"{name}: only in {sides[name not in left]}")
            continue
        one, other = left[name], right[name]
        found += [
            f"{name}, {key}: {sides[0]} {show(one.get(key))}, {sides[1]} {show(other.get(key))}"
            for key in sorted(one.keys() | other.keys())
            if one.get(key) != other.get(key)
        ]
    return found


def show(value: object) -> str:
    """Write a value in one line."""
    return "has none" if value is None else f"has {json.dumps(value, sort_keys=True)}"
