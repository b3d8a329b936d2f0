"""What the deployment sets: environment variables, read into one typed value.

Endpoints, region and credentials are not here: botocore reads the standard variables itself.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

MANAGEMENT_ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
"""Where botocore looks for the management API's endpoint (B-339)."""


class SettingsError(Exception):
    """An environment variable is missing or wrong; the text names it and what to do."""


class Settings(Struct, frozen=True):
    """What all functions that keep state need."""

    table_name: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raise SettingsError for the first that is missing or wrong."""
    return Settings(table_name=require(environ, "TABLE_NAME", "the name of the DynamoDB table"))


def require(environ: Mapping[str, str], name: str, meaning: str) -> str:
    """Give a variable's value; raise SettingsError when it is missing or empty."""
    value = environ.get(name, "")
    if not value:
        raise SettingsError(
            f"{name} is not set: it is {meaning}; serverless.yml sets it when deployed, "
            f"the emulator when run locally"
        )
    return value
