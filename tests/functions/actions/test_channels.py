"""`subscribe`, `unsubscribe`, `publish` and `signal` as requests."""

import json
from typing import Any

import pytest

from functions.core.errors import RATE_LIMIT_IGNORED
from functions.core.permissions import Grant
from tests.fake_rows import Rows
from tests.fakes import MemoryTransport
from tests.functions.actions.conftest import Ask, Asking, Reply, code, result
from tests.functions.conftest import MakeContext


def results(reply: Reply) -> list[dict[str, Any]]:
    """Give what a reply to `subscribe` says of each channel."""
    found = result(reply)["channels"]
    assert isinstance(found, list)
    return found


async def test_one_channel_gets_one_result(ask: Ask, rows: Rows) -> None:
    """The short form of a request."""
    assert result(await ask("subscribe", channel="plain:a")) == {
        "channels": [{"channel": "plain:a"}]
    }
    assert list(rows.subscriptions) == [("plain:a", "me=")]


async def test_a_channel_with_history_has_a_position(ask: Ask) -> None:
    """Nothing else, as nothing was to be recovered."""
    [found] = results(await ask("subscribe", channel="log:a"))
    assert found == {"channel": "log:a", "epoch": "id-1", "offset": 0}


async def test_what_was_missed_comes_with_the_reply(ask: Ask) -> None:
    """As it was sent to those who were there."""
    since = result(await ask("publish", channel="log:a", data=1))
    await ask("publish", channel="log:a", data={"n": 2})
    [found] = results(await ask("subscribe", channel="log:a", recover=since))
    [publication] = found.pop("publications")
    assert found == {
        "channel": "log:a",
        "epoch": since["epoch"],
        "offset": 2,
        "recovered": True,
        "more": False,
    }
    assert publication == {
        "type": "publication",
        "id": publication["id"],
        "channel": "log:a",
        "data": {"n": 2},
        "at": 1_800_000_000_500,
        "from": {"user": "user-of-me=", "connection": "me="},
        "epoch": since["epoch"],
        "offset": 2,
    }


async def test_what_is_wrong_with_one_of_channels_is_its_own(ask: Ask, rows: Rows) -> None:
    """The others are subscribed to; results keep the order asked for."""
    reply = await ask("subscribe", channels=[{"channel": "bad"}, {"channel": "plain:a"}])
    bad, good = results(reply)
    assert (bad["channel"], bad["error"]["code"], bad["error"]["temporary"]) == ("bad", 107, False)
    assert set(bad) == {"channel", "error"}
    assert good == {"channel": "plain:a"}
    assert list(rows.subscriptions) == [("plain:a", "me=")]


async def test_only_bad_names_subscribe_to_nothing(ask: Ask, rows: Rows) -> None:
    """And the request itself is fine."""
    reply = await ask("subscribe", channels=[{"channel": "bad"}])
    assert reply["ok"] is True
    assert rows.subscriptions == {}


@pytest.mark.parametrize(
    ("channel", "expected"), [("bad", 107), ("none:a", 102), ("x:" + "y" * 127, 106)]
)
async def test_what_is_wrong_with_the_only_channel_is_the_requests(
    ask: Ask, channel: str, expected: int
) -> None:
    """For each action that names one."""
    assert code(await ask("subscribe", channel=channel)) == expected
    assert code(await ask("publish", channel=channel, data=1)) == expected
    assert code(await ask("signal", channel=channel, data=1)) == expected
    assert code(await ask("history", channel=channel)) == expected
    assert code(await ask("presence", channel=channel)) == expected
    assert code(await ask("presenceStats", channel=channel)) == expected


async def test_recovering_without_history_recovers_nothing_and_says_so(ask: Ask) -> None:
    """A client must know that it missed something."""
    reply = await ask("subscribe", channel="plain:a", recover={"epoch": "e", "offset": 3})
    lost = {"channel": "plain:a", "recovered": False, "publications": [], "more": False}
    assert result(reply) == {"channels": [lost]}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"channels": []},
        {"channels": [{"channel": f"plain:{number}"} for number in range(21)]},
        {"channels": [{"channel": "plain:a"}], "channel": "plain:b"},
        {"channels": "plain:a"},
        {"channels": [{"name": "plain:a"}]},
        {"channel": 5},
        {"channel": "plain:a", "recover": {"epoch": "e"}},
        {"channel": "plain:a", "recover": {"epoch": "e", "offset": -1}},
    ],
)
async def test_a_malformed_subscribe_names_the_field(ask: Ask, fields: dict[str, object]) -> None:
    """1 to 20 channels, or one."""
    reply = await ask("subscribe", **fields)
    assert code(reply) == 107
    assert "channel" in str(reply["error"]) or "recover" in str(reply["error"])


async def test_recovering_twenty_full_channels_is_one_reply(ask: Ask) -> None:
    """Within 96 KiB, as every reply; what has no room is `more`."""
    wanted = []
    for number in range(20):
        first = result(await ask("publish", channel=f"log:{number}", data=0))
        for _ in range(3):
            await ask("publish", channel=f"log:{number}", data="x" * 5000)
        wanted.append({"channel": f"log:{number}", "recover": first})
    found = results(await ask("subscribe", channels=wanted))
    assert [each["recovered"] for each in found] == [True] * 20
    assert {each["more"] for each in found} == {True}


