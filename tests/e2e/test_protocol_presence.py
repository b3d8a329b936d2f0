"""Presence, joins and leaves of docs/reference/protocol.md, through a socket."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from functions.core.permissions import Identity
from tests.e2e.peers import Peer, as_user, new_channel, pair, peer

if TYPE_CHECKING:
    from functions.core.context import Services
    from tests.conftest import Eventually
    from tests.e2e.conftest import RunningEmulator


async def announced(listener: Peer) -> list[tuple[str, str]]:
    """Give the joins and leaves that came so far."""
    return [
        (each["type"], each["from"]["user"])
        for each in await listener.waiting()
        if each["type"] in ("join", "leave")
    ]


async def users_in(asking: Peer, channel: str) -> dict[str, Any]:
    """Ask who is in a channel."""
    return dict((await asking.result(action="presence", channel=channel))["users"])


async def test_presence_lists_users_with_their_connections_and_info(
    template_over_moto: "RunningEmulator",
) -> None:
    """`presence`, `presenceStats`, `game`: two tabs are one user."""
    channel = new_channel("game")
    ann_url = as_user(template_over_moto, "ann", info={"name": "Ann"})
    async with (
        peer(ann_url) as ann,
        peer(ann_url) as other_tab,
        peer(as_user(template_over_moto, "ben")) as ben,
    ):
        for each in (ann, other_tab, ben):
            await each.subscribed(channel)
        result = await ben.result(action="presence", channel=channel)
        assert set(result) == {"users"}
        users = result["users"]
        assert {user: len(each["connections"]) for user, each in users.items()} == {
            "ann": 2,
            "ben": 1,
        }
        assert (users["ann"]["info"], users["ben"]["info"]) == ({"name": "Ann"}, {})
        stats = await ben.result(action="presenceStats", channel=channel)
        assert stats == {"connections": 3, "users": 2}
        await other_tab.result(action="unsubscribe", channel=channel)
        stats = await ben.result(action="presenceStats", channel=channel)
        assert stats == {"connections": 2, "users": 2}


async def test_presence_is_read_page_by_page(template_over_moto: "RunningEmulator") -> None:
    """`presence`: `cursor` leads on until there are no more."""
    channel = new_channel()
    async with (
        peer(as_user(template_over_moto, "ann")) as ann,
        peer(as_user(template_over_moto, "ben")) as ben,
        peer(as_user(template_over_moto, "cas")) as cas,
    ):
        for each in (ann, ben, cas):
            await each.subscribed(channel)
        page = await ann.result(action="presence", channel=channel, limit=2)
        found = [*page["users"]]
        while "cursor" in page:
            page = await ann.result(
                action="presence", channel=channel, limit=2, cursor=page["cursor"]
            )
            found += page["users"]
        assert sorted(found) == ["ann", "ben", "cas"]


async def test_a_user_joins_and_leaves_once_with_two_tabs(
    template_over_moto: "RunningEmulator", eventually: "Eventually"
) -> None:
    """`join`, `leave`: with the first connection and the last; not to the user's own."""
    channel = new_channel()
    ann_url = as_user(template_over_moto, "ann")
    async with peer(as_user(template_over_moto, "ben")) as ben:
        await ben.subscribed(channel)
        async with peer(ann_url) as ann:
            await ann.subscribed(channel)
            joined = await ben.told("join")
            assert joined["from"].pop("connection")
            assert joined == {"type": "join", "channel": channel, "from": {"user": "ann"}}
            async with peer(ann_url) as other_tab:
                await other_tab.subscribed(channel)
                assert await announced(ben) == []
                assert await announced(ann) == []
            await eventually(lambda: has_connections(ben, channel, "ann", 1), within_s=15)
            assert await announced(ben) == []
        left = await ben.told("leave")
        assert left["from"].pop("connection")
        assert left == {"type": "leave", "channel": channel, "from": {"user": "ann"}}
        assert await users_in(ben, channel) == {
            user: each for user, each in (await users_in(ben, channel)).items() if user == "ben"
        }


async def has_connections(asking: Peer, channel: str, user: str, number: int) -> bool:
    """Say whether a user is present with so many connections."""
    return len((await users_in(asking, channel)).get(user, {}).get("connections", ())) == number


async def test_unsubscribing_is_leaving(template_over_moto: "RunningEmulator") -> None:
    """`unsubscribe`, `leave`: and coming back is a `join`."""
    channel = new_channel()
    async with pair(template_over_moto, "ann", "ben") as (ann, ben):
        await ben.subscribed(channel)
        for action in ("subscribe", "unsubscribe", "unsubscribe", "subscribe"):
            await ann.result(action=action, channel=channel)
        assert await announced(ben) == [("join", "ann"), ("leave", "ann"), ("join", "ann")]


async def test_joins_are_sent_up_to_fifty_users(
    template_over_moto: "RunningEmulator", template_services: "Services"
) -> None:
    """`join`: the fiftieth user's is; from the next on nobody is told, and the list is right."""
    channel = new_channel()
    later = int(time.time()) + 600
    async with (
        peer(as_user(template_over_moto, "ann")) as ann,
        peer(as_user(template_over_moto, "ben")) as ben,
        peer(as_user(template_over_moto, "cas")) as cas,
    ):
        await ann.subscribed(channel)
        await asyncio.gather(
            *(
                template_services.store.presence.enter(
                    channel, Identity(f"user-{number}"), f"connection-{number}", expires_at=later
                )
                for number in range(48)
            )
        )
        await ben.subscribed(channel)
        assert await announced(ann) == [("join", "ben")]
        await cas.subscribed(channel)
        assert await announced(ann) == []
        assert set(await users_in(ann, channel)) == {"ann", "ben", "cas"}


async def test_where_a_namespace_has_no_presence_it_is_not_available(
    template_over_moto: "RunningEmulator",
) -> None:
    """`ticker`: 108 for `presence` and `presenceStats`, and nobody is told who comes."""
    channel = new_channel("ticker")
    async with pair(template_over_moto, "ann", "ben") as (ann, ben):
        await ann.subscribed(channel)
        await ben.subscribed(channel)
        assert await announced(ann) == []
        assert await ann.error(action="presence", channel=channel) == 108
        assert await ann.error(action="presenceStats", channel=channel) == 108
