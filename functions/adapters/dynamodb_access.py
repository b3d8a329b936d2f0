"""Where DynamoDB is and who asks, from the environment variables that Lambda sets.

What else botocore knows (profiles, containers, proxies, other partitions) is left to it: then there
is no access here, and adapters/dynamodb.py opens aiobotocore's client.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

NEEDS_BOTOCORE: Final = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
)
"""Variables that change what is said here; only botocore heeds them all."""

ENDPOINT_VARIABLES: Final = ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL")
OTHER_PARTITIONS: Final = ("cn-", "us-iso", "eu-iso", "eusc-")
"""Regions whose endpoints have another domain."""


class Access(Struct, frozen=True):
    """An endpoint, and the credentials to sign with; Lambda's hold as long as its environment."""

    host: str
    port: int
    encrypted: bool
    region: str
    access_key: str
    secret_key: str
    token: str

    @property
    def host_header(self) -> str:
        """Give the host as requests name and sign it: a scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _port_of(self.encrypted) else f"{host}:{self.port}"


def read_access(environ: Mapping[str, str]) -> Access | None:
    """Read the variables; None when they leave something for botocore to find out."""
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    access_key, secret_key = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not (region and access_key and secret_key) or any(map(environ.get, NEEDS_BOTOCORE)):
        return None
    endpoint = next(filter(None, map(environ.get, ENDPOINT_VARIABLES)), None)
    if endpoint is None:
        if region.startswith(OTHER_PARTITIONS):
            return None
        endpoint = f"https://dynamodb.{region}.amazonaws.com"
    url = urlsplit(endpoint)
    if url.scheme not in {"http", "https"} or not url.hostname or url.path not in {"", "/"}:
        return None
    encrypted = url.scheme == "https"
    return Access(
        host=url.hostname,
        port=url.port or _port_of(encrypted),
        encrypted=encrypted,
        region=region,
        access_key=access_key,
        secret_key=secret_key,
        token=environ.get("AWS_SESSION_TOKEN", ""),
    )


def _port_of(encrypted: bool) -> int:  # noqa: FBT001 - a scheme, in a word
    return 443 if encrypted else 80
