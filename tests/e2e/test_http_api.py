"""The HTTP API in a running emulator: what a server asks for, and what its users' sockets see."""

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gatepost.emulator.tokens import sign
from tests.e2e.conftest import ROOT
from tests.e2e.test_chat import ask, receive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.conftest import RunningEmulator

KEY = "local-key"
SECRET = next(
    line.removeprefix("JWT_SECRET=")
    for line in (ROOT / "local.env").read_text(encoding="utf-8").splitlines()
    if line.startswith("JWT_SECRET=")
)

Answer = tuple[int, Any]


async def call(
    emulator: "RunningEmulator", path: str, body: object = None, *, key: str = KEY, **query: str
) -> Answer:
    """Send a GET, or a POST with a body; give status and body of the answer, which is JSON."""
    method = "GET" if body is None else "POST"
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, f"{emulator.page_url}v1/{path}", json=body, params=query, headers=headers
        ) as response,
    ):
        kind = "application/json" if response.ok else "application/problem+json"
        assert response.content_type == kind
        return response.status, await response.json(content_type=kind)


@pytest.fixture
def channel() -> str:
    """A channel of the test's own."""
    return f"chat:{uuid.uuid4().hex}"


def token(**claims: object) -> str:
    """Make a token with the secret of the environment file."""
    return sign({"sub": "server", "exp": int(time.time()) + 3600, **claims}, SECRET)


def user_url(emulator: "RunningEmulator", user: str) -> str:
    """Where a user with all permissions connects."""
    allow = ["subscribe", "publish", "presence", "history"]
    permissions = [{"channel": "*", "allow": allow}]
    return f"{emulator.url}?token={token(sub=user, permissions=permissions)}"


async def test_what_a_server_publishes_reaches_sockets_once_by_key_and_is_kept(
    shared_emulator: "RunningEmulator", channel: str
) -> None:
    """A single publication and a batch, each repeated; history then has them, in order."""
    one = {"channel": channel, "data": {"n": 1}, "key": "one"}
    batch = {
        "publications": [
            {"channel": channel, "data": {"n": n}, "key": f"batch-{n}"} for n in (2, 3)
        ]
    }
    async with connect(shared_emulator.url) as client:
        await ask(client, action="subscribe", channel=channel)
        status, first = await call(shared_emulator, "publish", one)
        assert (status, first["offset"]) == (200, 1)
        assert (await call(shared_emulator, "publish", one)) == (200, first)
        results = [(await call(shared_emulator, "batch", batch))[1]["results"] for _ in range(2)]
        assert results[0] == results[1]
        assert [each["offset"] for each in results[0]] == [2, 3]
        last = {"channel": channel, "data": "last"}
        assert (await call(shared_emulator, "publish", last))[0] == 200
        heard: list[Mapping[str, Any]] = []
        while not heard or heard[-1]["data"] != "last":
            heard.append(await receive(client))
    assert [each["offset"] for each in heard] == [1, 2, 3, 4]
    assert not any("from" in each for each in heard)
    status, kept = await call(shared_emulator, "history", channel=channel)
    assert [each["data"] for each in kept["publications"]] == [{"n": 1}, {"n": 2}, {"n": 3}, "last"]


async def test_presence_and_stats_tell_who_is_there(
    shared_emulator: "RunningEmulator", channel: str
) -> None:
    """Two connections of one user are one user."""
    user = f"user-{uuid.uuid4().hex}"
    url = user_url(shared_emulator, user)
    async with connect(url) as one, connect(url) as other:
        for client in (one, other):
            await ask(client, action="subscribe", channel=channel)
        status, found = await call(shared_emulator, "presence", channel=channel)
        assert (status, list(found["users"])) == (200, [user])
        assert len(found["users"][user]["connections"]) == 2
        counts = await call(shared_emulator, "stats", channel=channel)
        assert counts == (200, {"connections": 2, "users": 1})


