"""What a moto server still has of what the template provisions."""

from collections.abc import Iterator
from typing import Any

LISTED = {
    "apigatewayv2": ("get_apis", "Items", "Name"),
    "cloudwatch": ("describe_alarms", "MetricAlarms", "AlarmName"),
    "dynamodb": ("list_tables", "TableNames", None),
    "iam": ("list_roles", "Roles", "RoleName"),
    "lambda": ("list_functions", "Functions", "FunctionName"),
    "s3": ("list_buckets", "Buckets", "Name"),
    "logs": ("describe_log_groups", "logGroups", "logGroupName"),
    "sns": ("list_topics", "Topics", "TopicArn"),
    "sqs": ("list_queues", "QueueUrls", None),
}


def leftovers(endpoint: str) -> list[str]:
    """Name every resource of these kinds that is there."""
    return sorted(_found(endpoint))


def client_of(service: str, endpoint: str) -> Any:  # noqa: ANN401 - of whichever service
    """Return boto3's client of a service, at the server."""
    import boto3  # noqa: PLC0415 - slow to import, and most tests need none

    return boto3.client(
        service,  # type: ignore[call-overload] # one of many names
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def _found(endpoint: str) -> Iterator[str]:
    for service, (method, key, name) in LISTED.items():
        client = client_of(service, endpoint)
        for each in getattr(client, method)().get(key, []):
            yield f"{service} {each[name] if name else each}"
        client.close()
