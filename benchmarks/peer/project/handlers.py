"""Three things a handler does: answer, post to the sender, broadcast through boto3."""

import json
import os

import boto3

management = boto3.client(
    "apigatewaymanagementapi",
    endpoint_url=os.environ["BENCHMARK_ENDPOINT"],
    region_name="us-east-1",
    aws_access_key_id="local",
    aws_secret_access_key="local",
)


def connect(event: dict, context: object) -> dict:
    """Accept every connection, let every connection go."""
    return {"statusCode": 200}


def message(event: dict, context: object) -> dict:
    """Do what the message asks for; the answer to a post or broadcast is the posted message."""
    request = json.loads(event["body"])
    sender = event["requestContext"]["connectionId"]
    if request["action"] == "whoami":
        return {"statusCode": 200, "body": json.dumps({"id": sender})}
    if request["action"] == "post":
        management.post_to_connection(ConnectionId=sender, Data=b"posted")
    elif request["action"] == "broadcast":
        data = request.get("data", "posted").encode()
        for connection_id in request["to"]:
            management.post_to_connection(ConnectionId=connection_id, Data=data)
    return {"statusCode": 200, "body": "answer"}