async def test_publishing_without_history_replies_with_nothing(
    ask: Ask, transport: MemoryTransport
) -> None:
    """There is no position; `key` is accepted."""
    await ask("subscribe", channel="plain:a")
    assert await ask("publish", channel="plain:a", data={"a": 1}, key="k") == {
        "type": "reply",
        "ok": True,
    }
    assert json.loads(transport.sent[0][1])["data"] == {"a": 1}


async def test_publishing_with_history_replies_with_the_position(ask: Ask) -> None:
    """The same for the same key."""
    first = await ask("publish", channel="log:a", data=1, key="k", id=7)
    epoch = result(first)["epoch"]
    assert first == {
        "type": "reply",
        "ok": True,
        "id": 7,
        "result": {"epoch": epoch, "offset": 1},
    }
    assert await ask("publish", channel="log:a", data=1, key="k", id=7) == first
    assert result(await ask("publish", channel="log:a", data=1)) == {"epoch": epoch, "offset": 2}


async def test_publish_without_echo_spares_the_sender(ask: Ask, transport: MemoryTransport) -> None:
    """`echo` is true unless it says otherwise."""
    await ask("subscribe", channel="plain:a")
    await ask("publish", channel="plain:a", data=1, echo=False)
    assert transport.sent == []


@pytest.mark.parametrize(
    "fields",
    [
        {"channel": "plain:a"},
        {"data": 1},
        {"channel": "plain:a", "data": 1, "key": "x" * 65},
        {"channel": "plain:a", "data": 1, "key": ""},
        {"channel": "plain:a", "data": 1, "echo": "no"},
    ],
)
async def test_a_malformed_publish_is_refused(ask: Ask, fields: dict[str, object]) -> None:
    """107 for a field that is missing or of a wrong type."""
    assert code(await ask("publish", **fields)) == 107


async def test_data_over_its_limit_is_refused(ask: Ask) -> None:
    """106, in both."""
    data = "x" * (28 * 1024 - 1)
    assert code(await ask("publish", channel="plain:a", data=data)) == 106
    assert code(await ask("signal", channel="live:a", data=data)) == 106
    assert (await ask("publish", channel="plain:a", data=data[:-1]))["ok"] is True


async def test_where_only_servers_publish_clients_may_not(ask: Ask, rows: Rows) -> None:
    """103, whatever the token says."""
    assert code(await ask("publish", channel="ticker:a", data=1)) == 103
    assert rows.entries == {}


async def test_a_permission_is_asked_for_each_action(
    make_context: MakeContext, asking: Asking, ask: Ask
) -> None:
    """103; one of another channel does not help."""
    allowed = (Grant("chat:b", ("subscribe", "publish", "presence", "history")),)
    asking.surroundings = make_context("me=", grants=allowed)
    for action in ("subscribe", "history", "presence", "presenceStats"):
        assert code(await ask(action, channel="chat:a")) == 103
        assert (await ask(action, channel="chat:b"))["ok"] is True
    assert code(await ask("publish", channel="chat:a", data=1)) == 103
    assert code(await ask("signal", channel="live:a", data=1)) == 103
    asking.surroundings = make_context("me=", grants=())
    assert code(await ask("subscribe", channel="chat:b")) == 103


async def test_a_signal_reaches_the_others_and_is_not_kept(
    make_context: MakeContext, asking: Asking, ask: Ask, transport: MemoryTransport
) -> None:
    """Only where the namespace has signals: 108."""
    await ask("subscribe", channel="slow:a")
    asking.surroundings = make_context("you=")
    await ask("subscribe", channel="slow:a")
    transport.sent.clear()
    assert (await ask("signal", channel="slow:a", data={"typing": True}))["ok"] is True
    [(to, payload)] = transport.sent
    assert (to, json.loads(payload)["data"]) == ("me=", {"typing": True})
    assert code(await ask("signal", channel="chat:a", data=1)) == 108


@pytest.mark.parametrize(
    ("action", "channel"), [("publish", "slow:a"), ("signal", "slow:a"), ("publish", "exact:a")]
)
async def test_too_many_are_refused_and_in_the_end_the_connection_closed(
    ask: Ask, asking: Asking, action: str, channel: str
) -> None:
    """Two at once are allowed here: then 111, and 3508 after twenty of them."""
    replies = [await ask(action, channel=channel, data=1) for _ in range(2 + 20)]
    assert [reply["ok"] for reply in replies[:3]] == [True, True, False]
    assert {code(reply) for reply in replies[2:]} == {111}
    assert asking.ended == []
    assert code(await ask(action, channel=channel, data=1)) == 111
    assert asking.ended == [RATE_LIMIT_IGNORED]


async def test_unsubscribing_replies_with_nothing(ask: Ask, rows: Rows) -> None:
    """Not being subscribed is fine."""
    await ask("subscribe", channel="plain:a")
    assert await ask("unsubscribe", channel="plain:a", id=3) == {
        "type": "reply",
        "ok": True,
        "id": 3,
    }
    assert rows.subscriptions == {}
    assert (await ask("unsubscribe", channel="plain:a"))["ok"] is True
    assert code(await ask("unsubscribe", channel="bad")) == 107
