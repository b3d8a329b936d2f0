"""What is metered: by AWS's rules, by what the functions do, and so that usages add up."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.cost.counting import REQUESTS, Cause, count, steps
from gatepost.cost.usage import Assumptions, Kind, Usage

PAGE = Path(__file__).parents[3] / "docs/explanation/delivery.md"
OPERATIONS = {
    "BatchGetItem": "batch_get",
    "DeleteItem": "delete",
    "GetItem": "get",
    "PutItem": "put",
    "Query": "query",
    "TransactWriteItems": "transact",
    "UpdateItem": "update",
}


def quantities(usage: Usage, *causes: Cause) -> Counter[str]:
    """Sums by meter, of some causes or of all."""
    sums: Counter[str] = Counter()
    for charge in count(usage, Assumptions()):
        if not causes or charge.cause in causes:
            sums[charge.meter] += charge.quantity  # type: ignore[assignment] # fractions count too
    return sums


@pytest.mark.parametrize(
    ("size_bytes", "times"), [(0, 1), (1, 1), (32 * 1024, 1), (32 * 1024 + 1, 2), (33 * 1024, 2)]
)
def test_a_message_is_metered_for_each_32_kb_begun(size_bytes: int, times: int) -> None:
    """33 KB count as two."""
    assert steps(size_bytes, 32 * 1024) == times


def test_a_publication_is_one_message_in_its_reply_and_one_for_each_recipient() -> None:
    """B-340."""
    usage = Usage(connections=1000, minutes=0, messages=2, audience=100)
    assert quantities(usage)["websocket_messages"] == pytest.approx(2000 * (1 + 1 + 100))


def test_a_signal_has_no_reply() -> None:
    """Its route is one-way."""
    usage = Usage(connections=1000, minutes=0, messages=2, audience=100, kind=Kind.SIGNAL)
    assert quantities(usage)["websocket_messages"] == pytest.approx(2000 * (1 + 100))


def test_a_heartbeat_every_nine_minutes_is_4867_messages_each_way() -> None:
    """B-344, for one client; the template's function answers, so it counts twice."""
    usage = Usage(connections=1, ping_s=540)
    assert quantities(usage, Cause.PINGS)["websocket_messages"] / 2 == pytest.approx(4867, abs=0.5)


def test_servers_pay_for_calls_and_their_publications_are_no_messages_in() -> None:
    """One call, and one message for each recipient."""
    found = quantities(Usage(connections=100, minutes=0, server_messages=5, audience=100))
    assert found["http_api_calls"] == 5
    assert found["websocket_messages"] == 500


def test_workers_are_invoked_for_large_audiences_alone() -> None:
    """Five share one in more than two shards; of a very large one each hands the rest on."""
    audiences = (2000, 2001, 100_000, 1_000_000)
    once: dict[str, Any] = {"connections": 1e6, "minutes": 0, "messages": 1e-6}
    usages = [Usage(**once, audience=each) for each in audiences]
    workers = [
        sum(
            charge.quantity
            for charge in count(usage, Assumptions())
            if charge.item == "requests: fanout"
        )
        for usage in usages
    ]
    assert workers == [0, 5, 5, pytest.approx(500 / 12)]


def test_joins_and_leaves_reach_everybody_else_up_to_fifty() -> None:
    """Beyond that none are sent; and none where the namespace does not announce."""
    usage = Usage(connections=100, minutes=120, audience=50, announced=True)
    found = quantities(usage, Cause.ANNOUNCING)
    assert found["websocket_messages"] == 2 * 100 * 49
    many = Usage(connections=100, minutes=120, audience=51, announced=True)
    assert not quantities(many, Cause.ANNOUNCING)
    silent = Usage(connections=100, minutes=120, audience=50)
    assert not quantities(silent, Cause.ANNOUNCING)


@pytest.mark.parametrize("action", ["subscribe", "publish", "publish with key", "signal"])
def test_the_table_is_asked_as_the_page_on_delivery_says(action: str) -> None:
    """Which a test compares with what the functions do."""
    row = asdict(REQUESTS[action])
    counted = ", ".join(f"{row[each]} {name}" for name, each in OPERATIONS.items() if row[each])
    assert f"| `{action}` | {counted} |" in PAGE.read_text(encoding="utf-8")


def test_an_item_of_a_transaction_takes_two_write_units() -> None:
    """Publishing with a key: claim, rate, head and mark, and a transaction of two."""
    assert REQUESTS["publish with key"].writes == 4 + 2 * 2
    assert REQUESTS["connect"].writes == 6


USAGES = st.builds(
    Usage,
    connections=st.integers(1000, 100_000),
    minutes=st.integers(0, 40_000),
    messages=st.integers(0, 1000),
    server_messages=st.integers(0, 100_000),
    audience=st.integers(0, 1000),
    size_bytes=st.integers(0, 28_000),
    kind=st.sampled_from(Kind),
    channels=st.integers(0, 100),
    session_minutes=st.integers(1, 120),
)


@given(USAGES, st.integers(2, 5))
def test_clients_of_one_kind_add_up(usage: Usage, times: int) -> None:
    """So many times the clients are so many times the quantities, but for what is fixed."""
    values = asdict(usage)
    values["connections"] *= times
    values["server_messages"] *= times
    one, many = quantities(usage), quantities(Usage(**values))
    fixed = {"custom_metrics", "alarms", "dashboards"}
    assert {name: pytest.approx(value * times) for name, value in one.items()} == {
        name: value * (times if name in fixed else 1) for name, value in many.items()
    }


@given(USAGES, st.integers(0, 1000), st.integers(0, 1000))
def test_messages_add_up(usage: Usage, first: int, second: int) -> None:
    """What one and then the other costs, both cost; storage alone is bounded by what is kept."""
    values = asdict(usage)
    causes = (Cause.PUBLISHING, Cause.AUDIENCE)
    none, a, b, both = (
        quantities(Usage(**{**values, "messages": messages}), *causes)
        for messages in (0, first, second, first + second)
    )
    for meter in both.keys() - {"dynamodb_gb"}:
        assert both[meter] + none[meter] == pytest.approx(a[meter] + b[meter])
