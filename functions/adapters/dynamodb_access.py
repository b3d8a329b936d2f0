"""Where DynamoDB is, and who asks, as far as the environment variables of Lambda say it all."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from functions.adapters.credentials import Credentials, read_credentials
from functions.adapters.endpoint import Endpoint, read_endpoint

ENDPOINT_VARIABLES: Final = ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL")
OTHER_PARTITIONS: Final = ("cn-", "us-iso", "eu-iso", "eusc-")
"""Regions whose endpoints have another domain."""


class Access(Struct, frozen=True):
    """An endpoint, and the credentials to sign with."""

    endpoint: Endpoint
    credentials: Credentials


def read_access(environ: Mapping[str, str]) -> Access | None:
    """Read the variables; None when they leave something for botocore to find out."""
    credentials = read_credentials(environ)
    if credentials is None:
        return None
    url = next(filter(None, map(environ.get, ENDPOINT_VARIABLES)), None)
    if url is None:
        if credentials.region.startswith(OTHER_PARTITIONS):
            return None
        url = f"https://dynamodb.{credentials.region}.amazonaws.com"
    try:
        endpoint = read_endpoint(url)
    except ValueError:
        return None
    return Access(endpoint, credentials) if endpoint.path in {"", "/"} else None
