"""Bills: worked examples, and what holds for every usage."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.cost.billing import SERVICES, Bill, bill
from gatepost.cost.counting import Cause, Charge, count
from gatepost.cost.prices import Meters, read_prices
from gatepost.cost.usage import Assumptions, Kind, Usage
from tests.gatepost.cost.test_counting import USAGES

PRICES = read_prices()


def billed(usage: Usage, *, free_tier: bool = False) -> Bill:
    """A month's bill."""
    return bill(count(usage, Assumptions()), PRICES, free_tier=free_tier)


def usd_of(found: Bill, item: str) -> float:
    """What one item costs."""
    return next(line.usd for line in found.lines if line.item == item)


def test_ten_thousand_always_on_clients_are_109_50_before_any_message() -> None:
    """10,000 x 730 h x 60 min x $0.25 per million (B-341)."""
    found = billed(Usage(connections=10_000, ping_s=0, channels=0))
    assert usd_of(found, "connection minutes") == pytest.approx(109.50)


def test_a_publication_to_a_thousand_costs_a_tenth_of_a_cent_in_messages() -> None:
    """A thousand messages out at $1.00 per million."""
    found = billed(Usage(connections=1000, minutes=0, messages=1, audience=1000, kind=Kind.SIGNAL))
    assert usd_of(found, "messages out") / 1000 == pytest.approx(0.001)


def test_a_heartbeat_every_nine_minutes_of_ten_thousand_is_48_67_each_way() -> None:
    """B-344; the reply is as dear."""
    found = billed(Usage(connections=10_000, ping_s=540, channels=0))
    assert usd_of(found, "messages in") == pytest.approx(48.67, abs=0.01)
    assert usd_of(found, "messages out") == pytest.approx(48.67, abs=0.01)


def test_a_chat_of_two_hundred_is_the_sum_that_was_done_by_hand() -> None:
    """200 clients, 20 h a month, 300 messages each to 10, plain, one session of 2 h at a time.

    2,000 sessions, 60,000 publications, 600,000 sends, 30,000 pings of 480 s:
    messages: pings 2 x 30,000 + subscribes 2 x 2,000 + publications 2 x 60,000 + 600,000 = 784,000;
    writes: 2,000 x (6 + 4 + 7 + 4) + 30,000 = 72,000.
    """
    usage = Usage(connections=200, minutes=1200, messages=300, audience=10, kind=Kind.PLAIN)
    found = billed(usage)
    messages = usd_of(found, "messages in") + usd_of(found, "messages out")
    assert messages == pytest.approx(0.784)
    assert usd_of(found, "connection minutes") == pytest.approx(0.06)
    assert usd_of(found, "writes") == pytest.approx(0.072 * 0.625)


def test_what_dominates_follows_from_the_usage() -> None:
    """Pings of silent channels, being connected, or the audience."""
    always = Usage(connections=10_000)
    assert billed(always).dominant is Cause.PINGS
    asleep = Usage(connections=10_000, ping_s=0, kind=Kind.PLAIN)
    assert billed(asleep).dominant is Cause.CONNECTED
    crowd = Usage(connections=10_000, minutes=600, messages=100, audience=1000)
    assert billed(crowd).dominant is Cause.AUDIENCE


def test_every_meter_has_its_place_in_the_report() -> None:
    """And no other."""
    assert set(SERVICES) == set(Meters.__struct_fields__)


def test_tiers_count_over_all_items_of_a_meter() -> None:
    """Messages in and out are one meter: 1.5 billion are $1,400, shared by their numbers."""
    charges = [
        Charge("in", "websocket_messages", Cause.PINGS, 0.5e9),
        Charge("out", "websocket_messages", Cause.AUDIENCE, 1e9),
    ]
    found = bill(charges, PRICES)
    assert [line.usd for line in found.lines] == [pytest.approx(1400 / 3), pytest.approx(2800 / 3)]
    assert found.dominant is Cause.AUDIENCE


def test_free_tiers_are_left_out_unless_they_are_asked_for() -> None:
    """Little is left of a small month then: requests to the table on demand have none."""
    usage = Usage(connections=10, minutes=600, ping_s=480)
    assert billed(usage).total_usd > 8
    assert billed(usage, free_tier=True).total_usd == pytest.approx(
        23 * 0.10 + usd_of(billed(usage), "writes") + usd_of(billed(usage), "reads")
    )


def test_nothing_costs_nothing() -> None:
    """And nothing dominates."""
    assert (bill([], PRICES).total_usd, bill([], PRICES).dominant) == (0, None)


@given(USAGES)
def test_items_and_causes_are_the_same_sum(usage: Usage) -> None:
    """No charge is lost on the way."""
    found = billed(usage)
    assert sum(usd for _, usd in found.causes) == pytest.approx(found.total_usd)


@given(
    USAGES,
    st.sampled_from(
        ["connections", "minutes", "messages", "server_messages", "audience", "size_bytes",
         "channels"]
    ),
    st.integers(0, 100),
)  # fmt: skip
def test_more_of_anything_never_costs_less(usage: Usage, field: str, more: int) -> None:
    """Joins apart, which end at fifty users."""
    values = asdict(usage)
    values[field] = min(values[field] + more, 100 if field == "channels" else 1e9)
    before, after = billed(usage).total_usd, billed(Usage(**values)).total_usd
    assert after >= before * (1 - 1e-9)


@given(USAGES)
def test_a_free_tier_never_makes_a_bill_larger(usage: Usage) -> None:
    """Nor negative."""
    assert 0 <= billed(usage, free_tier=True).total_usd <= billed(usage).total_usd + 1e-9
