"""How long a token counts, and what ends a connection before: the template through a socket."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec import structs
from websockets.asyncio.client import ClientConnection, connect

from functions.core import closing
from tests.e2e.conversation import Message, ask, closed, error_of, receive, refusal
from tests.e2e.guarded import Guarded, good
from tests.signing import token

if TYPE_CHECKING:
    from functions.core.context import Services
    from functions.core.permissions import Identity
    from tests.conftest import Eventually


async def id_of(client: ClientConnection) -> str:
    """Learn a connection's id from a publication of its own."""
    channel = "game:who-am-i"
    await ask(client, action="subscribe", channel=channel)
    await client.send(json.dumps({"action": "publish", "channel": channel, "data": 0}))
    found = (await receive(client, "publication"))["from"]["connection"]
    await ask(client, action="unsubscribe", channel=channel)
    return str(found)


async def test_refresh_extends_what_was_over(guarded: Guarded, eventually: "Eventually") -> None:
    """Until then requests get 109; the new token's permissions hold from then on."""
    short = good(sub="renewer", exp=int(time.time()) + 5)
    async with connect(guarded.with_token(short)) as client:
        assert await error_of(client, action="subscribe", channel="chat:renewed") == 0
        await eventually(lambda: expired(client), within_s=20)
        until = int(time.time()) + 600
        narrow = [{"channel": "chat:renewed", "allow": ["subscribe"]}]
        given = good(sub="renewer", exp=until, permissions=narrow)
        reply = await ask(client, action="refresh", token=given, id="r")
        assert reply == {"type": "reply", "id": "r", "ok": True, "result": {"expires_at": until}}
        assert await error_of(client, action="ping") == 0
        assert await error_of(client, action="publish", channel="chat:renewed", data=1) == 103
        async with connect(guarded.with_token(good())) as other:
            assert await error_of(other, action="publish", channel="chat:renewed", data=2) == 0
        assert (await receive(client, "publication"))["data"] == 2
    assert await guarded.tells_nothing_of(given)


async def expired(client: ClientConnection) -> bool:
    """Say whether requests get 109."""
    return await error_of(client, action="ping") == 109


async def test_refresh_ends_subscriptions_that_it_does_not_allow(guarded: Guarded) -> None:
    """The client is told."""
    async with connect(guarded.with_token(good(sub="narrowed"))) as client:
        for channel in ("chat:kept", "chat:lost"):
            assert await error_of(client, action="subscribe", channel=channel) == 0
        grants = [{"channel": "chat:kept", "allow": ["subscribe"]}]
        await client.send(
            json.dumps({"action": "refresh", "token": good(sub="narrowed", permissions=grants)})
        )
        told = await receive(client, "unsubscribed")
        assert (told["channel"], told["code"]) == ("chat:lost", 103)
        assert (await receive(client, "reply"))["ok"] is True


async def test_refresh_takes_no_other_users_token(guarded: Guarded) -> None:
    """101, and none that is over: 109."""
    async with connect(guarded.with_token(good(sub="one"))) as client:
        assert await error_of(client, action="refresh", token=good(sub="other")) == 101
        over = good(sub="one", exp=int(time.time()) - 1)
        assert await error_of(client, action="refresh", token=over) == 109
        assert await error_of(client, action="refresh") == 107
        assert await error_of(client, action="ping") == 0


async def test_refresh_with_a_token_that_never_counted_ends_the_connection(
    guarded: Guarded,
) -> None:
    """3500, and the client is not to come back by itself."""
    given = token("a foreign secret of thirty-two characters")
    async with connect(guarded.with_token(good())) as client:
        await client.send(json.dumps({"action": "refresh", "token": given}))
        told = await closed(client)
        assert (told["code"], told["reconnect"]) == (3500, False)
    assert await guarded.tells_nothing_of(given)


