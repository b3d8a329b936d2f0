"""`connect`, `disconnect` and `message` as one writes them with boto3: the same calls of the table.

Not here: what the others make of the protocol. A client is made when the module is imported, as
AWS's own guide says.
"""

import json
import os
import time

import boto3

TABLE = os.environ["TABLE_NAME"]
client = boto3.client("dynamodb")


def connect(event: dict, context: object) -> dict:
    """Refuse a blocked user; store the connection, and whose it is."""
    connection_id = event["requestContext"]["connectionId"]
    user = json.loads(event["requestContext"]["authorizer"]["identity"])["user"]
    now = int(time.time())
    expires_at = {"N": str(now + 7500)}
    client.transact_write_items(
        TransactItems=[
            {
                "ConditionCheck": {
                    "TableName": TABLE,
                    "Key": {"pk": {"S": f"USER#{user}"}, "sk": {"S": "BLOCK"}},
                    "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
                    "ExpressionAttributeValues": {":now": {"N": str(now)}},
                }
            },
            {"Put": {"TableName": TABLE, "Item": {**key(connection_id), "expires_at": expires_at}}},
            {
                "Put": {
                    "TableName": TABLE,
                    "Item": {
                        "pk": {"S": f"USER#{user}"},
                        "sk": {"S": f"CONN#{connection_id}"},
                        "expires_at": expires_at,
                    },
                }
            },
        ]
    )
    return {"statusCode": 200}


def disconnect(event: dict, context: object) -> dict:
    """Read the connection, remove it, and look for its subscriptions."""
    connection_id = event["requestContext"]["connectionId"]
    client.get_item(TableName=TABLE, Key=key(connection_id), ConsistentRead=True)
    client.delete_item(TableName=TABLE, Key=key(connection_id))
    client.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues={
            ":pk": {"S": f"CONN#{connection_id}"},
            ":prefix": {"S": "CHAN#"},
        },
        ConsistentRead=True,
    )
    return {"statusCode": 200}


def message(event: dict, context: object) -> dict:
    """Answer a ping, which renews the connection's lease."""
    connection_id = event["requestContext"]["connectionId"]
    client.update_item(
        TableName=TABLE,
        Key=key(connection_id),
        UpdateExpression="SET lease_until = :until",
        ExpressionAttributeValues={":until": {"N": str(int(time.time()) + 720)}},
    )
    return {"statusCode": 200, "body": json.dumps({"id": json.loads(event["body"])["id"]})}


def key(connection_id: str) -> dict:
    """Give the key of a connection's row."""
    return {"pk": {"S": f"CONN#{connection_id}"}, "sk": {"S": "META"}}
