"""Channel names, and subscribing and unsubscribing over the in-memory ports."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, json, structs

from functions.core import channels, limits
from functions.core.channels import Subscribed, Wanted
from functions.core.context import Context
from functions.core.errors import ProtocolError
from functions.core.happenings import Happening
from functions.core.permissions import Grant, Identity
from functions.core.ports import Conflict, Connection
from functions.core.protocol import Position
from functions.core.publishing import Publish, publish
from tests.fake_rows import Rows
from tests.fakes import MemorySubscriptions
from tests.functions.conftest import START, Clock, MakeContext


class Contended(MemorySubscriptions):
    """Subscriptions where others are always faster."""

    async def add(
        self, connection: Connection, channels: Sequence[str], *, subscriptions_max: int, now: int
    ) -> None:
        """Fail."""
        raise Conflict

    async def end(self, connection_id: str, channel: str) -> bool:
        """Fail."""
        raise Conflict


async def subscribe(
    context: Context, *names: str, recover: Position | None = None
) -> Sequence[Subscribed | ProtocolError]:
    """Subscribe to channels."""
    return await channels.subscribe(context, [Wanted(name, recover) for name in names])


def subscribed(result: Subscribed | ProtocolError) -> Subscribed:
    """Give a result that is no error."""
    assert isinstance(result, Subscribed), result
    return result


def with_subscriptions(context: Context, part: MemorySubscriptions) -> Context:
    """Give the same surroundings with another part of the Store."""
    return structs.replace(context, store=structs.replace(context.store, subscriptions=part))


def code_of(name: str) -> int:
    """Give the code that a name is refused with; 0 for a good one."""
    try:
        channels.check_name(name)
    except ProtocolError as error:
        return error.kind.code
    return 0


@pytest.mark.parametrize("name", ["a:b", "chat:room:1", "A_.-9:_.:-", "n:" + "x" * 126, "a::"])
def test_a_name_is_a_namespace_and_a_rest(name: str) -> None:
    """The rest may hold further colons; 128 characters in all."""
    assert code_of(name) == 0


@pytest.mark.parametrize(
    "name", ["", "a", "a:", ":b", ":", "a b:c", "a:b\n", "ä:b", "a:b#0", "a:\u0661", "a/b:c"]
)
def test_another_name_is_a_bad_request(name: str) -> None:
    """107: the client can't mean an existing channel."""
    assert code_of(name) == 107


def test_a_name_of_129_characters_is_over_the_limit() -> None:
    """106, as the protocol's table says of name lengths."""
    assert code_of("n:" + "x" * 127) == 106


@given(st.text(alphabet="ab:#/ \n.-_é", max_size=140))
def test_a_name_is_good_exactly_when_the_grammar_says_so(name: str) -> None:
    """Checked against the rule written in another way."""
    namespace, colon, rest = name.partition(":")
    good = bool(namespace and colon and rest) and not re.search(r"[^A-Za-z0-9_.:-]", name)
    assert (code_of(name) == 0) == (good and len(name) <= 128)


async def test_the_101st_subscription_is_over_the_limit(context: Context) -> None:
    """106, and the client is told the limit."""
    for start in range(0, 100, 20):
        await subscribe(context, *(f"plain:{start + number}" for number in range(20)))
    with pytest.raises(ProtocolError, match=r"106 channels: .* 100 "):
        await subscribe(context, "plain:last")


async def test_a_channel_named_twice_is_subscribed_to_once(context: Context, rows: Rows) -> None:
    """A transaction can't write one row twice; each of the two has its result."""
    assert len(await subscribe(context, "chat:a", "chat:a")) == 2
    assert list(rows.subscriptions) == [("chat:a", "me=")]


async def test_what_is_wrong_with_a_channel_is_its_own_error(
    make_context: "MakeContext", rows: Rows
) -> None:
    """A name, a namespace, a permission; the others are subscribed to, in their order."""
    context = make_context("me=", grants=(Grant("*:a", ("subscribe",)),))
    names = ("bad", "x:" + "y" * 127, "none:a", "chat:b", "plain:a")
    *errors, good = await subscribe(context, *names)
    codes = [error.kind.code for error in errors if isinstance(error, ProtocolError)]
    assert codes == [107, 106, 102, 103]
    assert subscribed(good) == Subscribed("plain:a")
    assert list(rows.subscriptions) == [("plain:a", "me=")]


