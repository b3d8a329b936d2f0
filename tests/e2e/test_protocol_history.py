"""Positions, `history` and recovery of docs/reference/protocol.md, through a socket."""

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from functions.core import publishing
from tests.e2e.peers import Peer, as_user, new_channel, pair, peer

if TYPE_CHECKING:
    from functions.core.context import Services
    from tests.e2e.conftest import RunningEmulator

Message = dict[str, Any]
LARGE = "x" * 20_000


async def published(publisher: Peer, channel: str, *payloads: object) -> Message:
    """Publish one after the other; give the position of the last."""
    position: Message = {}
    for data in payloads:
        position = await publisher.result(action="publish", channel=channel, data=data)
    return position


def data_of(result: Message) -> list[object]:
    """Give what the publications of a result hold."""
    return [each["data"] for each in result["publications"]]


def position_of(result: Message) -> Message:
    """Give where a result says that the client stands."""
    return {"epoch": result["epoch"], "offset": result["offset"]}


async def test_history_is_read_forwards_page_by_page(template_over_moto: "RunningEmulator") -> None:
    """`history`: from the oldest, and `since` the position that the page before gave."""
    channel = new_channel()
    async with peer(as_user(template_over_moto, "ann")) as ann:
        last = await published(ann, channel, *range(1, 6))
        page = await ann.result(action="history", channel=channel, limit=2)
        assert set(page) == {"publications", "epoch", "offset", "more"}
        assert [each["offset"] for each in page["publications"]] == [1, 2]
        assert {each["from"]["user"] for each in page["publications"]} == {"ann"}
        pages = [page]
        while pages[-1]["more"]:
            since = position_of(pages[-1])
            pages.append(await ann.result(action="history", channel=channel, limit=2, since=since))
        assert [data_of(page) for page in pages] == [[1, 2], [3, 4], [5]]
        assert position_of(pages[-1]) == last
        end = await ann.result(action="history", channel=channel, since=last)
        assert (data_of(end), position_of(end), end["more"]) == ([], last, False)


async def test_history_is_read_backwards_page_by_page(
    template_over_moto: "RunningEmulator",
) -> None:
    """`history`: with `reverse` the newest comes first, and what is before a position."""
    channel = new_channel()
    async with peer(as_user(template_over_moto, "ann")) as ann:
        await published(ann, channel, *range(1, 6))
        pages = [await ann.result(action="history", channel=channel, limit=2, reverse=True)]
        while pages[-1]["more"]:
            since = position_of(pages[-1])
            pages.append(
                await ann.result(
                    action="history", channel=channel, limit=2, since=since, reverse=True
                )
            )
        assert [data_of(page) for page in pages] == [[5, 4], [3, 2], [1]]


async def test_history_since_a_place_that_is_not_there_gets_112(
    template_over_moto: "RunningEmulator", template_services: "Services"
) -> None:
    """`history`: 112 for another epoch, for a place ahead, and for one whose successors expired."""
    channel, ticker = new_channel(), new_channel("ticker")
    async with peer(as_user(template_over_moto, "ann")) as ann:
        last = await published(ann, channel, 1)
        for since in ({**last, "epoch": "another"}, {**last, "offset": 2}):
            assert await ann.error(action="history", channel=channel, since=since) == 112
        begun = position_of(await ann.subscribed(ticker))
        for price in (b"10", b"11"):
            await publishing.publish(template_services, publishing.Publish(ticker, Raw(price)))
        assert await ann.error(action="history", channel=ticker, since=begun) == 112
        assert data_of(await ann.result(action="history", channel=ticker)) == [11]


async def test_a_subscriber_that_was_away_gets_what_it_missed(
    template_over_moto: "RunningEmulator",
) -> None:
    """`subscribe`: `recovered` with all that came after the position, in order, and live again."""
    channel = new_channel()
    async with peer(as_user(template_over_moto, "ben")) as ben:
        async with peer(as_user(template_over_moto, "ann")) as ann:
            await ann.subscribed(channel)
            seen = await published(ben, channel, 1, 2)
        missed = await published(ben, channel, 3, 4)
        async with peer(as_user(template_over_moto, "ann")) as ann:
            back = await ann.subscribed(channel, recover=seen)
            assert (back["recovered"], back["more"]) == (True, False)
            assert data_of(back) == [3, 4]
            assert [each["offset"] for each in back["publications"]] == [3, 4]
            assert position_of(back) == missed
            await published(ben, channel, 5)
            assert (await ann.told("publication"))["offset"] == 5
        async with peer(as_user(template_over_moto, "ann")) as ann:
            recover = {**missed, "offset": 5}
            back = await ann.subscribed(channel, recover=recover)
            assert (back["recovered"], data_of(back)) == (True, [])


