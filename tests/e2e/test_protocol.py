"""Each request and each message of docs/reference/protocol.md, through a socket.

A docstring names in backticks the rows of the page's tables that its test shows, and codes as
numbers; test_protocol_page.py sees to it that none is left out. History and recovery are shown by
test_protocol_history.py, presence by test_protocol_presence.py, errors and limits by
test_protocol_limits.py.
"""

import asyncio
import json
import time
from typing import TYPE_CHECKING

import pytest
from msgspec import Raw

from functions.core import publishing
from tests.e2e.peers import as_user, new_channel, pair, peer, token

if TYPE_CHECKING:
    from functions.core.context import Services
    from tests.e2e.conftest import RunningEmulator


@pytest.mark.parametrize("request_id", [7, 0, -(2**53 - 1), "a", "x" * 64, None])
async def test_a_reply_carries_the_id_of_its_request(
    template_over_moto: "RunningEmulator", request_id: object
) -> None:
    """`echo`, `reply`: integers and strings come back as they were; without one there is none."""
    given = {} if request_id is None else {"id": request_id}
    async with peer(as_user(template_over_moto, "ann")) as ann:
        assert await ann.ask(action="echo", data=[1, None], **given) == {
            "type": "reply",
            **given,
            "ok": True,
            "result": {"data": [1, None], "user": "ann"},
        }
        assert await ann.ask(action="fly", **given) == {
            "type": "reply",
            **given,
            "ok": False,
            "error": {"code": 104, "message": "action: there is no 'fly'", "temporary": False},
        }


async def test_subscribing_to_one_channel_tells_where_its_log_stands(
    template_over_moto: "RunningEmulator",
) -> None:
    """`subscribe`: with position where history is kept, with the name alone where it is not."""
    chat, game = new_channel(), new_channel("game")
    async with peer(as_user(template_over_moto, "ann")) as ann:
        begun = await ann.subscribed(chat)
        assert set(begun) == {"channel", "epoch", "offset"}
        assert begun["offset"] == 0
        assert await ann.subscribed(game) == {"channel": game}
        sent = await ann.result(action="publish", channel=chat, data=1)
        assert await ann.subscribed(chat) == {"channel": chat, **sent}


async def test_subscribing_to_many_channels_gives_each_its_own_result_in_order(
    template_over_moto: "RunningEmulator",
) -> None:
    """`subscribe`: 102, 103, 106 and 107 are one channel's; the others are subscribed to."""
    good, long = new_channel("game"), "chat:" + "x" * 124
    wanted = [good, "nowhere:a", "chat:secret", long, "no-namespace", "chat:kept"]
    async with peer(as_user(template_over_moto, "ann", "game:*", "chat:kept")) as ann:
        result = await ann.result(
            action="subscribe", channels=[{"channel": channel} for channel in wanted]
        )
        found = result["channels"]
        assert [each["channel"] for each in found] == wanted
        codes = [each.get("error", {}).get("code") for each in found]
        assert codes == [None, 102, 103, 106, 107, None]
        assert found[2]["error"]["temporary"] is False
        await ann.result(action="publish", channel=good, data="heard")
        assert (await ann.told("publication"))["data"] == "heard"


async def test_what_is_wrong_with_the_only_channel_is_the_requests_error(
    template_over_moto: "RunningEmulator",
) -> None:
    """`subscribe`, `publish`, `history`: 102 for a namespace that does not exist."""
    async with peer(as_user(template_over_moto, "ann", "*")) as ann:
        for action in ("subscribe", "publish", "history", "presence", "presenceStats"):
            assert await ann.error(action=action, channel="nowhere:a", data=1) == 102


async def test_subscribing_again_changes_nothing(template_over_moto: "RunningEmulator") -> None:
    """`subscribe`: one copy of each publication, whatever was said twice."""
    channel = new_channel()
    async with peer(as_user(template_over_moto, "ann")) as ann:
        first = await ann.subscribed(channel)
        assert await ann.subscribed(channel) == first
        twice = [{"channel": channel}, {"channel": channel}]
        result = await ann.result(action="subscribe", channels=twice)
        assert result["channels"] == [first, first]
        await ann.result(action="publish", channel=channel, data="once")
        heard = await ann.waiting()
        assert [each["data"] for each in heard if each["type"] == "publication"] == ["once"]


