"""The template through a socket: what a client of the three functions sees."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from websockets.asyncio.client import ClientConnection, connect

if TYPE_CHECKING:
    from tests.e2e.conftest import RunningEmulator

Message = dict[str, Any]


async def ask(client: ClientConnection, **request: object) -> Message:
    """Send a request and give the next reply; other messages on the way are dropped."""
    await client.send(json.dumps(request))
    while (message := await receive(client))["type"] != "reply":
        pass
    return message


async def receive(client: ClientConnection) -> Message:
    """Give the next message, or fail after 10 s; joins and leaves of others are dropped."""
    while (message := json.loads(await asyncio.wait_for(client.recv(), 10))).get("type") in (
        "join",
        "leave",
    ):
        pass
    return dict(message)


async def test_a_publication_reaches_every_subscriber_and_no_one_else(
    shared_emulator: "RunningEmulator",
) -> None:
    """A broadcast goes to the channel's subscribers, the sender among them."""
    async with (
        connect(shared_emulator.url) as sender,
        connect(shared_emulator.url) as listener,
        connect(shared_emulator.url) as outsider,
    ):
        for client in (sender, listener):
            reply = await ask(client, action="subscribe", channel="chat:e2e", id=1)
            assert (reply["id"], reply["ok"]) == (1, True)
        await sender.send(
            json.dumps({"action": "publish", "channel": "chat:e2e", "data": {"n": 1}, "id": "p"})
        )
        heard = [await receive(listener), await receive(sender), await receive(sender)]
        publication = heard[0]
        assert publication["type"] == "publication"
        assert (publication["channel"], publication["data"]) == ("chat:e2e", {"n": 1})
        assert publication["from"]["user"].startswith("anon-")
        assert publication in heard[1:]
        assert {"reply", "publication"} == {message["type"] for message in heard[1:]}
        assert (await ask(outsider, action="echo", data="still here", id=2))["ok"] is True


async def test_without_echo_the_sender_is_left_out(shared_emulator: "RunningEmulator") -> None:
    """`echo: false` spares the publisher its own publication."""
    async with connect(shared_emulator.url) as sender, connect(shared_emulator.url) as listener:
        for client in (sender, listener):
            await ask(client, action="subscribe", channel="chat:quiet")
        await sender.send(
            json.dumps({"action": "publish", "channel": "chat:quiet", "data": 1, "echo": False})
        )
        assert (await receive(listener))["data"] == 1
        assert (await receive(sender))["type"] == "reply"
        assert (await ask(sender, action="ping", id="next"))["id"] == "next"


async def test_after_unsubscribe_nothing_comes(shared_emulator: "RunningEmulator") -> None:
    """An ended subscription receives no later publication."""
    async with connect(shared_emulator.url) as one, connect(shared_emulator.url) as other:
        for client in (one, other):
            await ask(client, action="subscribe", channel="chat:leaving")
        assert (await ask(one, action="unsubscribe", channel="chat:leaving"))["ok"] is True
        await ask(other, action="publish", channel="chat:leaving", data="late")
        assert (await ask(one, action="ping", id=9))["id"] == 9


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not json", 107),
        ("[]", 107),
        ('{"id": 1}', 107),
        ('{"action": "fly", "id": 1}', 104),
        ('{"action": "subscribe", "id": 1}', 107),
        ('{"action": "subscribe", "channel": "nonamespace"}', 107),
        ('{"action": "publish", "channel": "chat:x"}', 107),
    ],
)
async def test_a_bad_request_gets_the_error_of_the_table(
    shared_emulator: "RunningEmulator", text: str, code: int
) -> None:
    """Errors are replies with a code; the connection stays usable."""
    async with connect(shared_emulator.url) as client:
        await client.send(text)
        reply = await receive(client)
        assert (reply["ok"], reply["error"]["code"]) == (False, code)
        assert (await ask(client, action="ping"))["ok"] is True


async def test_boto3_sees_a_closed_connection_as_gone(
    shared_emulator: "RunningEmulator", fake_credentials: dict[str, str]
) -> None:
    """B-214, B-333: `except client.exceptions.GoneException` works against the emulator."""
    management = boto3.client(
        "apigatewaymanagementapi", endpoint_url=shared_emulator.management_url
    )
    async with connect(shared_emulator.url) as client:
        published = await ask(client, action="subscribe", channel="chat:boto3")
        assert published["ok"]
        await client.send(json.dumps({"action": "publish", "channel": "chat:boto3", "data": 0}))
        messages = [await receive(client), await receive(client)]
        source = next(m["from"] for m in messages if m["type"] == "publication")
        connection_id = source["connection"]
        got = await asyncio.to_thread(management.get_connection, ConnectionId=connection_id)
        assert got["Identity"]["SourceIp"] in ("127.0.0.1", "::1")
        await asyncio.to_thread(
            management.post_to_connection, ConnectionId=connection_id, Data=b'{"type":"x"}'
        )
        assert (await receive(client))["type"] == "x"

    def gone() -> bool:
        try:
            management.post_to_connection(ConnectionId=connection_id, Data=b"{}")
        except management.exceptions.GoneException:
            return True
        return False

    await asyncio.to_thread(shared_emulator.wait_for, gone)
    management.close()
