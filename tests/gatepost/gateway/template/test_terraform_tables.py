"""Tables of a plan."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Table
from gatepost.gateway.template.errors import TemplateError

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.terraform_project import TerraformProject


CREATE: dict[str, object] = {
    "TableName": "t",
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "at")
    ],
    "BillingMode": "PROVISIONED",
    "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 1},
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "byAt",
            "KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "local",
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
        }
    ],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
}


def test_a_table_with_all_its_parts_is_read(plan: "TerraformProject") -> None:
    """Keys, both kinds of index, throughput, stream and TTL."""
    plan.add(
        "aws_dynamodb_table.t",
        name="t",
        hash_key="pk",
        range_key="sk",
        read_capacity=5,
        attribute=[{"name": name, "type": "S"} for name in ("pk", "sk", "at")],
        global_secondary_index=[
            {"name": "byAt", "hash_key": "at", "projection_type": "KEYS_ONLY", "write_capacity": 2}
        ],
        local_secondary_index=[
            {
                "name": "local",
                "range_key": "at",
                "projection_type": "INCLUDE",
                "non_key_attributes": ["x"],
            }
        ],
        stream_enabled=True,
        stream_view_type="NEW_IMAGE",
        ttl=[{"attribute_name": "expires", "enabled": True}],
    )
    assert plan.read().tables == (Table("t", CREATE, "expires"),)


def test_a_table_without_key_is_refused(plan: "TerraformProject") -> None:
    """It can't be created."""
    plan.add("aws_dynamodb_table.t", name="t")
    with pytest.raises(TemplateError, match=r"aws_dynamodb_table\.t needs name, hash_key and"):
        plan.read()
