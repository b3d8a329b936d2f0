"""`ping`."""

import pytest

from functions.core.permissions import Grant
from tests.fake_rows import Rows
from tests.functions.actions.conftest import Ask, Asking, code, result
from tests.functions.conftest import Clock, MakeContext


async def test_a_ping_renews_the_lease(ask: Ask, rows: Rows, clock: Clock) -> None:
    """Twelve minutes from now; `at` is milliseconds."""
    clock.now += 100
    assert result(await ask("ping")) == {"at": 1_800_000_100_500, "behind": []}
    assert rows.connections["me="].lease_until == 1_800_000_820


async def test_a_ping_over_a_forgotten_connection_says_so(ask: Ask, rows: Rows) -> None:
    """101: the client is to connect again."""
    rows.connections.clear()
    assert code(await ask("ping")) == 101


async def test_a_ping_says_which_channels_have_moved_on(ask: Ask) -> None:
    """So that the last publication of a quiet channel is not lost for good."""
    behind = result(await ask("publish", channel="log:a", data=1))
    await ask("publish", channel="log:a", data=2)
    even = result(await ask("publish", channel="log:b", data=1))
    reply = await ask("ping", positions={"log:a": behind, "log:b": even, "plain:a": even})
    assert result(reply)["behind"] == ["log:a"]


async def test_a_ping_tells_nothing_of_what_is_not_ones_own(
    ask: Ask, asking: Asking, make_context: MakeContext
) -> None:
    """Channels that one may not subscribe to, and names that are none, are passed over."""
    await ask("publish", channel="log:a", data=1)
    asking.surroundings = make_context("me=", grants=(Grant("chat:*", ("subscribe",)),))
    lost = {"epoch": "e", "offset": 0}
    positions = {"log:a": lost, "none:a": lost, "chat:a b": lost, "chat:" + "x" * 3000: lost}
    assert result(await ask("ping", positions=positions))["behind"] == []


@pytest.mark.parametrize(
    "positions",
    [
        {f"log:{number}": {"epoch": "e", "offset": 1} for number in range(101)},
        {"log:a": 5},
        {"log:a": {"epoch": "e", "offset": -1}},
        [],
    ],
)
async def test_a_malformed_ping_is_refused(ask: Ask, positions: object) -> None:
    """107: up to a hundred positions."""
    assert code(await ask("ping", positions=positions)) == 107
