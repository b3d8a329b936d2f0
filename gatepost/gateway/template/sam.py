"""What SAM writes for others: AWS::Serverless::* as the resources that they come to.

Responsible for Globals, functions' aliases and retries, and tables; APIs are up to
sam_websockets.py and sam_http.py. A function stays what it is: stack_functions.py reads both kinds.

Source: the SAM reference; aws-sam-translator (Apache-2.0) for logical ids and defaults.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.part import Resource
from gatepost.gateway.template.sam_http import (
    HTTP_API,
    REST_API,
    expand_events,
    expand_http_api,
    implicit_apis,
)
from gatepost.gateway.template.sam_parts import made
from gatepost.gateway.template.sam_websockets import WEBSOCKET_API, expand_websocket_api
from gatepost.gateway.template.view import View
from gatepost.gateway.template.yaml_source import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatepost.gateway.template.intrinsics import Plain

_PREFIX: Final = "AWS::Serverless::"
_FUNCTION: Final = "AWS::Serverless::Function"
_ATTRIBUTE_TYPES: Final[dict[str, "Plain"]] = {"String": "S", "Number": "N", "Binary": "B"}


def expand(
    resources: "Mapping[str, Resource]", globals_: View | None
) -> tuple[dict[str, Resource], list[str]]:
    """Return the resources with those that SAM makes of them, and what has no effect here."""
    serverless = {
        logical_id: _with_globals(resource, globals_)
        for logical_id, resource in resources.items()
        if resource.kind.startswith(_PREFIX)
    }
    functions = [resource for resource in serverless.values() if resource.kind == _FUNCTION]
    for api in implicit_apis(functions):
        serverless.setdefault(api.logical_id, _with_globals(api, globals_))
    expanded = {**resources, **serverless}
    notices: list[str] = []
    for resource in serverless.values():
        for part in _expanded(resource, serverless, notices):
            expanded[part.logical_id] = part
    return expanded, notices


def _expanded(
    resource: Resource, serverless: "Mapping[str, Resource]", notices: list[str]
) -> "Iterator[Resource]":
    """Make what one resource comes to; it may take the place of the resource itself."""
    match resource.kind:
        case "AWS::Serverless::Function":
            yield from _beside_function(resource)
            yield from expand_events(resource, serverless, notices)
        case "AWS::Serverless::SimpleTable":
            yield _table(resource)
        case kind if kind == WEBSOCKET_API:
            yield from expand_websocket_api(resource)
        case kind if kind in {HTTP_API, REST_API}:
            yield from expand_http_api(resource)


def _with_globals(resource: Resource, globals_: View | None) -> Resource:
    section = resource.kind.removeprefix(_PREFIX)
    shared = None if globals_ is None else globals_.get(section)
    if shared is None:
        return resource
    properties = dict(shared.items())
    for key, own in resource.properties.items():
        given = properties.get(key)
        merged = own.node if given is None else _merged(given.node, own.node)
        properties[key] = View(merged, own.path, own.variables)
    return replace(resource, properties=properties)


def _merged(shared: Node, own: Node) -> Node:
    """Merge as SAM does: mappings by key, lists one after the other, else the resource's own."""
    match shared.value, own.value:
        case dict() as theirs, dict() as ours if not _is_function(theirs) | _is_function(ours):
            both = {key: _merged(theirs[key], ours[key]) for key in theirs.keys() & ours.keys()}
            return Node({**theirs, **ours, **both}, own.place)
        case list() as theirs, list() as ours:
            return Node([*theirs, *ours], own.place)
        case _:
            return own


def _is_function(members: "Mapping[str, Node]") -> bool:
    key = next(iter(members), "")
    return len(members) == 1 and (key == "Ref" or key.startswith("Fn::"))


def _beside_function(function: Resource) -> "Iterator[Resource]":
    """Make what belongs to a function: `X.Alias`, `X.Version`, and how often it is tried again."""
    name: Plain = {"Ref": function.logical_id}
    if (alias := function.get("AutoPublishAlias")) is not None:
        for part in ("Alias", "Version"):
            yield made(
                function,
                f"AWS::Lambda::{part}",
                f"{function.logical_id}.{part}",
                FunctionName=name,
                Name=alias,
            )
    if (config := function.part("EventInvokeConfig")) is not None:
        yield made(
            config,
            "AWS::Lambda::EventInvokeConfig",
            f"{function.logical_id}EventInvokeConfig",
            FunctionName=name,
            MaximumRetryAttempts=config.get("MaximumRetryAttempts"),
            MaximumEventAgeInSeconds=config.get("MaximumEventAgeInSeconds"),
        )


def _table(table: Resource) -> Resource:
    key = table.part("PrimaryKey")
    name = (key and key.text("Name")) or "id"
    kind = (key and key.text("Type")) or "String"
    if kind not in _ATTRIBUTE_TYPES:
        raise table.require("PrimaryKey").error("has a Type that is not String, Number or Binary")
    return made(
        table,
        "AWS::DynamoDB::Table",
        table.logical_id,
        TableName=table.get("TableName"),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": _ATTRIBUTE_TYPES[kind]}],
        KeySchema=[{"AttributeName": name, "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
