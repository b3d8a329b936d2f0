"""Table resources as parameters of CreateTable."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gatepost.gateway.core.deployment import Table
    from tests.gatepost.gateway.template.conftest import Read, Refusal

HEAD = """service: shop
provider: {name: aws}
functions:
  hello: {handler: a.b, events: [{websocket: $connect}]}
resources:
  Resources:
    Orders:
      Type: AWS::DynamoDB::Table
      Properties:
"""
KEYS = """
        AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
        KeySchema: [{AttributeName: pk, KeyType: HASH}]
"""
ON_DEMAND = "        BillingMode: PAY_PER_REQUEST\n"


def table(read: "Read", properties: str) -> "Table":
    """Return the one table of a project."""
    (only,) = read(HEAD + properties).tables
    return only


def test_a_table_on_demand_is_created_with_its_schema(read: "Read") -> None:
    """Without TableName the name is made of stack and logical id."""
    read_table = table(read, ON_DEMAND + KEYS)
    assert read_table.name == "shop-dev-Orders"
    assert read_table.create == {
        "TableName": "shop-dev-Orders",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    }
    assert read_table.ttl_attribute is None


def test_provisioned_units_are_numbers_even_when_written_as_text(read: "Read") -> None:
    """PROVISIONED is CloudFormation's default billing mode; CreateTable takes numbers."""
    units = "{ReadCapacityUnits: '5', WriteCapacityUnits: 1}"
    create = table(read, f"        ProvisionedThroughput: {units}\n{KEYS}").create
    assert create["BillingMode"] == "PROVISIONED"
    assert create["ProvisionedThroughput"] == {"ReadCapacityUnits": 5, "WriteCapacityUnits": 1}


def test_indexes_and_streams_are_taken_over(read: "Read") -> None:
    """What CreateTable doesn't know is left out; a stream is enabled by its view type."""
    create = table(
        read,
        ON_DEMAND
        + """
        AttributeDefinitions:
          - {AttributeName: pk, AttributeType: S}
          - {AttributeName: user, AttributeType: S}
        KeySchema: [{AttributeName: pk, KeyType: HASH}]
        GlobalSecondaryIndexes:
          - IndexName: by-user
            KeySchema: [{AttributeName: user, KeyType: HASH}]
            Projection: {ProjectionType: ALL}
            ContributorInsightsSpecification: {Enabled: true}
            ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
        LocalSecondaryIndexes:
          - IndexName: local
            KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: user, KeyType: RANGE}]
            Projection: {ProjectionType: KEYS_ONLY}
        StreamSpecification: {StreamViewType: NEW_IMAGE}
        PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
        Tags: !Ref Nothing
""",
    ).create
    assert create["GlobalSecondaryIndexes"] == [
        {
            "IndexName": "by-user",
            "KeySchema": [{"AttributeName": "user", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ]
    assert create["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert "LocalSecondaryIndexes" in create
    assert "Tags" not in create
    assert "PointInTimeRecoverySpecification" not in create


@pytest.mark.parametrize(
    ("specification", "attribute"),
    [
        ("{AttributeName: expires, Enabled: true}", "expires"),
        ("{AttributeName: expires, Enabled: 'true'}", "expires"),
        ("{AttributeName: expires, Enabled: false}", None),
    ],
)
def test_the_ttl_attribute_counts_while_it_is_enabled(
    read: "Read", specification: str, attribute: str | None
) -> None:
    """CreateTable has no TTL: it is kept beside its parameters."""
    properties = f"{ON_DEMAND}{KEYS}        TimeToLiveSpecification: {specification}\n"
    assert table(read, properties).ttl_attribute == attribute


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        (ON_DEMAND, "has no KeySchema, so table Orders can't be created"),
        (KEYS, "needs ProvisionedThroughput, or BillingMode: PAY_PER_REQUEST"),
        (
            ON_DEMAND + KEYS.replace("Name: pk, KeyType", "Name: id, KeyType"),
            "has key 'id', which AttributeDefinitions lacks",
        ),
        (
            ON_DEMAND + KEYS.replace("{AttributeName: pk, KeyType: HASH}", ""),
            "has a KeySchema that names no attribute",
        ),
        (
            KEYS + "        ProvisionedThroughput: {ReadCapacityUnits: 0, WriteCapacityUnits: 1}",
            "ReadCapacityUnits must be a whole number from 1 to 1000000000",
        ),
    ],
)
def test_a_table_that_cannot_be_created_is_refused(
    refusal: "Refusal", properties: str, sentence: str
) -> None:
    """The resource is named, with its line."""
    refused = refusal(HEAD + properties)
    assert refused.startswith("serverless.yml:")
    assert "resources.Resources.Orders" in refused
    assert refused.endswith(sentence)