async def test_unsubscribing_ends_what_there_is_and_is_fine_where_nothing_is(
    template_over_moto: "RunningEmulator",
) -> None:
    """`unsubscribe`: no result, and no publication from then on."""
    channel = new_channel()
    async with pair(template_over_moto, "ann", "ben") as (ann, ben):
        await ann.subscribed(channel)
        for _ in range(2):
            reply = await ann.ask(action="unsubscribe", channel=channel, id=1)
            assert reply == {"type": "reply", "id": 1, "ok": True}
        await ben.result(action="publish", channel=channel, data="late")
        assert await ann.waiting() == []


async def test_a_publication_reaches_subscribers_as_the_page_says(
    template_over_moto: "RunningEmulator",
) -> None:
    """`publish`, `publication`: the position is in the reply and in what is received."""
    channel = new_channel()
    async with pair(template_over_moto, "ann", "ben") as (ann, ben):
        await ann.subscribed(channel)
        before_ms = int(time.time() * 1000)
        sent = await ben.result(action="publish", channel=channel, data={"text": "hey"})
        heard = await ann.told("publication")
        assert sent == {"epoch": heard["epoch"], "offset": 1}
        assert heard.pop("id")
        assert before_ms <= heard.pop("at") <= int(time.time() * 1000)
        assert heard["from"].pop("connection")
        assert heard == {
            "type": "publication",
            "channel": channel,
            "data": {"text": "hey"},
            "from": {"user": "ben"},
            **sent,
        }
        assert await ben.result(action="publish", channel=channel, data=2) == {**sent, "offset": 2}


async def test_without_history_a_publication_has_no_position(
    template_over_moto: "RunningEmulator",
) -> None:
    """`publish`, `publication`: in `game` the reply has no result."""
    channel = new_channel("game")
    async with peer(as_user(template_over_moto, "ann")) as ann:
        await ann.subscribed(channel)
        reply = await ann.ask(action="publish", channel=channel, data=None)
        assert reply == {"type": "reply", "ok": True}
        heard = await ann.told("publication")
        assert set(heard) == {"type", "id", "channel", "data", "from", "at"}
        assert heard["data"] is None


async def test_a_key_makes_a_second_publish_harmless(template_over_moto: "RunningEmulator") -> None:
    """`publish`: the first one's position, one entry, one delivery; a key is one user's."""
    channel = new_channel()
    async with (
        peer(as_user(template_over_moto, "ann")) as ann,
        peer(as_user(template_over_moto, "ann")) as other_tab,
        peer(as_user(template_over_moto, "ben")) as ben,
    ):
        await ben.subscribed(channel)
        publish = {"action": "publish", "channel": channel, "key": "k"}
        sent = await ann.result(**publish, data="first")
        assert await ann.result(**publish, data="again") == sent
        assert await other_tab.result(**publish, data="elsewhere") == sent
        assert await ben.result(**publish, data="mine") == {**sent, "offset": 2}
        heard = [each["data"] for each in await ben.waiting() if each["type"] == "publication"]
        assert heard == ["first", "mine"]
        kept = (await ben.result(action="history", channel=channel))["publications"]
        assert [each["data"] for each in kept] == ["first", "mine"]


async def test_without_echo_only_the_others_hear_it(template_over_moto: "RunningEmulator") -> None:
    """`publish`: the sender's other connections do, too."""
    channel = new_channel()
    async with pair(template_over_moto, "ann", "ann") as (ann, other_tab):
        await ann.subscribed(channel)
        await other_tab.subscribed(channel)
        await ann.result(action="publish", channel=channel, data=1, echo=False)
        assert (await other_tab.told("publication"))["data"] == 1
        assert [each for each in await ann.waiting() if each["type"] == "publication"] == []


async def test_data_arrives_as_it_was_sent(template_over_moto: "RunningEmulator") -> None:
    """`publish`: to the last digit, live and from history."""
    channel, data = new_channel(), '{"n": 12345678901234567890.10, "e": 1E400, "s": "\\u0041\\n"}'
    async with peer(as_user(template_over_moto, "ann")) as ann:
        await ann.subscribed(channel)
        await ann.client.send(
            f'{{"action": "publish", "channel": "{channel}", "data": {data}, "id": 1}}'
        )
        texts = [str(await asyncio.wait_for(ann.client.recv(), 10)) for _ in range(2)]
        assert [f'"data":{data}' in text for text in texts].count(True) == 1
        await ann.client.send(json.dumps({"action": "history", "channel": channel}))
        assert f'"data":{data}' in str(await asyncio.wait_for(ann.client.recv(), 10))


