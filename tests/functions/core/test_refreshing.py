"""A new identity for a connection that stays."""

import itertools
import json

import pytest
from msgspec import structs

from functions.core import channels
from functions.core.broadcast import broadcast
from functions.core.channels import Wanted
from functions.core.context import Context
from functions.core.errors import ProtocolError
from functions.core.permissions import EVERYTHING, Grant, Identity
from functions.core.ports import Conflict
from functions.core.refreshing import refresh
from tests.dying import Died, Life
from tests.fake_rows import Rows
from tests.fakes import MemoryConnections, MemoryTransport
from tests.functions.conftest import START, Clock, MakeContext

UNTIL = int(START) + 60


def identity(
    until: int | None = UNTIL + 600,
    *,
    user: str = "ann",
    grants: tuple[Grant, ...] = EVERYTHING,
) -> Identity:
    """Make what a new token says."""
    return Identity(user, {"name": "Anna"}, grants, until)


@pytest.fixture
async def ann(make_context: MakeContext) -> Context:
    """Give a connection of Ann's, in two channels, whose token runs out in a minute."""
    context = make_context("a=", user="ann", authorized_until=UNTIL)
    await channels.subscribe(context, [Wanted("chat:a"), Wanted("log:a")])
    return context


async def test_subscriptions_are_served_until_the_new_end(
    ann: Context, rows: Rows, clock: Clock, transport: MemoryTransport
) -> None:
    """And not a second longer."""
    await refresh(ann, identity())
    assert rows.connections["a="].identity == identity()
    for moment, count in ((UNTIL, 1), (UNTIL + 599, 2), (UNTIL + 600, 2)):
        clock.now = moment
        await broadcast(ann, "log:a", b"x")
        assert len(transport.sent) == count


async def test_what_is_not_allowed_any_more_ends(
    ann: Context, rows: Rows, transport: MemoryTransport
) -> None:
    """With a word to the client."""
    await refresh(ann, identity(grants=(Grant("log:*", ("subscribe",)),)))
    assert list(rows.subscriptions) == [("log:a", "a=")]
    assert rows.presence == {}
    assert [(to, json.loads(payload)) for to, payload in transport.sent] == [
        (
            "a=",
            {
                "type": "unsubscribed",
                "channel": "chat:a",
                "code": 103,
                "message": "permission denied",
            },
        )
    ]


async def test_another_users_token_is_refused(ann: Context, rows: Rows) -> None:
    """101, and nothing has changed."""
    before = rows.connections["a="]
    with pytest.raises(ProtocolError, match="101 token: it is another user's"):
        await refresh(ann, identity(user="bob"))
    assert rows.connections["a="] == before


async def test_a_closed_connection_is_told_to_connect_again(ann: Context, rows: Rows) -> None:
    """101."""
    rows.connections.clear()
    with pytest.raises(ProtocolError, match="101 this connection is closed"):
        await refresh(ann, identity())


async def test_a_refresh_that_was_killed_is_done_again(
    make_context: MakeContext, rows: Rows
) -> None:
    """At whatever moment."""
    for moment in itertools.count():
        context = make_context("a=", user="ann", authorized_until=UNTIL)
        rows.subscriptions.clear()
        await channels.subscribe(context, [Wanted("chat:a"), Wanted("log:a"), Wanted("plain:a")])
        new = identity(grants=(Grant("log:*", ("subscribe",)),))
        try:
            await refresh(Life(moment).live(context), new)
        except Died:
            await refresh(context, new)
        else:
            break
        [held] = rows.subscriptions.values()
        assert (held.channel, held.authorized_until) == ("log:a", UNTIL + 600)
    assert moment > 10


async def test_a_conflict_that_lasts_is_temporary(ann: Context, rows: Rows) -> None:
    """111."""

    class Contended(MemoryConnections):
        """A Store where others are always faster."""

        async def authorize(self, *args: object, **kwargs: object) -> list[object]:  # type: ignore[override]
            raise Conflict

    store = structs.replace(ann.store, connections=Contended(rows))
    with pytest.raises(ProtocolError, match=r"111 .*try again"):
        await refresh(structs.replace(ann, store=store), identity())
