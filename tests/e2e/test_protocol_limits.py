"""Errors, closing codes and limits of docs/reference/protocol.md, through a socket.

What tokens and their expiry lead to is shown by test_authorization.py.
"""

import asyncio
import json
import time
from typing import TYPE_CHECKING

import boto3
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from functions.actions.namespaces import NAMESPACES
from functions.core import closing, limits
from tests.e2e.conversation import refusal
from tests.e2e.peers import Peer, as_user, new_channel, pair, peer, token

if TYPE_CHECKING:
    from collections.abc import Callable

    from functions.core.context import Services
    from functions.core.namespaces import Rate
    from tests.e2e.conftest import RunningEmulator

DATA_BYTES_MAX = 28 * 1024
A_MINUTE_S = 60


async def connection_of(asking: Peer) -> str:
    """Learn a connection's id from a publication of its own."""
    channel = new_channel("game")
    await asking.subscribed(channel)
    await asking.result(action="publish", channel=channel, data=0)
    return str((await asking.told("publication"))["from"]["connection"])


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("not json", "not JSON"),
        ("[]", "object"),
        ('{"id": 1}', "action"),
        ('{"action": 5}', "action"),
        ('{"action": "ping", "id": 9007199254740992}', "id"),
        (json.dumps({"action": "ping", "id": "x" * 65}), "id"),
        ('{"action": "ping", "id": [1]}', "id"),
        ('{"action": "ping", "positions": {"chat:a": {"epoch": "e", "offset": -1}}}', "offset"),
        ('{"action": "echo"}', "data"),
        ('{"action": "echo", "data": "\\ud800"}', "not JSON"),
        ('{"action": "subscribe"}', "channel"),
        ('{"action": "subscribe", "channels": []}', "channels"),
        ('{"action": "subscribe", "channel": "chat:a", "channels": [{"channel": "chat:a"}]}', "ch"),
        ('{"action": "subscribe", "channel": "chat:a", "recover": {"epoch": "e"}}', "offset"),
        ('{"action": "subscribe", "channel": "chat:ä"}', "channel"),
        ('{"action": "subscribe", "channel": ":a"}', "channel"),
        ('{"action": "unsubscribe"}', "channel"),
        ('{"action": "publish", "channel": "chat:a"}', "data"),
        ('{"action": "publish", "channel": "chat:a", "data": 1, "key": ""}', "key"),
        ('{"action": "publish", "channel": "chat:a", "data": 1, "echo": 0}', "echo"),
        ('{"action": "history", "channel": "chat:a", "limit": 0}', "limit"),
        ('{"action": "history", "channel": "chat:a", "limit": 1001}', "limit"),
        ('{"action": "presence", "channel": "chat:a", "limit": "many"}', "limit"),
        ('{"action": "presenceStats"}', "channel"),
        ('{"action": "refresh"}', "token"),
    ],
)
async def test_a_request_of_the_wrong_form_is_told_which_field_is_at_fault(
    template_over_moto: "RunningEmulator", text: str, field: str
) -> None:
    """107, and the connection stays usable."""
    async with peer(as_user(template_over_moto, "ann")) as ann:
        reply = await ann.ask_in_words(text)
        assert (reply["ok"], reply["error"]["code"]) == (False, 107), reply
        assert field in reply["error"]["message"]
        assert reply["error"]["temporary"] is False
        await ann.result(action="ping")


async def test_what_a_namespace_does_not_offer_is_not_available(
    template_over_moto: "RunningEmulator",
) -> None:
    """108: `game` keeps no history."""
    async with peer(as_user(template_over_moto, "ann")) as ann:
        assert await ann.error(action="history", channel=new_channel("game")) == 108


async def test_an_unknown_action_is_named(template_over_moto: "RunningEmulator") -> None:
    """104."""
    async with peer(as_user(template_over_moto, "ann")) as ann:
        reply = await ann.ask(action="fly", id=1)
        assert (reply["error"]["code"], "fly" in reply["error"]["message"]) == (104, True)


