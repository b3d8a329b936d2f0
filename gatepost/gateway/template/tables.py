"""AWS::DynamoDB::Table resources as parameters of CreateTable.

Responsible for what the two spell differently and for a schema that can't work; DynamoDB itself
judges the rest. Sources: the CloudFormation reference of AWS::DynamoDB::Table, the API reference of
CreateTable.
"""

from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import Table

if TYPE_CHECKING:
    from gatepost.gateway.template.intrinsics import Intrinsics
    from gatepost.gateway.template.view import View

TABLE_TYPE: Final = "AWS::DynamoDB::Table"

_THROUGHPUT: Final = "ProvisionedThroughput"
_INDEXES: Final = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
_INDEX_KEYS: Final = ("IndexName", "KeySchema", "Projection", _THROUGHPUT)
_UNITS_MAX: Final = 10**9


def read_table(logical_id: str, resource: "View", *, name: str, intrinsics: "Intrinsics") -> Table:
    """Read one table resource, or raise TemplateError naming the resource."""
    properties = resource.require("Properties")
    if properties.get("KeySchema") is None:
        raise resource.error(f"has no KeySchema, so table {logical_id} can't be created")
    create: dict[str, object] = {
        "TableName": name,
        "KeySchema": intrinsics.plain(properties.require("KeySchema")),
        "AttributeDefinitions": intrinsics.plain(properties.require("AttributeDefinitions")),
    }
    billing = properties.get("BillingMode")
    mode = "PROVISIONED" if billing is None else intrinsics.text(billing)
    create["BillingMode"] = mode
    if mode == "PROVISIONED":
        create[_THROUGHPUT] = _throughput(properties)
    for kind in _INDEXES:
        if (indexes := properties.get(kind)) is not None:
            create[kind] = [
                _index(index, intrinsics, provisioned=mode == "PROVISIONED")
                for index in indexes.elements()
            ]
    if (stream := properties.get("StreamSpecification")) is not None:
        view_type = intrinsics.plain(stream.require("StreamViewType"))
        create["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view_type}
    _check_keys(properties, create)
    return Table(name=name, create=create, ttl_attribute=_ttl_attribute(properties, intrinsics))


def _throughput(owner: "View") -> dict[str, int]:
    throughput = owner.get(_THROUGHPUT)
    if throughput is None:
        raise owner.error(f"needs {_THROUGHPUT}, or BillingMode: PAY_PER_REQUEST")
    return {
        units: throughput.require(units).integer(1, _UNITS_MAX)
        for units in ("ReadCapacityUnits", "WriteCapacityUnits")
    }


def _index(index: "View", intrinsics: "Intrinsics", *, provisioned: bool) -> dict[str, object]:
    read: dict[str, object] = {}
    for key in _INDEX_KEYS:
        if (value := index.get(key)) is None:
            continue
        if key == _THROUGHPUT:
            if provisioned:
                read[key] = _throughput(index)
        else:
            read[key] = intrinsics.plain(value)
    return read


def _check_keys(properties: "View", create: dict[str, object]) -> None:
    """Refuse a key attribute without definition, which DynamoDB reports in a roundabout way."""
    defined = set(_names(create["AttributeDefinitions"]))
    schemas = [create["KeySchema"]]
    for kind in _INDEXES:
        indexes = create.get(kind, [])
        if isinstance(indexes, list):
            schemas += [index.get("KeySchema") for index in indexes]
    for schema in schemas:
        names = _names(schema)
        if not names:
            raise properties.error("has a KeySchema that names no attribute")
        for name in names:
            if name not in defined:
                raise properties.error(f"has key {name!r}, which AttributeDefinitions lacks")


def _names(elements: object) -> list[str]:
    if not isinstance(elements, list):
        return []
    names = [element.get("AttributeName") for element in elements if isinstance(element, dict)]
    return [name for name in names if isinstance(name, str)]


def _ttl_attribute(properties: "View", intrinsics: "Intrinsics") -> str | None:
    ttl = properties.get("TimeToLiveSpecification")
    if ttl is None:
        return None
    enabled = ttl.get("Enabled")
    if enabled is not None and not enabled.boolean():
        return None
    return intrinsics.text(ttl.require("AttributeName"))