async def test_who_only_receives_gets_nothing_after_the_expiry(
    guarded: Guarded, services: "Services"
) -> None:
    """Broadcasts skip the subscription, however long the connection lives."""
    channel = "chat:overheard"
    async with (
        connect(guarded.with_token(good(sub="listener"))) as listener,
        connect(guarded.with_token(good(sub="speaker"))) as speaker,
    ):
        connection_id = await id_of(listener)
        assert await error_of(listener, action="subscribe", channel=channel) == 0
        assert await error_of(speaker, action="publish", channel=channel, data="before") == 0
        assert (await receive(listener, "publication"))["data"] == "before"
        await let_expire(services, connection_id, ago_s=1)
        assert await error_of(speaker, action="publish", channel=channel, data="after") == 0
        reply = await ask(listener, action="refresh", token=good(sub="listener"))
        assert reply["ok"] is True
        assert await error_of(speaker, action="publish", channel=channel, data="renewed") == 0
        assert (await receive(listener, "publication"))["data"] == "renewed"


async def let_expire(services: "Services", connection_id: str, *, ago_s: int) -> None:
    """Write that a connection's authorization ended so long ago, in all of its rows."""
    now = int(time.time())
    connection = await services.store.connections.read(connection_id, now=now)
    assert connection is not None
    identity: Identity = structs.replace(connection.identity, authorized_until=now - ago_s)
    held = await services.store.connections.authorize(connection_id, identity, now=now)
    for each in held:
        await services.store.subscriptions.authorize(each, until=now - ago_s)


async def test_a_minute_after_the_expiry_a_request_ends_the_connection(
    guarded: Guarded, services: "Services", eventually: "Eventually"
) -> None:
    """109, then 3005: the client is to come back with a new token."""
    short = good(sub="late", exp=int(time.time()) + 5)
    async with connect(guarded.with_token(short)) as client:
        connection_id = await id_of(client)
        await eventually(lambda: expired(client), within_s=20)
        await let_expire(services, connection_id, ago_s=61)
        await client.send(json.dumps({"action": "ping"}))
        told = await closed(client)
        assert (told["code"], told["reconnect"]) == (3005, True)
        await eventually(lambda: is_forgotten(services, connection_id))


async def is_forgotten(services: "Services", connection_id: str) -> bool:
    """Say whether a connection has no row."""
    return await services.store.connections.read(connection_id, now=int(time.time())) is None


async def test_a_kicked_user_stays_out_while_blocked(
    guarded: Guarded, services: "Services"
) -> None:
    """Every tab is closed with 3503; nobody else notices."""
    url = guarded.with_token(good(sub="rowdy"))
    async with (
        connect(url) as one,
        connect(url) as two,
        connect(guarded.with_token(good(sub="calm"))) as calm,
    ):
        for client in (one, two, calm):
            assert await error_of(client, action="subscribe", channel="chat:pub") == 0
        assert await closing.kick_user(services, "rowdy", block_s=60) == 2
        for client in (one, two):
            told = await closed(client)
            assert (told["code"], told["reconnect"]) == (3503, False)
        left = await receive(calm, "leave")
        assert left["from"]["user"] == "rowdy"
        assert await refusal(url) == 403
        assert await error_of(calm, action="ping") == 0


async def test_who_ignores_the_rate_is_closed(guarded: Guarded) -> None:
    """First 111, then 3508; the other requests of the connection had their replies."""
    async with connect(guarded.with_token(good(sub="hasty"))) as client:
        codes = set()
        told = None
        async with aclosing(flood(client)) as messages:
            async for message in messages:
                if message["type"] == "closing":
                    told = message
                    break
                codes.add(0 if message["ok"] else message["error"]["code"])
        assert codes == {0, 111}
        assert told is not None
        assert (told["code"], told["reconnect"]) == (3508, False)
    async with connect(guarded.with_token(good(sub="hasty"))) as again:
        assert await error_of(again, action="ping") == 0


async def flood(client: ClientConnection) -> AsyncGenerator[Message]:
    """Publish without end, ten requests in flight; give replies and the closing message."""
    request = json.dumps({"action": "publish", "channel": "chat:flood", "data": 0})
    for _ in range(10):
        await client.send(request)
    while True:
        message = await receive(client, "reply", "closing")
        yield message
        await client.send(request)
