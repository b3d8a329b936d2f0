"""Presence: users and not tabs, for as long as a lease runs."""

import itertools
import json

import pytest

from functions.core import limits, presence
from functions.core.context import Services
from functions.core.errors import ProtocolError
from functions.core.happenings import Happening
from functions.core.ports import Subscription
from tests.fake_rows import PresenceRow, Rows
from tests.fakes import MemoryTransport
from tests.functions.conftest import START, Clock, MakeContext

EXPIRES_AT = int(START) + 7500


async def enter(make_context: MakeContext, *tabs: str, channel: str = "chat:a") -> None:
    """Come into a channel with connections named `user/number`."""
    for tab in tabs:
        context = make_context(tab, user=tab.partition("/")[0])
        await presence.enter(context, channel, expires_at=EXPIRES_AT)


async def leave(services: Services, *tabs: str, channel: str = "chat:a") -> None:
    """Go from a channel."""
    for tab in tabs:
        await presence.leave(services, channel, tab.partition("/")[0], tab)


def watch(rows: Rows, *connection_ids: str, channel: str = "chat:a") -> None:
    """Subscribe connections to a channel."""
    for each in connection_ids:
        rows.subscriptions[channel, each] = Subscription(each, channel, "w", 0, None, EXPIRES_AT)


def announced(transport: MemoryTransport) -> list[tuple[str, str]]:
    """Read what the others were told, and of whom."""
    messages = [json.loads(payload) for _, payload in transport.sent]
    return [(each["type"], each["from"]["connection"]) for each in messages]


async def test_two_tabs_are_one_user(
    services: Services, make_context: MakeContext, rows: Rows, transport: MemoryTransport
) -> None:
    """Who comes with the first and goes with the last."""
    watch(rows, "w=")
    await enter(make_context, "ann/1", "ann/2", "bob/1")
    await leave(services, "ann/1", "ann/2")
    assert announced(transport) == [("join", "ann/1"), ("join", "bob/1"), ("leave", "ann/2")]
    assert json.loads(transport.sent[0][1]) == {
        "type": "join",
        "channel": "chat:a",
        "from": {"user": "ann", "connection": "ann/1"},
    }


async def test_coming_and_going_again_is_told_once(
    services: Services, make_context: MakeContext, rows: Rows, transport: MemoryTransport
) -> None:
    """A repeated subscribe, and a $disconnect after an unsubscribe."""
    watch(rows, "w=")
    await enter(make_context, "ann/1", "ann/1")
    await leave(services, "ann/1", "ann/1", "bob/1")
    assert announced(transport) == [("join", "ann/1"), ("leave", "ann/1")]


async def test_who_comes_is_not_told_of_himself(
    make_context: MakeContext, rows: Rows, transport: MemoryTransport
) -> None:
    """He knows from the reply; everybody else is told."""
    watch(rows, "ann/1", "w=", "v=")
    await enter(make_context, "ann/1")
    assert sorted(to for to, _ in transport.sent) == ["v=", "w="]


async def test_a_connection_that_vanished_keeps_nobody_present(
    services: Services,
    make_context: MakeContext,
    clock: Clock,
    *,
    rows: Rows,
    transport: MemoryTransport,
) -> None:
    """After its lease its user is out, comes anew with the next and goes with that."""
    watch(rows, "w=")
    await enter(make_context, "ann/1")
    clock.now += limits.LEASE_S - 1
    assert await presence.stats(services, "chat:a") == (1, 1)
    clock.now += 1
    assert await presence.stats(services, "chat:a") == (0, 0)
    page = await presence.page(services, "chat:a", limit=100, after=None)
    assert (page.users, page.after) == ([], None)
    await enter(make_context, "ann/2")
    await leave(services, "ann/2")
    assert announced(transport) == [("join", "ann/1"), ("join", "ann/2"), ("leave", "ann/2")]


async def test_a_hundred_that_vanished_are_gone_after_a_lease(
    services: Services, make_context: MakeContext, clock: Clock
) -> None:
    """Without a sweep; those whose lease was renewed stay."""
    await enter(make_context, *(f"u{number}/1" for number in range(120)))
    clock.now += limits.LEASE_S - 60
    for number in range(20):
        await services.store.connections.renew_lease(
            f"u{number}/1", lease_until=int(clock.now) + limits.LEASE_S, now=int(clock.now)
        )
    assert await presence.stats(services, "chat:a") == (120, 120)
    clock.now += 60
    assert await presence.stats(services, "chat:a") == (20, 20)


async def test_joins_and_leaves_are_sent_up_to_fifty_users(
    services: Services, make_context: MakeContext, rows: Rows, transport: MemoryTransport
) -> None:
    """The fifty-first comes unannounced, and goes so from fifty-one; tabs don't count."""
    watch(rows, "w=")
    await enter(make_context, *(f"u{number}/{tab}" for number in range(49) for tab in (1, 2)))
    transport.sent.clear()
    await enter(make_context, "ann/1", "bob/1")
    assert announced(transport) == [("join", "ann/1")]
    await enter(make_context, "cat/1")
    await leave(services, "ann/1", "bob/1")
    assert announced(transport) == [("join", "ann/1"), ("leave", "bob/1")]


