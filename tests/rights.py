"""The rights that requests to AWS need: action and resource, as IAM would ask for them.

Sources: Service Authorization Reference; for transactions the Amazon DynamoDB Developer Guide, "IAM
and transactions": they are authorized by the actions of their items.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

ARN: Final = "arn:aws:{}:us-east-1:123456789012:{}"
"""All that is recorded and resolved is in one region of one account."""

WEBSOCKET_API: Final = "WebsocketsApi"
"""Stands for the API's id, which no local address has: that of the only WebSocket API."""

_ITEM_ACTIONS: Final = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """An action on a resource; in a policy both may have wildcards."""

    action: str
    resource: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that reached AWS, with the service that it was signed for."""

    service: str
    method: str
    path: str
    target: str = ""
    body: bytes = b""


def table_actions(operation: str, request: Mapping[str, Any]) -> set[str]:
    """Give the actions that an operation of DynamoDB needs."""
    return {right.action for right in _of_table(operation, request)}


def needed(asked: Asked) -> set[Right]:
    """Give the rights that a request needs; ValueError for one that nothing here knows."""
    operation = asked.target.rpartition(".")[2]
    match asked.service, [unquote(part) for part in asked.path.strip("/").split("/")]:
        case "dynamodb", _:
            return set(_of_table(operation, json.loads(asked.body)))
        case "execute-api", [stage, "@connections", connection_id]:
            path = f"{WEBSOCKET_API}/{stage}/{asked.method}/@connections/{connection_id}"
            return {Right("execute-api:ManageConnections", ARN.format("execute-api", path))}
        case "lambda", [_, "functions", name, "invocations"]:
            return {Right("lambda:InvokeFunction", ARN.format("lambda", f"function:{name}"))}
        case "sqs", _ if operation == "SendMessage":
            name = json.loads(asked.body)["QueueUrl"].rpartition("/")[2]
            return {Right("sqs:SendMessage", ARN.format("sqs", name))}
        case "events", _ if operation == "PutEvents":
            buses = {each["EventBusName"] for each in json.loads(asked.body)["Entries"]}
            return {
                Right("events:PutEvents", ARN.format("events", f"event-bus/{bus}")) for bus in buses
            }
    raise ValueError(f"unknown request: {asked.service} {asked.method} {asked.path} {asked.target}")


def _of_table(operation: str, request: Mapping[str, Any]) -> Iterator[Right]:
    if operation in ("TransactWriteItems", "TransactGetItems"):
        for item in request["TransactItems"]:
            for kind, write in item.items():
                yield _on_table(_ITEM_ACTIONS.get(kind, f"{kind}Item"), write["TableName"])
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table in request["RequestItems"]:
            yield _on_table(operation, table)
    else:
        index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
        yield _on_table(operation, request["TableName"] + index)


def _on_table(operation: str, table: str) -> Right:
    return Right(f"dynamodb:{operation}", ARN.format("dynamodb", f"table/{table}"))
