"""Reports say what costs what, by which prices, and what was assumed."""

import json

import pytest

from gatepost.cost import report
from gatepost.cost.billing import Bill, bill
from gatepost.cost.counting import Cause, count
from gatepost.cost.prices import read_prices
from gatepost.cost.usage import Assumptions, Usage

PRICES = read_prices()
ASSUMED = Assumptions()


def billed(usage: Usage, *, free_tier: bool = False) -> Bill:
    """A month's bill."""
    return bill(count(usage, ASSUMED), PRICES, free_tier=free_tier)


def text(usage: Usage, *, free_tier: bool = False) -> str:
    """The report that a terminal shows."""
    found = billed(usage, free_tier=free_tier)
    return "\n".join(report.as_text(usage, ASSUMED, found, PRICES))


def test_a_report_has_items_total_causes_and_what_dominates() -> None:
    """And the prices' date and region."""
    shown = text(Usage(connections=10_000, ping_s=0))
    assert f"us-east-1, by prices of {PRICES.as_of}, without free tiers" in shown
    assert "$109.50" in shown
    assert f"${billed(Usage(connections=10_000, ping_s=0)).total_usd:,.2f}" in shown
    assert "What dominates: always-on connections." in shown
    assert "Not counted: " in shown


def test_a_report_says_whether_free_tiers_are_taken_off() -> None:
    """In its first line."""
    assert "after free tiers" in text(Usage(connections=1), free_tier=True).splitlines()[0]


def test_json_holds_what_the_text_shows_and_where_prices_were_read() -> None:
    """With all assumptions."""
    usage = Usage(connections=10_000)
    shown = json.loads(report.as_json(usage, ASSUMED, billed(usage), PRICES))
    assert shown["total_usd"] == pytest.approx(sum(line["usd"] for line in shown["lines"]))
    assert shown["dominant"] == "always-on pings"
    assert shown["sources"].keys() == {line["meter"] for line in shown["lines"]}
    assert shown["assumptions"]["send_ms"] == ASSUMED.send_ms
    assert shown["prices_as_of"] == PRICES.as_of.isoformat()


@pytest.mark.parametrize("cause", Cause)
def test_there_is_advice_for_whatever_dominates(cause: Cause) -> None:
    """A sentence that says what to do."""
    assert report.ADVICE[cause].endswith(".")


def test_a_month_without_anything_is_reported_as_what_is_fixed() -> None:
    """Alarms, metrics and dashboard."""
    assert "What dominates: alarms and metrics." in text(Usage(connections=0))