async def test_recovery_that_does_not_fit_into_a_reply_goes_on_with_history(
    template_over_moto: "RunningEmulator",
) -> None:
    """`subscribe`, `history`: `more` until the end; a reply holds 96 KiB."""
    channel = new_channel()
    async with pair(template_over_moto, "ben", "ann") as (ben, ann):
        begun = position_of(await ben.subscribed(channel))
        last = await published(ben, channel, *([n, LARGE] for n in range(1, 8)))
        found = await ann.subscribed(channel, recover=begun)
        assert (found["recovered"], found["more"]) == (True, True)
        offsets = [each["offset"] for each in found["publications"]]
        assert position_of(found)["offset"] == offsets[-1]
        while found["more"]:
            since = position_of(found)
            found = await ann.result(action="history", channel=channel, since=since)
            offsets += [each["offset"] for each in found["publications"]]
        assert offsets == list(range(1, 8))
        assert position_of(found) == last


async def test_recovery_of_several_channels_shares_one_reply(
    template_over_moto: "RunningEmulator",
) -> None:
    """`subscribe`: each channel has its part, or goes on with `more`."""
    channels = [new_channel() for _ in range(3)]
    async with pair(template_over_moto, "ben", "ann") as (ben, ann):
        wanted = []
        for channel in channels:
            begun = await ben.subscribed(channel)
            wanted.append({"channel": channel, "recover": position_of(begun)})
            await published(ben, channel, 1, LARGE, LARGE)
        found = (await ann.result(action="subscribe", channels=wanted))["channels"]
        assert [each["recovered"] for each in found] == [True] * 3
        assert [(each["offset"], each["more"]) for each in found] == [(2, True)] * 3


async def test_what_can_not_be_recovered_is_said_so(
    template_over_moto: "RunningEmulator", template_services: "Services"
) -> None:
    """`subscribe`: another epoch, a place ahead, a history that no longer covers, and none."""
    chat, ticker, game = new_channel(), new_channel("ticker"), new_channel("game")
    async with peer(as_user(template_over_moto, "ann")) as ann:
        last = await published(ann, chat, 1)
        for since in ({**last, "epoch": "another"}, {**last, "offset": 2}):
            found = await ann.subscribed(chat, recover=since)
            assert (found["recovered"], found["publications"]) == (False, [])
            assert position_of(found) == last
        begun = position_of(await ann.subscribed(ticker))
        for price in (b"10", b"11"):
            await publishing.publish(template_services, publishing.Publish(ticker, Raw(price)))
        found = await ann.subscribed(ticker, recover=begun)
        assert (found["recovered"], data_of(found), found["offset"]) == (False, [11], 2)
        found = await ann.subscribed(game, recover=last)
        assert found == {"channel": game, "recovered": False, "publications": [], "more": False}


async def test_only_the_last_hundred_of_a_chat_are_kept(
    template_over_moto: "RunningEmulator", template_services: "Services"
) -> None:
    """`chat`: from one further back nothing is passed off as whole; a page has 100 at most."""
    channel = new_channel()
    async with peer(as_user(template_over_moto, "ann")) as ann:
        begun = position_of(await ann.subscribed(channel))
        await ann.result(action="unsubscribe", channel=channel)
        wanted = publishing.Publish(channel, Raw(b"0"))
        for _ in range(10):
            await asyncio.gather(
                *(publishing.publish(template_services, wanted) for _ in range(10))
            )
        page = await ann.result(action="history", channel=channel, since=begun, limit=1000)
        assert [each["offset"] for each in page["publications"]] == list(range(1, 101))
        await publishing.publish(template_services, wanted)
        assert await ann.error(action="history", channel=channel, since=begun) == 112
        page = await ann.result(action="history", channel=channel)
        assert [each["offset"] for each in page["publications"]] == list(range(2, 102))
        assert (await ann.subscribed(channel, recover=begun))["recovered"] is False
        near = {**begun, "offset": 1}
        found = await ann.subscribed(channel, recover=near)
        assert (found["recovered"], len(found["publications"])) == (True, 100)