async def test_a_subscription_is_served_as_long_as_its_identity_counts(
    make_context: MakeContext, rows: Rows
) -> None:
    """Which broadcasts look at."""
    context = make_context("me=", authorized_until=int(START) + 60)
    await subscribe(context, "plain:a")
    [row] = rows.subscriptions.values()
    assert (row.authorized_until, row.expires_at) == (int(START) + 60, int(START) + 7500)


async def test_what_refresh_left_counts_for_a_subscribe(context: Context, rows: Rows) -> None:
    """Its end and its permissions, though the event came with the old ones."""
    renewed = Identity(context.user, {}, (Grant("plain:*", ("subscribe",)),), int(START) + 600)
    await context.store.connections.authorize("me=", renewed, now=int(START))
    old, new = await subscribe(context, "chat:a", "plain:a")
    assert isinstance(old, ProtocolError)
    assert subscribed(new).channel == "plain:a"
    assert rows.subscriptions["plain:a", "me="].authorized_until == int(START) + 600


async def test_an_identity_that_keeps_changing_is_a_conflict(context: Context, rows: Rows) -> None:
    """111; and 101 when the connection closes meanwhile."""

    class Changing(MemorySubscriptions):
        """Subscriptions whose connection is refreshed each time."""

        async def add(self, connection: Connection, *args: object, **kwargs: object) -> None:
            until = (connection.identity.authorized_until or int(START)) + 1
            kept = rows.connections.get("me=", connection)
            identity = structs.replace(kept.identity, authorized_until=until)
            if "me=" in rows.connections:
                rows.connections["me="] = structs.replace(kept, identity=identity)
            await super().add(connection, *args, **kwargs)  # type: ignore[arg-type]

    changing = with_subscriptions(context, Changing(rows, page_rows=2))
    with pytest.raises(ProtocolError, match="111"):
        await subscribe(changing, "plain:a")
    rows.connections.clear()
    with pytest.raises(ProtocolError, match="101"):
        await subscribe(changing, "plain:a")


async def test_a_closed_connection_is_told_to_connect_again(context: Context, rows: Rows) -> None:
    """101: nothing that it repeats will work."""
    rows.connections.clear()
    with pytest.raises(ProtocolError, match=r"101 .*connect again"):
        await subscribe(context, "chat:a")


async def test_a_new_subscriber_has_a_position_to_recover_from(context: Context) -> None:
    """Where history is kept; he missed nothing, so there is nothing else."""
    assert await subscribe(context, "plain:a", "log:a") == [
        Subscribed("plain:a"),
        Subscribed("log:a", Position("id-1", 0)),
    ]


async def test_who_recovers_gets_what_he_missed(context: Context) -> None:
    """From his position on."""
    for number in range(1, 5):
        position = await publish(context, Publish("log:a", Raw(b"%d" % number)))
    assert position is not None
    since = Position(position.epoch, 2)
    [result] = await subscribe(context, "log:a", recover=since)
    found = subscribed(result)
    assert (found.recovered, found.more, found.position) == (True, False, position)
    assert [json.decode(each)["data"] for each in found.publications or ()] == [3, 4]


async def test_who_can_not_recover_is_told_so(context: Context) -> None:
    """Another epoch, or no history at all; he begins where the log ends."""
    position = await publish(context, Publish("log:a", Raw(b"1")))
    lost = Position("other", 1)
    assert await subscribe(context, "log:a", "plain:a", recover=lost) == [
        Subscribed("log:a", position, recovered=False, publications=[]),
        Subscribed("plain:a", recovered=False, publications=()),
    ]


@pytest.mark.parametrize("recover", [None, Position("lost", 7)])
async def test_the_last_value_is_delivered_to_every_new_subscriber(
    context: Context, recover: Position | None
) -> None:
    """And where there is none yet, nothing."""
    [result] = await subscribe(context, "ticker:a", recover=recover)
    assert subscribed(result).publications == []
    for number in (1, 2):
        position = await publish(context, Publish("ticker:a", Raw(b"%d" % number)))
    [result] = await subscribe(context, "ticker:a", recover=recover)
    found = subscribed(result)
    assert found.position == position
    assert found.recovered is (None if recover is None else False)
    assert [json.decode(each)["data"] for each in found.publications or ()] == [2]


