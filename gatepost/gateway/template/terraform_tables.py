"""DynamoDB tables of a Terraform plan as parameters of CreateTable.

Source: the AWS provider's reference of aws_dynamodb_table; the API reference of CreateTable.
"""

from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.core.deployment import Table

if TYPE_CHECKING:
    from gatepost.gateway.template.terraform_plan import Resource
    from gatepost.gateway.template.terraform_values import Evaluator

TYPE: Final = "aws_dynamodb_table"


def read_tables(evaluator: "Evaluator") -> tuple[Table, ...]:
    """Read every table, or raise TemplateError for one that names no key."""
    return tuple(_table(evaluator, resource) for resource in evaluator.plan.of_type(TYPE))


def _table(evaluator: "Evaluator", resource: "Resource") -> Table:
    values = resource.values
    name = evaluator.text(resource, "name")
    attributes = blocks(values, "attribute")
    if not name or not values.get("hash_key") or not attributes:
        raise evaluator.error(resource, "needs name, hash_key and its attribute")
    provisioned = values.get("billing_mode") != "PAY_PER_REQUEST"
    create: dict[str, object] = {
        "TableName": name,
        "KeySchema": _key_schema(values),
        "AttributeDefinitions": [
            {"AttributeName": one.get("name"), "AttributeType": one.get("type")}
            for one in attributes
        ],
        "BillingMode": "PROVISIONED" if provisioned else "PAY_PER_REQUEST",
    }
    if provisioned:
        create["ProvisionedThroughput"] = _throughput(values)
    for block, key in (
        ("global_secondary_index", "GlobalSecondaryIndexes"),
        ("local_secondary_index", "LocalSecondaryIndexes"),
    ):
        indexes = blocks(values, block)
        if indexes:
            is_global = key.startswith("Global")
            create[key] = [
                _index(one if is_global else {**one, "hash_key": values["hash_key"]},
                       provisioned=provisioned and is_global)
                for one in indexes
            ]  # fmt: skip
    if values.get("stream_enabled"):
        create["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": values.get("stream_view_type"),
        }
    ttl = next(iter(blocks(values, "ttl")), {})
    attribute = ttl.get("attribute_name") if ttl.get("enabled") else None
    return Table(name=name, create=create, ttl_attribute=attribute or None)


def blocks(values: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the blocks of a kind that a resource has."""
    given = values.get(name)
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _key_schema(values: dict[str, Any]) -> list[dict[str, object]]:
    keys = [("hash_key", "HASH"), ("range_key", "RANGE")]
    return [
        {"AttributeName": values[key], "KeyType": kind} for key, kind in keys if values.get(key)
    ]


def _throughput(values: dict[str, Any]) -> dict[str, object]:
    return {
        "ReadCapacityUnits": values.get("read_capacity") or 1,
        "WriteCapacityUnits": values.get("write_capacity") or 1,
    }


def _index(index: dict[str, Any], *, provisioned: bool) -> dict[str, object]:
    projection: dict[str, object] = {"ProjectionType": index.get("projection_type") or "ALL"}
    if index.get("non_key_attributes"):
        projection["NonKeyAttributes"] = index["non_key_attributes"]
    read: dict[str, object] = {
        "IndexName": index.get("name"),
        "KeySchema": _key_schema(index),
        "Projection": projection,
    }
    if provisioned:
        read["ProvisionedThroughput"] = _throughput(index)
    return read