async def test_where_joins_are_not_wanted_none_are_sent(
    services: Services, make_context: MakeContext, rows: Rows, transport: MemoryTransport
) -> None:
    """Presence is there all the same."""
    watch(rows, "w=", channel="quiet:a")
    await enter(make_context, "ann/1", channel="quiet:a")
    assert await presence.stats(services, "quiet:a") == (1, 1)
    await leave(services, "ann/1", channel="quiet:a")
    assert transport.sent == []


async def test_a_hook_is_told_once_a_user(
    services: Services, make_context: MakeContext, happenings: list[Happening]
) -> None:
    """And not once a tab."""
    await enter(make_context, "ann/1", "ann/2", channel="told:a")
    await leave(services, "ann/2", "ann/1", channel="told:a")
    at = int(START * 1000)
    assert happenings == [
        Happening("joined", "told:a", at, "ann"),
        Happening("left", "told:a", at, "ann"),
    ]


async def test_an_announcement_that_fails_keeps_nobody_out(
    make_context: MakeContext, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged; the user is in."""
    rows.subscriptions["chat:a", "w="] = None  # type: ignore[assignment]  # breaks readers
    await enter(make_context, "ann/1")
    assert "announcement failed kind=joined channel=chat:a" in caplog.text
    assert rows.presence["chat:a", "ann"].members == {"ann/1"}


async def test_a_list_has_pages_and_each_users_newest_info(
    services: Services, make_context: MakeContext
) -> None:
    """A hundred users at most, whatever is asked for."""
    await enter(make_context, *(f"u{number:03}/1" for number in range(150)), "u000/2")
    first = await presence.page(services, "chat:a", limit=1000, after=None)
    assert (len(first.users), first.after) == (100, "u099")
    assert first.users[0].connections == ["u000/1", "u000/2"]
    assert first.users[0].info == {"name": "N"}
    second = await presence.page(services, "chat:a", limit=1000, after=first.after)
    assert (len(second.users), second.after) == (50, None)


async def test_a_list_is_cut_where_a_reply_is_full(
    services: Services, make_context: MakeContext, rows: Rows
) -> None:
    """A hundred users with 1 KiB of info each are more than one reply; none is lost."""
    for number in range(100):
        user = f"u{number:03}"
        make_context(f"{user}/1", user=user)
        rows.presence["chat:a", user] = PresenceRow(
            {f"{user}/1"}, {"about": "x" * 1000}, EXPIRES_AT
        )
    found: list[str] = []
    after: str | None = None
    for _ in itertools.count():
        page = await presence.page(services, "chat:a", limit=100, after=after)
        found += [each.user for each in page.users]
        assert page.users
        after = page.after
        if after is None:
            break
    assert found == [f"u{number:03}" for number in range(100)]


async def test_above_a_thousand_users_there_is_no_list(
    services: Services, make_context: MakeContext
) -> None:
    """108, and stats that say that it is more than so many."""
    await enter(make_context, *(f"u{number:04}/1" for number in range(1000)), channel="quiet:a")
    assert len((await presence.page(services, "quiet:a", limit=9, after=None)).users) == 9
    await enter(make_context, *(f"v{number:04}/1" for number in range(300)), channel="quiet:a")
    with pytest.raises(ProtocolError, match="108 the channel has more than 1000 users"):
        await presence.page(services, "quiet:a", limit=9, after=None)
    connections, users = await presence.stats(services, "quiet:a")
    assert 1000 < users <= 1300
    assert connections == users


async def test_without_presence_there_is_neither_list_nor_number(services: Services) -> None:
    """108; and 102 where there is not even a namespace."""
    for channel, code in (("log:a", "108"), ("none:a", "102")):
        with pytest.raises(ProtocolError, match=code):
            await presence.page(services, channel, limit=9, after=None)
        with pytest.raises(ProtocolError, match=code):
            await presence.stats(services, channel)


async def test_the_same_user_elsewhere_is_another_matter(
    services: Services, make_context: MakeContext, rows: Rows, transport: MemoryTransport
) -> None:
    """Channels are told apart."""
    watch(rows, "w=", channel="chat:b")
    await enter(make_context, "ann/1")
    await enter(make_context, "ann/1", channel="chat:b")
    assert announced(transport) == [("join", "ann/1")]
    await leave(services, "ann/1")
    assert await presence.stats(services, "chat:b") == (1, 1)


async def test_two_tabs_that_close_at_the_same_time_are_one_leave(
    services: Services, make_context: MakeContext, rows: Rows, transport: MemoryTransport
) -> None:
    """Both are closed before either is counted out: the first takes the other along."""
    await enter(make_context, "ann/1", "ann/2")
    watch(rows, "w=")
    del rows.connections["ann/1"], rows.connections["ann/2"]
    await leave(services, "ann/1", "ann/2")
    assert announced(transport) == [("leave", "ann/1")]
