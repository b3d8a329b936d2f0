"""Prices are data: complete, dated, each with its source; what can't be used is named."""

import datetime as dt
from pathlib import Path

import pytest

from gatepost.cost.prices import PRICE_FILE, Price, PriceError, Tier, read_prices


def test_the_prices_that_come_along_are_complete_dated_and_have_their_sources() -> None:
    """Of us-east-1; every meter says on which of AWS's pages its price stands."""
    prices = read_prices()
    assert prices.region == "us-east-1"
    assert dt.date(2025, 1, 1) < prices.as_of
    for price in prices.meters.values():
        assert price.source.startswith("https://aws.amazon.com/")
        assert price.read


@pytest.mark.parametrize(
    ("quantity", "usd"), [(0, 0), (5, 5), (10, 10), (30, 20), (40, 25), (140, 50)]
)
def test_a_quantity_is_priced_tier_by_tier(quantity: float, usd: float) -> None:
    """What is above a tier's end costs the next one's price."""
    tiers = (Tier(1, up_to=10), Tier(0.5, up_to=40), Tier(0.25))
    assert Price(per=1, tiers=tiers, source="", read="").of(quantity) == usd


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("region = ", "place = ", "`region` (text) and `as_of` (a date)"),
        ("as_of = 2026", 'as_of = "then" # 2026', "`region` (text) and `as_of` (a date)"),
        ("[alarms]", "[alarmz]", "unknown field `alarmz`"),
        ("usd = 0.625", "usd = -1", "`$.dynamodb_writes.tiers[0].usd`"),
        ("per = 1_000_000", "per = 0", "`$.websocket_messages.per`"),
        ("{ usd = 0.80 }", "{ usd = 0.80, up_to = 5 }", "websocket_messages: `up_to` must grow"),
        ("[websocket_messages]", "[websocket_messages", "it can't be read as TOML"),
    ],
)
def test_a_price_file_that_cant_be_used_is_named_with_what_to_change(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    """So that nobody gets a bill by half a file."""
    path = tmp_path / "prices.toml"
    path.write_text(PRICE_FILE.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PriceError) as raised:
        read_prices(path)
    assert str(raised.value).startswith(str(path))
    assert said in str(raised.value)


def test_a_price_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """By its path."""
    with pytest.raises(PriceError, match=r"none\.toml"):
        read_prices(tmp_path / "none.toml")
