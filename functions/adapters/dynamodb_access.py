"""Where DynamoDB is, and who asks, as far as the environment variables of Lambda say it all."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from functions.adapters.credentials import Credentials, read_credentials

ENDPOINT_VARIABLES: Final = ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL")
OTHER_PARTITIONS: Final = ("cn-", "us-iso", "eu-iso", "eusc-")
"""Regions whose endpoints have another domain."""


class Access(Struct, frozen=True):
    """An endpoint, and the credentials to sign with."""

    host: str
    port: int
    encrypted: bool
    credentials: Credentials

    @property
    def host_header(self) -> str:
        """Give the host as requests name and sign it: a scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _port(encrypted=self.encrypted) else f"{host}:{self.port}"


def read_access(environ: Mapping[str, str]) -> Access | None:
    """Read the variables; None when they leave something for botocore to find out."""
    credentials = read_credentials(environ)
    if credentials is None:
        return None
    endpoint = next(filter(None, map(environ.get, ENDPOINT_VARIABLES)), None)
    if endpoint is None:
        if credentials.region.startswith(OTHER_PARTITIONS):
            return None
        endpoint = f"https://dynamodb.{credentials.region}.amazonaws.com"
    url = urlsplit(endpoint)
    if url.scheme not in {"http", "https"} or not url.hostname or url.path not in {"", "/"}:
        return None
    encrypted = url.scheme == "https"
    port = url.port or _port(encrypted=encrypted)
    return Access(url.hostname, port, encrypted, credentials)


def _port(*, encrypted: bool) -> int:
    return 443 if encrypted else 80