async def test_a_connection_that_is_closed_for_the_functions_is_unauthorized(
    template_over_moto: "RunningEmulator", template_services: "Services"
) -> None:
    """101 for what needs the connection's row, while the link may live on for a moment."""
    async with peer(as_user(template_over_moto, "ann")) as ann:
        await closing.close_connection(template_services, await connection_of(ann))
        channel = new_channel()
        assert await ann.error(action="subscribe", channel=channel) == 101
        assert await ann.error(action="ping") == 101
        assert await ann.error(action="publish", channel=channel, data=1) == 101
        assert await ann.error(action="refresh", token=token("ann")) == 101


async def test_a_token_that_is_over_does_not_refresh(template_over_moto: "RunningEmulator") -> None:
    """109; the connection stays as it was."""
    async with peer(as_user(template_over_moto, "ann")) as ann:
        assert await ann.error(action="refresh", token=token("ann", ttl_s=-1)) == 109
        await ann.result(action="ping")


async def test_a_fault_of_the_functions_is_an_answer_with_the_requests_id(
    gatepost_dev: "Callable[..., RunningEmulator]",
    moto_endpoint: str,
    fake_credentials: dict[str, str],
) -> None:
    """100, temporary, and no word of what failed: here the table is gone."""
    emulator = gatepost_dev(
        "--env-file", "local.env", "--dynamodb", moto_endpoint, "--stage", "broken"
    )
    table = boto3.client("dynamodb", endpoint_url=moto_endpoint)
    async with peer(as_user(emulator, "ann")) as ann:
        await ann.result(action="ping")
        await asyncio.to_thread(table.delete_table, TableName="gatepost-broken-Table")
        table.close()
        assert await ann.ask(action="subscribe", channel="chat:a", id=5) == {
            "type": "reply",
            "id": 5,
            "ok": False,
            "error": {"code": 100, "message": "internal error", "temporary": True},
        }
        await ann.result(action="echo", data="still here")


async def use_up(services: "Services", connection_id: str, bucket: str, rate: "Rate") -> None:
    """Take all that a connection may do within the next minute."""
    while await services.store.connections.take(
        connection_id, bucket, rate, now=time.time() + A_MINUTE_S
    ):
        pass


async def test_who_publishes_too_fast_is_refused_for_now(
    template_over_moto: "RunningEmulator", template_services: "Services"
) -> None:
    """111, temporary; nothing else of the connection suffers."""
    channel = new_channel()
    async with peer(as_user(template_over_moto, "ann")) as ann:
        connection_id = await connection_of(ann)
        await ann.subscribed(channel)
        await use_up(template_services, connection_id, "publish", NAMESPACES["chat"].publish_rate)
        reply = await ann.ask(action="publish", channel=channel, data=1)
        assert (reply["error"]["code"], reply["error"]["temporary"]) == (111, True)
        history = await ann.result(action="history", channel=channel)
        assert history["publications"] == []


async def test_who_goes_on_regardless_is_closed(
    template_over_moto: "RunningEmulator", template_services: "Services"
) -> None:
    """`closing`: 3508, the last message; the client is not to come back by itself."""
    async with peer(as_user(template_over_moto, "ann")) as ann:
        connection_id = await connection_of(ann)
        await use_up(template_services, connection_id, "publish", NAMESPACES["chat"].publish_rate)
        await use_up(template_services, connection_id, "refusals", limits.REFUSALS)
        await ann.send(action="publish", channel=new_channel(), data=1)
        assert await ann.told("closing") == {
            "type": "closing",
            "code": 3508,
            "message": "rate limit ignored",
            "reconnect": False,
        }
        with pytest.raises(ConnectionClosed):
            await ann.told("nothing more")


async def test_a_request_over_32_kib_does_not_get_through(
    template_over_moto: "RunningEmulator",
) -> None:
    """In one frame the gateway closes with 1009; in fragments it is error 106."""
    text = json.dumps({"action": "echo", "data": "x" * 33_000})
    # A compressed frame is measured as it is on the wire, and would be short.
    async with connect(as_user(template_over_moto, "ann"), compression=None) as client:
        await client.send([text[:20_000], text[20_000:]])
        reply = json.loads(await asyncio.wait_for(client.recv(), 10))
        assert reply["error"]["code"] == 106
        await client.send(text)
        with pytest.raises(ConnectionClosed) as raised:
            await asyncio.wait_for(client.recv(), 10)
        assert raised.value.rcvd is not None
        assert raised.value.rcvd.code == 1009


