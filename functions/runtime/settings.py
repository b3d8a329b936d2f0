"""What the deployment sets: environment variables, read into one typed value.

Region, credentials and the other endpoints are not here: adapters read the standard variables.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from functions.core import limits

MANAGEMENT_ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
"""Where botocore looks for the management API's endpoint (B-339)."""

TRANSPORT_VARIABLE: Final = "TRANSPORT"
TRANSPORTS: Final = ("http", "aiobotocore")
"""What reaches connections: the sender made for broadcasts, which is the default, or botocore."""


class SettingsError(Exception):
    """An environment variable is missing or wrong; the text names it and what to do."""


class Settings(Struct, frozen=True):
    """What all functions that keep state need."""

    table_name: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raise SettingsError for the first that is missing or wrong."""
    return Settings(table_name=require(environ, "TABLE_NAME", "the name of the DynamoDB table"))


class FanoutSettings(Struct, frozen=True):
    """How broadcasts are dealt to workers, and how fast those are.

    `function` is the worker function's name, empty where there is none. `quota` is requests a
    second, of which `share` is for fan-outs; `workers` is how many run at a time, each of which
    begins sends for `budget_s` seconds.
    """

    function: str
    quota: float
    share: float
    workers: int
    budget_s: float

    @property
    def sends_per_second(self) -> float:
        """The speed of one worker."""
        return self.share * self.quota / self.workers


def read_fanout(environ: Mapping[str, str]) -> FanoutSettings:
    """Read the settings of fan-outs; raise SettingsError for the first that is wrong."""
    return FanoutSettings(
        function=environ.get("FANOUT_FUNCTION", ""),
        quota=_number(environ, "FANOUT_QUOTA", limits.FANOUT_QUOTA, at_most=10_000_000),
        share=_number(environ, "FANOUT_SHARE", limits.FANOUT_SHARE, at_most=1),
        workers=_whole(environ, "FANOUT_WORKERS", limits.FANOUT_WORKERS, at_most=1000),
        budget_s=_number(environ, "FANOUT_BUDGET_S", limits.FANOUT_BUDGET_S, at_most=870),
    )


def _number(environ: Mapping[str, str], name: str, default: float, *, at_most: float) -> float:
    text = environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = 0.0
    if not 0 < value <= at_most:  # which is true of nothing that is not a number
        raise SettingsError(f"{name} is {text!r}: it must be a number above 0, up to {at_most:g}")
    return value


def _whole(environ: Mapping[str, str], name: str, default: int, *, at_most: int) -> int:
    value = _number(environ, name, default, at_most=at_most)
    if value != int(value):
        raise SettingsError(f"{name} is {environ[name]!r}: it must be a whole number")
    return int(value)


def management_endpoint(environ: Mapping[str, str]) -> str:
    """Give the management API's URL; raise SettingsError when it is missing or no such URL."""
    name, form = MANAGEMENT_ENDPOINT_VARIABLE, "https://{host}/{stage}"
    url = require(environ, name, f"the endpoint of the gateway's management API, {form}")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none
        valid = False
    if not valid:
        raise SettingsError(f"{name} is {url!r}: it must have the form {form}")
    return url


def transport(environ: Mapping[str, str]) -> str:
    """Give which of TRANSPORTS is asked for; raise SettingsError for any other."""
    name = environ.get(TRANSPORT_VARIABLE) or TRANSPORTS[0]
    if name not in TRANSPORTS:
        raise SettingsError(
            f"{TRANSPORT_VARIABLE} is {name!r}: it must be one of {', '.join(TRANSPORTS)}"
        )
    return name


def require(environ: Mapping[str, str], name: str, meaning: str) -> str:
    """Give a variable's value; raise SettingsError when it is missing or empty."""
    value = environ.get(name, "")
    if not value:
        raise SettingsError(
            f"{name} is not set: it is {meaning}; serverless.yml sets it when deployed, "
            f"the emulator when run locally"
        )
    return value
