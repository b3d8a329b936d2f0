"""Usage has bounds, and the bounds and defaults are those of the code that is deployed."""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from functions.adapters import dynamodb_items as items
from functions.core import limits, protocol
from functions.core.ports import Subscription
from gatepost.cost import usage
from gatepost.cost.usage import Assumptions, Kind, Usage, UsageError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("connections", -1),
        ("connections", float("nan")),
        ("minutes", 44_641),
        ("messages", -1),
        ("audience", -1),
        ("size_bytes", 28 * 1024 + 1),
        ("session_minutes", 0),
        ("session_minutes", 121),
        ("channels", 101),
        ("ping_s", 541),
    ],
)
def test_a_value_out_of_bounds_is_named_with_them(field: str, value: float) -> None:
    """Whichever it is."""
    changed: dict[str, Any] = {"connections": 10, field: value}
    with pytest.raises(UsageError, match=f"^{field}: "):
        Usage(**changed)


def test_an_audience_is_at_most_everybody() -> None:
    """Nobody is reached who isn't there."""
    with pytest.raises(UsageError, match="more than all 10 connections"):
        Usage(connections=10, audience=11)


def test_bounds_are_those_of_the_functions() -> None:
    """The wheel has no functions to ask, so this compares."""
    assert usage.SIZE_BYTES_MAX == limits.DATA_BYTES_MAX
    assert usage.BOUNDS["channels"][1] == limits.SUBSCRIPTIONS_MAX
    assert usage.BOUNDS["ping_s"][1] < limits.LEASE_S
    assert Assumptions().shard_subscribers == limits.SHARD_SUBSCRIBERS_MAX
    assert Assumptions().announced_users_max == limits.ANNOUNCE_USERS_MAX
    assert Assumptions().direct_shards == getattr(limits, "DIRECT_SHARDS_MAX", 2)
    assert Assumptions().workers == getattr(limits, "FANOUT_WORKERS", 5)
    assert Assumptions().worker_s == getattr(limits, "FANOUT_BUDGET_S", 12)


def test_pings_come_as_often_as_the_browser_client_sends_them() -> None:
    """Its options' defaults."""
    client = (ROOT / "web/client/gatepost.js").read_text(encoding="utf-8")
    assert f"pingIntervalMs: {usage.PING_S // 60} * 60_000" in client
    assert f"channelSilenceMs: {usage.SILENT_CHANNEL_PING_S}_000" in client


def test_memory_is_that_of_the_template() -> None:
    """Of all functions, and of the worker where it has another."""
    template = (ROOT / "serverless.yml").read_text(encoding="utf-8")
    [memory] = re.findall(r"^  memorySize: (\d+)", template, re.MULTILINE)
    others = re.findall(r"^    memorySize: (\d+)", template, re.MULTILINE)
    assert Assumptions().memory_mb == float(memory)
    assert {float(each) for each in others} <= {Assumptions().worker_memory_mb}
    assert "  architecture: arm64\n" in template


def test_sizes_are_at_least_those_of_real_messages_and_rows() -> None:
    """Of names and ids of an ordinary length; at most half as much again."""
    sender = protocol.Sender("user-12345", "L0SM9cOFvHcCIhw=")
    publication = protocol.encode(
        protocol.Publication(
            id="0" * 32,
            channel="chat:a-channel",
            data=Raw(b""),
            sender=sender,
            at=1_780_000_000_000,
            epoch="0" * 32,
            offset=123_456,
        )
    )
    assert 1 <= Assumptions().envelope_bytes / len(publication) <= 1.5
    row = items.by_channel_item(
        Subscription(
            connection_id=sender.connection,
            channel="chat:a-channel",
            user=sender.user,
            shard=0,
            authorized_until=1_780_000_000,
            expires_at=1_780_000_000,
        )
    )
    row_bytes = sum(len(name) + len(str(*value.values())) for name, value in row.items())
    assert 1 <= Assumptions().subscription_row_bytes / row_bytes <= 1.5


@pytest.mark.parametrize(
    ("kind", "ping_s", "pings"),
    [(Kind.HISTORY, None, 120), (Kind.PLAIN, None, 7.5), (Kind.PLAIN, 0, 0), (Kind.PLAIN, 60, 60)],
)
def test_pings_follow_the_kind_unless_they_are_given(
    kind: Kind, ping_s: float | None, pings: float
) -> None:
    """In an hour of one client."""
    assert Usage(connections=1, minutes=60, kind=kind, ping_s=ping_s).pings == pings
