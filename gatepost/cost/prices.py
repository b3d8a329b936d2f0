"""Prices as data: reading and checking a price file (prices.toml), and what a quantity costs by it.

The file's own comments say what each meter counts and where its price comes from.
"""

import datetime as dt
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec

PRICE_FILE: Final = Path(__file__).with_name("prices.toml")
"""The prices that come along: us-east-1."""

Money = Annotated[float, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class PriceError(Exception):
    """A price file can't be used; the text names the file and what to change."""


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price that holds until a month's quantity reaches `up_to`."""

    usd: Money
    up_to: Positive = math.inf


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `per` units of one meter cost, by tiers; `free` units a month in the free tier."""

    per: Positive
    tiers: Annotated[tuple[Tier, ...], msgspec.Meta(min_length=1)]
    source: str
    read: str
    free: Money = 0

    def of(self, quantity: float) -> float:
        """Give what a month's quantity costs, in USD."""
        cost = begin = 0.0
        for tier in self.tiers:
            cost += max(0.0, min(quantity, tier.up_to) - begin) * tier.usd / self.per
            begin = tier.up_to
        return cost


class Meters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every meter that the model counts: all must be in a price file, and nothing else."""

    websocket_messages: Price
    websocket_minutes: Price
    http_api_calls: Price
    lambda_requests: Price
    lambda_gb_seconds: Price
    dynamodb_writes: Price
    dynamodb_reads: Price
    dynamodb_gb: Price
    logs_gb: Price
    custom_metrics: Price
    alarms: Price
    dashboards: Price
    transfer_out_gb: Price


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of one region, as they were known on a day."""

    region: str
    as_of: dt.date
    meters: Mapping[str, Price]


def read_prices(path: Path = PRICE_FILE) -> Prices:
    """Read a price file. Raises PriceError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PriceError(f"{path}: it can't be read as TOML: {error}") from error
    region, as_of = found.pop("region", None), found.pop("as_of", None)
    if not isinstance(region, str) or type(as_of) is not dt.date:
        raise PriceError(f"{path}: `region` (text) and `as_of` (a date) must stand at its top")
    try:
        meters = msgspec.convert(found, Meters)
    except msgspec.ValidationError as error:
        raise PriceError(f"{path}: {error}. Copy {PRICE_FILE} and change its figures") from error
    by_name = {name: getattr(meters, name) for name in Meters.__struct_fields__}
    for name, price in by_name.items():
        _check_tiers(f"{path}: {name}", price)
    return Prices(region, as_of, by_name)


def _check_tiers(where: str, price: Price) -> None:
    ends = [tier.up_to for tier in price.tiers]
    if sorted(set(ends)) != ends or ends[-1] != math.inf:
        raise PriceError(f"{where}: `up_to` must grow from tier to tier, and the last has none")
