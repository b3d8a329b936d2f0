"""Requests and the rights that they need (rights.py)."""

import json

import pytest

from tests.rights import ARN, Asked, Right, needed

TABLE = ARN.format("dynamodb", "table/t")


def of_table(operation: str, **request: object) -> Asked:
    """Make a request to a table."""
    return Asked("dynamodb", "POST", "/", f"DynamoDB_1.{operation}", json.dumps(request).encode())


def test_a_transaction_needs_the_actions_of_its_items() -> None:
    """There is no action of its own."""
    item = {"TableName": "t"}
    kinds = ("ConditionCheck", "Put", "Update", "Delete")
    found = needed(of_table("TransactWriteItems", TransactItems=[{kind: item} for kind in kinds]))
    names = ("ConditionCheckItem", "PutItem", "UpdateItem", "DeleteItem")
    assert found == {Right(f"dynamodb:{name}", TABLE) for name in names}
    assert needed(of_table("TransactGetItems", TransactItems=[{"Get": item}])) == {
        Right("dynamodb:GetItem", TABLE)
    }


def test_a_batch_needs_one_action_on_each_table_and_a_query_its_index() -> None:
    """BatchWriteItem is an action, whatever is in it."""
    found = needed(of_table("BatchWriteItem", RequestItems={"t": [], "u": []}))
    other = ARN.format("dynamodb", "table/u")
    assert found == {Right("dynamodb:BatchWriteItem", each) for each in (TABLE, other)}
    assert needed(of_table("Query", TableName="t", IndexName="i")) == {
        Right("dynamodb:Query", f"{TABLE}/index/i")
    }


@pytest.mark.parametrize(
    ("asked", "action", "resource"),
    [
        (
            Asked("execute-api", "DELETE", "/dev/@connections/a%3D"),
            "execute-api:ManageConnections",
            ARN.format("execute-api", "WebsocketsApi/dev/DELETE/@connections/a="),
        ),
        (
            Asked("lambda", "POST", "/2015-03-31/functions/f/invocations"),
            "lambda:InvokeFunction",
            ARN.format("lambda", "function:f"),
        ),
        (
            Asked("sqs", "POST", "/", "AmazonSQS.SendMessage", b'{"QueueUrl":"https://x/1/q"}'),
            "sqs:SendMessage",
            ARN.format("sqs", "q"),
        ),
        (
            Asked("events", "POST", "/", "E.PutEvents", b'{"Entries":[{"EventBusName":"b"}]}'),
            "events:PutEvents",
            ARN.format("events", "event-bus/b"),
        ),
    ],
    ids=lambda each: each.service if isinstance(each, Asked) else "",
)
def test_each_service_names_its_resource_in_its_own_way(
    asked: Asked, action: str, resource: str
) -> None:
    """In the path, or in the body."""
    assert needed(asked) == {Right(action, resource)}


def test_what_is_not_known_is_an_error() -> None:
    """Nothing is passed over."""
    with pytest.raises(ValueError, match=r"unknown request: sqs POST / AmazonSQS\.ReceiveMessage"):
        needed(Asked("sqs", "POST", "/", "AmazonSQS.ReceiveMessage", b"{}"))
