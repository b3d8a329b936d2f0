"""Region and credentials from the environment variables that Lambda sets, without botocore.

What else botocore knows (profiles, containers, proxies) is left to it: then there are none here,
and who asks uses botocore. Lambda's hold as long as the environment that has them.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

CA_BUNDLE_VARIABLE: Final = "AWS_CA_BUNDLE"
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
"""Variables that change who asks, or where and by which way; only botocore heeds them all."""


class Credentials(Struct, frozen=True):
    """What requests are signed with; the names are those of botocore's, `token` may be empty."""

    region: str
    access_key: str
    secret_key: str
    token: str


def read_credentials(environ: Mapping[str, str]) -> Credentials | None:
    """Read the variables; None when they leave something for botocore to find out."""
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    access_key, secret_key = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not (region and access_key and secret_key) or any(map(environ.get, NEEDS_BOTOCORE)):
        return None
    return Credentials(region, access_key, secret_key, environ.get("AWS_SESSION_TOKEN", ""))


class LambdaSession:
    """What of a session of botocore's a sender asks for, as Lambda's variables tell it."""

    def __init__(self, credentials: Credentials, ca_bundle: str | None) -> None:
        self._credentials = credentials
        self._variables = {"region": credentials.region, "ca_bundle": ca_bundle}

    def get_config_variable(self, name: str) -> str | None:
        """Give the region, or the file of the roots that are to be trusted."""
        return self._variables[name]

    async def get_credentials(self) -> "LambdaSession":
        """Give who can freeze the credentials; there is nothing to refresh."""
        return self

    async def get_frozen_credentials(self) -> Credentials:
        """Give the credentials."""
        return self._credentials


def lambda_session(environ: Mapping[str, str]) -> LambdaSession | None:
    """Give a session of the variables; None when they leave something for botocore to find out."""
    credentials = read_credentials(environ)
    if credentials is None:
        return None
    return LambdaSession(credentials, environ.get(CA_BUNDLE_VARIABLE))