async def test_only_servers_publish_in_ticker_and_who_comes_has_the_last_value(
    template_over_moto: "RunningEmulator", template_services: "Services"
) -> None:
    """`ticker`, `publish`: clients get 103; a server's publication has no `from`."""
    channel = new_channel("ticker")
    async with peer(as_user(template_over_moto, "ann")) as ann:
        assert await ann.error(action="publish", channel=channel, data=1) == 103
        begun = await ann.subscribed(channel)
        assert (begun["offset"], begun["publications"], begun["more"]) == (0, [], False)
        for price in (b"10", b"11"):
            await publishing.publish(template_services, publishing.Publish(channel, Raw(price)))
        first, second = await ann.told("publication"), await ann.told("publication")
        assert {first["data"], second["data"]} == {10, 11}
        assert "from" not in first
        async with peer(as_user(template_over_moto, "ben")) as ben:
            late = await ben.subscribed(channel)
            assert [each["data"] for each in late["publications"]] == [11]
            assert (late["offset"], late["more"], "recovered" in late) == (2, False, False)


@pytest.mark.parametrize("namespace", ["chat", "game"])
async def test_a_signal_reaches_the_others_and_is_answered_by_nothing(
    template_over_moto: "RunningEmulator", namespace: str
) -> None:
    """`signal`: no reply, no history, no position, and not to the sender."""
    channel = new_channel(namespace)
    async with pair(template_over_moto, "ann", "ben") as (ann, ben):
        await ann.subscribed(channel)
        await ben.subscribed(channel)
        await ann.send(action="signal", channel=channel, data="typing", id="no reply")
        heard = await ben.told("publication")
        assert set(heard) == {"type", "id", "channel", "data", "from", "at"}
        assert (heard["data"], heard["from"]["user"]) == ("typing", "ann")
        assert {each["type"] for each in await ann.waiting()} <= {"join"}
        if namespace == "chat":
            kept = await ann.result(action="history", channel=channel)
            assert (kept["publications"], kept["offset"]) == ([], 0)


async def test_a_signal_that_fails_is_answered_by_nothing(
    template_over_moto: "RunningEmulator",
) -> None:
    """`signal`: its route goes one way for errors too; `ticker` has none."""
    channel = new_channel("ticker")
    async with peer(as_user(template_over_moto, "ann")) as ann:
        await ann.subscribed(channel)
        await ann.send(action="signal", channel=channel, data=1, id="no signals here")
        await ann.send(action="signal", id="no channel")
        assert await ann.waiting() == []


async def test_refresh_tells_until_when_and_ends_what_is_no_longer_allowed(
    template_over_moto: "RunningEmulator",
) -> None:
    """`refresh`, `unsubscribed`: with 103 as the reason."""
    lost, kept = new_channel(), new_channel()
    async with pair(template_over_moto, "ann", "ben") as (ann, ben):
        await ann.subscribed(lost)
        await ann.subscribed(kept)
        narrow = token("ann", f"{kept}=subscribe", ttl_s=900)
        result = await ann.result(action="refresh", token=narrow)
        assert abs(result["expires_at"] - time.time() - 900) < 60
        told = await ann.told("unsubscribed")
        assert told == {
            "type": "unsubscribed",
            "channel": lost,
            "code": 103,
            "message": "permission denied",
        }
        for channel in (lost, kept):
            await ben.result(action="publish", channel=channel, data=channel)
        heard = [each["data"] for each in await ann.waiting() if each["type"] == "publication"]
        assert heard == [kept]


async def test_ping_tells_the_time_and_where_the_log_has_moved_on(
    template_over_moto: "RunningEmulator",
) -> None:
    """`ping`: channels without history, permission or a place of their own are passed over."""
    moved, still, fresh = new_channel(), new_channel(), new_channel()
    async with (
        peer(as_user(template_over_moto, "ann", f"{moved}", f"{still}", "game:*")) as ann,
        peer(as_user(template_over_moto, "ben")) as ben,
    ):
        result = await ann.result(action="ping")
        assert abs(result["at"] / 1000 - time.time()) < 60
        assert result["behind"] == []
        positions = {}
        for channel in (moved, still):
            positions[channel] = await ben.result(action="publish", channel=channel, data=1)
        unreadable = await ben.result(action="publish", channel=fresh, data=1)
        zero = {"epoch": unreadable["epoch"], "offset": 0}
        await ben.result(action="publish", channel=moved, data=2)
        extra = {fresh: zero, "game:x": zero, "nowhere:x": zero, "": zero}
        result = await ann.result(action="ping", positions={**positions, **extra})
        assert result["behind"] == [moved]