async def test_all_that_twenty_channels_give_fits_into_one_reply(
    context: Context, rows: Rows
) -> None:
    """Each has its share, and the rest is `more`; long names take from it."""
    names = [f"log:{number}" for number in range(10)] + [f"ticker:{number}" for number in range(9)]
    for name in names:
        for size in (1000, 20_000):
            await publish(context, Publish(name, Raw(b"1" * size)))
    epochs = {name: head.position.epoch for name, (head, _) in rows.heads.items()}
    wanted = [
        Wanted(name, Position(epochs[name], 0) if name.startswith("log") else None)
        for name in names
    ]
    results = await channels.subscribe(context, [*wanted, Wanted("bad" * 5000)])
    found = [each for each in results if isinstance(each, Subscribed)]
    assert all(each.more for each in found)
    size_bytes = sum(len(json.encode(each)) for each in found) + 15_000
    assert size_bytes < limits.REPLY_BYTES_MAX


async def test_the_rows_come_before_the_log_is_read(context: Context, rows: Rows) -> None:
    """What is published in between is recovered, or reaches the subscriber; never neither."""

    class Late(MemorySubscriptions):
        """Subscriptions after which somebody publishes at once."""

        async def add(self, *args: object, **kwargs: object) -> None:
            await super().add(*args, **kwargs)  # type: ignore[arg-type]
            await publish(context, Publish("log:a", Raw(b"2")))

    first = await publish(context, Publish("log:a", Raw(b"1")))
    late = with_subscriptions(context, Late(rows, page_rows=2))
    [result] = await subscribe(late, "log:a", recover=first)
    assert [json.decode(each)["data"] for each in subscribed(result).publications or ()] == [2]


async def test_subscribing_enters_presence_and_unsubscribing_leaves_it(
    context: Context, rows: Rows, happenings: list[Happening]
) -> None:
    """And the hook is told of the first and the last."""
    await subscribe(context, "told:a")
    await subscribe(context, "told:a")
    assert rows.presence["told:a", context.user].members == {"me="}
    await channels.unsubscribe(context, "told:a")
    await channels.unsubscribe(context, "told:a")
    assert (rows.presence, rows.subscriptions) == ({}, {})
    kinds = [each.kind for each in happenings]
    assert kinds == ["occupied", "joined", "left", "vacated"]


async def test_a_user_stays_present_when_the_older_of_two_connections_came_last(
    make_context: MakeContext, rows: Rows, clock: Clock
) -> None:
    """The entry that they share outlives the younger one, not just who wrote it."""
    older = make_context("old=", user="ann")
    clock.now += 3600
    younger = make_context("new=", user="ann")
    await subscribe(younger, "quiet:a")
    await subscribe(older, "quiet:a")
    ends_at = rows.connections["new="].expires_at
    await younger.store.connections.renew_lease("new=", lease_until=ends_at, now=int(clock.now))
    page = await younger.store.presence.page("quiet:a", limit=9, now=ends_at - 1)
    assert [each.connections for each in page.users] == [["new="]]


async def test_unsubscribing_needs_neither_namespace_nor_permission(context: Context) -> None:
    """Not being subscribed is fine; a name has to be one."""
    nobody = structs.replace(context, identity=Identity("nobody"))
    await channels.unsubscribe(nobody, "none:a")
    with pytest.raises(ProtocolError, match="107"):
        await channels.unsubscribe(nobody, "bad")


async def test_a_conflict_that_lasts_is_temporary(context: Context, rows: Rows) -> None:
    """111, for both ways."""
    contended = with_subscriptions(context, Contended(rows, page_rows=2))
    with pytest.raises(ProtocolError, match="111"):
        await subscribe(contended, "chat:a")
    with pytest.raises(ProtocolError, match="111"):
        await channels.unsubscribe(contended, "chat:a")