async def test_a_message_is_sent_to_all_connections_of_a_user(
    shared_emulator: "RunningEmulator",
) -> None:
    """Each gets a `message`; they need not be subscribed to anything."""
    user = f"user-{uuid.uuid4().hex}"
    url = user_url(shared_emulator, user)
    async with connect(url) as one, connect(url) as other:
        sent = await call(shared_emulator, "send", {"user": user, "data": {"hello": 1}})
        assert sent == (200, {"delivered": 2, "failed": 0})
        for client in (one, other):
            message = await receive(client)
            assert (message["type"], message["data"]) == ("message", {"hello": 1})


async def test_a_kicked_user_is_told_why_and_kept_out(shared_emulator: "RunningEmulator") -> None:
    """`closing` with 3503, the end, and 403 for the next handshake."""
    user = f"user-{uuid.uuid4().hex}"
    url = user_url(shared_emulator, user)
    async with connect(url) as client:
        kicked = await call(shared_emulator, "kick", {"user": user, "block_s": 600})
        assert kicked == (200, {"connections": 1})
        closing = await receive(client)
        assert (closing["type"], closing["code"], closing["reconnect"]) == ("closing", 3503, False)
        with pytest.raises(ConnectionClosed):
            await receive(client)
    with pytest.raises(InvalidStatus, match="403"):
        await connect(url)


async def test_a_kicked_connection_ends_alone(shared_emulator: "RunningEmulator") -> None:
    """By its id, with another code; its user may come back at once."""
    user = f"user-{uuid.uuid4().hex}"
    url = user_url(shared_emulator, user)
    channel = f"game:{uuid.uuid4().hex}"
    async with connect(url) as client:
        await ask(client, action="subscribe", channel=channel)
        _, found = await call(shared_emulator, "presence", channel=channel)
        (connection_id,) = found["users"][user]["connections"]
        kick = {"connection": connection_id, "code": 3001}
        assert await call(shared_emulator, "kick", kick) == (200, {"connections": 1})
        assert (await receive(client))["code"] == 3001
    async with connect(url) as again:
        assert (await ask(again, action="ping"))["ok"] is True


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("wrong-key", (401, 101)),
        (token(api=["publish"], exp=int(time.time()) - 60), (401, 109)),
        (token(api=["publish"])[:-5] + "AAAAA", (401, 101)),
        (token(api=["history"]), (403, 103)),
        (token(), (403, 103)),
        (token(api=["publish"]), (200, None)),
    ],
    ids=["unknown", "expired", "forged", "other permission", "no permission", "token"],
)
async def test_a_key_or_a_token_with_its_permission_is_needed(
    shared_emulator: "RunningEmulator", channel: str, key: str, expected: tuple[int, int | None]
) -> None:
    """A token's claim `api` names what it allows; what one connects with allows nothing here."""
    body = {"channel": channel, "data": 1}
    status, answer = await call(shared_emulator, "publish", body, key=key)
    assert (status, answer.get("code")) == expected
    assert key not in shared_emulator.output


async def test_what_is_wrong_is_a_problem(shared_emulator: "RunningEmulator", channel: str) -> None:
    """Too large, not there, malformed; each with the code of the protocol."""
    for body, expected in (
        ({"channel": channel, "data": "x" * 29_000}, (413, 106)),
        ({"channel": channel, "data": "x" * 40_000}, (413, 106)),
        ({"channel": "none:a", "data": 1}, (404, 102)),
        ({"channel": channel}, (400, 107)),
    ):
        status, problem = await call(shared_emulator, "publish", body)
        assert (status, problem["code"]) == expected
    status, problem = await call(shared_emulator, "nothing")
    assert (status, problem["type"], problem["title"]) == (404, "about:blank", "Not Found")


async def test_health_and_description_are_open_to_all(shared_emulator: "RunningEmulator") -> None:
    """Yes, both parts answer; the document; the page."""
    assert await call(shared_emulator, "health", key="x") == (200, {"ok": True})
    parts = await call(shared_emulator, "health/parts")
    assert parts == (200, {"table": True, "gateway": True})
    async with aiohttp.ClientSession(shared_emulator.page_url) as session:
        async with session.get("openapi.json") as response:
            assert json.loads(await response.text())["openapi"] == "3.1.0"
        async with session.get("docs") as response:
            assert response.content_type == "text/html"