async def test_data_of_28_kib_gets_through_and_no_more(
    template_over_moto: "RunningEmulator",
) -> None:
    """106 for a `publish`; a `signal` that is too long reaches nobody."""
    channel = new_channel()
    fits, too_long = "x" * (DATA_BYTES_MAX - 2), "x" * (DATA_BYTES_MAX - 1)
    async with pair(template_over_moto, "ann", "ben") as (ann, ben):
        await ben.subscribed(channel)
        await ann.result(action="publish", channel=channel, data=fits)
        assert (await ben.told("publication"))["data"] == fits
        assert await ann.error(action="publish", channel=channel, data=too_long) == 106
        await ann.send(action="signal", channel=channel, data=too_long)
        await ann.send(action="signal", channel=channel, data=fits)
        assert (await ben.told("publication"))["data"] == fits


async def test_a_connection_holds_a_hundred_subscriptions(
    template_over_moto: "RunningEmulator",
) -> None:
    """106 for the next; those that are held may be asked for again, and given up for others."""
    name = new_channel("game")
    channels = [f"{name}-{number}" for number in range(100)]
    async with peer(as_user(template_over_moto, "ann")) as ann:
        for first in range(0, 100, 20):
            wanted = [{"channel": channel} for channel in channels[first : first + 20]]
            found = (await ann.result(action="subscribe", channels=wanted))["channels"]
            assert [each for each in found if "error" in each] == []
        assert await ann.error(action="subscribe", channel=f"{name}-more") == 106
        await ann.subscribed(channels[99])
        await ann.result(action="unsubscribe", channel=channels[0])
        await ann.subscribed(f"{name}-more")


async def test_a_request_subscribes_to_twenty_channels_at_most(
    template_over_moto: "RunningEmulator",
) -> None:
    """107 for more: none of them is subscribed to."""
    wanted = [{"channel": new_channel("game")} for _ in range(21)]
    async with peer(as_user(template_over_moto, "ann")) as ann:
        assert await ann.error(action="subscribe", channels=wanted) == 107
        await ann.result(action="publish", channel=wanted[0]["channel"], data=1)
        assert await ann.waiting() == []


@pytest.mark.parametrize("action", ["subscribe", "unsubscribe", "publish", "history", "presence"])
async def test_a_channels_name_has_128_characters_at_most(
    template_over_moto: "RunningEmulator", action: str
) -> None:
    """106 for a longer one."""
    name = new_channel().ljust(128, "x")
    async with peer(as_user(template_over_moto, "ann")) as ann:
        await ann.result(action=action, channel=name, data=1)
        assert await ann.error(action=action, channel=f"{name}x", data=1) == 106


async def test_a_key_has_64_characters_at_most(template_over_moto: "RunningEmulator") -> None:
    """107 for a longer one."""
    publish = {"action": "publish", "channel": new_channel(), "data": 1}
    async with peer(as_user(template_over_moto, "ann")) as ann:
        await ann.result(**publish, key="k" * 64)
        assert await ann.error(**publish, key="k" * 65) == 107


async def test_what_others_see_of_a_user_is_short(template_over_moto: "RunningEmulator") -> None:
    """`info` of 1 KiB, and 64 characters of an anonymous `name`, or the handshake is refused."""
    info = {"text": "x" * (1024 - len('{"text":""}'))}
    async with peer(as_user(template_over_moto, "ann", info=info)) as ann:
        await ann.result(action="ping")
    longer = {"text": info["text"] + "x"}
    assert await refusal(as_user(template_over_moto, "ann", info=longer)) == 401
    async with peer(f"{template_over_moto.url}?name={'n' * 64}") as anonymous:
        await anonymous.result(action="ping")
    assert await refusal(f"{template_over_moto.url}?name={'n' * 65}") == 403
