"""What a moto server still has of what the template provisions."""

from collections.abc import Iterator

LISTED = {
    "apigatewayv2": ("get_apis", "Items", "Name"),
    "cloudwatch": ("describe_alarms", "MetricAlarms", "AlarmName"),
    "dynamodb": ("list_tables", "TableNames", None),
    "iam": ("list_roles", "Roles", "RoleName"),
    "lambda": ("list_functions", "Functions", "FunctionName"),
    "logs": ("describe_log_groups", "logGroups", "logGroupName"),
    "sns": ("list_topics", "Topics", "TopicArn"),
    "sqs": ("list_queues", "QueueUrls", None),
}


def leftovers(endpoint: str) -> list[str]:
    """Name every resource of these kinds that is there."""
    return sorted(_found(endpoint))


def _found(endpoint: str) -> Iterator[str]:
    import boto3  # noqa: PLC0415 - slow to import, and most tests need none

    for service, (method, key, name) in LISTED.items():
        client = boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        for each in getattr(client, method)().get(key, []):
            yield f"{service} {each[name] if name else each}"
        client.close()
