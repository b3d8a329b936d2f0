"""Who gets in, what a token allows and for how long: the template through a socket."""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec import structs
from websockets.asyncio.client import ClientConnection, connect

from functions.core import closing
from functions.core.context import Services
from functions.runtime.wiring import Environment
from tests.e2e.conftest import GATEPOST, ROOT, RunningEmulator
from tests.e2e.conversation import Message, ask, closed, error_of, receive, refusal
from tests.signing import claims, sign, token

if TYPE_CHECKING:
    from functions.core.permissions import Identity
    from tests.conftest import Eventually

SECRET = "the secret of the emulator of these tests"
SETTINGS = {
    "JWT_SECRET": SECRET,
    "JWT_AUDIENCE": "chat",
    "JWT_ISSUER": "tests",
    "ORIGINS": "https://chat.example",
}
EVERYTHING = [{"channel": "*", "allow": ["subscribe", "publish", "presence", "history"]}]


class Guarded:
    """An emulator that lets in whom a token names, and all that it wrote about it."""

    def __init__(self, folder: Path, dynamodb_url: str) -> None:
        env_file = folder / "guarded.env"
        env_file.write_text("".join(f"{name}='{value}'\n" for name, value in SETTINGS.items()))
        self.trace = folder / "trace.jsonl"
        self.emulator = RunningEmulator(
            *("--env-file", str(env_file), "--dynamodb", dynamodb_url),
            *("--trace", str(self.trace), "--log-level", "debug"),
        )

    @property
    def url(self) -> str:
        """Where the socket is."""
        return self.emulator.url

    def with_token(self, given: str) -> str:
        """Give the URL with a token."""
        return f"{self.url}?token={given}"

    def tells_nothing_of(self, given: str) -> bool:
        """Say that no part of a token stands in the live log or in the trace."""
        written = self.emulator.output + self.trace.read_text("utf-8")
        return not [part for part in given.split(".") if len(part) > 20 and part in written]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> Iterator[Guarded]:
    """Start one for all tests here."""
    running = Guarded(tmp_path_factory.mktemp("guarded"), moto_endpoint)
    yield running
    running.emulator.stop_now()


@pytest.fixture
async def services(
    guarded: Guarded,
    moto_endpoint: str,
    fake_credentials: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Services]:
    """Give what functions have, over the same table and gateway."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", moto_endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", guarded.emulator.management_url)
    monkeypatch.setenv("TABLE_NAME", "gatepost-dev-Table")
    environment = Environment()
    yield await environment.services()
    await environment.close()


def good(**changes: object) -> str:
    """Sign a token that lets in."""
    content: dict[str, object] = {
        "aud": "chat",
        "iss": "tests",
        "permissions": EVERYTHING,
        **changes,
    }
    return sign(claims(**content), SECRET)


def unsigned() -> str:
    """Make a token as good as any, but for `alg: none`."""
    given = sign(claims(aud="chat", iss="tests", permissions=EVERYTHING), "", "none")
    assert given.endswith(".")
    return given


async def id_of(client: ClientConnection) -> str:
    """Learn a connection's id from a publication of its own."""
    channel = "game:who-am-i"
    await ask(client, action="subscribe", channel=channel)
    await client.send(json.dumps({"action": "publish", "channel": channel, "data": 0}))
    found = (await receive(client, "publication"))["from"]["connection"]
    await ask(client, action="unsubscribe", channel=channel)
    return str(found)


@pytest.mark.parametrize("place", ["query", "header"])
async def test_a_good_token_lets_in_whom_it_names(guarded: Guarded, place: str) -> None:
    """In the query string, or in the header for clients that can set it."""
    given = good(sub="alice", info={"name": "Alice"})
    url = guarded.with_token(given) if place == "query" else guarded.url
    headers = {"Authorization": f"Bearer {given}"} if place == "header" else {}
    async with connect(url, additional_headers=headers) as client:
        channel = f"chat:good-{place}"
        assert await error_of(client, action="subscribe", channel=channel) == 0
        assert (await ask(client, action="echo", data=1))["result"]["user"] == "alice"
        users = (await ask(client, action="presence", channel=channel))["result"]["users"]
        assert users["alice"]["info"] == {"name": "Alice"}
    assert guarded.tells_nothing_of(given)


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "expired": (lambda: good(exp=int(time.time()) - 1), "it is expired"),
    "alg none": (unsigned, "its signature is not right"),
    "wrong audience": (lambda: good(aud="mail"), "it is for another audience"),
    "no audience": (lambda: good(aud=None), "it is for another audience"),
    "wrong issuer": (lambda: good(iss="somebody"), "it is of another issuer"),
    "foreign key": (lambda: token("a foreign secret of thirty-two characters"), "its signature"),
    "no user": (lambda: good(sub=None), "a claim is missing or wrong"),
    "no expiry": (lambda: good(exp=None), "a claim is missing or wrong"),
    "large info": (lambda: good(info={"text": "x" * 1100}), "its info has more than"),
    "oversized": (lambda: good(pad="x" * 4000), "it is longer than"),
    "no token": (lambda: "no-token-but-longer-than-twenty", "it is no JSON Web Token"),
}


@pytest.mark.parametrize(("make", "why"), REFUSED.values(), ids=REFUSED)
async def test_a_token_that_does_not_count_is_answered_401(
    guarded: Guarded, make: Callable[[], str], why: str
) -> None:
    """The log says why, and nothing of the token stands in any."""
    given = make()
    said = guarded.emulator.output.count(f" token: {why}")
    headers = {"Authorization": f"Bearer {given}"}
    assert await refusal(guarded.url, additional_headers=headers) == 401
    expected = 1
    if len(given) < 4000:  # a longer URL is refused by the gateway itself (B-028)
        assert await refusal(guarded.with_token(given)) == 401
        expected = 2
    await asyncio.to_thread(
        guarded.emulator.wait_for,
        lambda: guarded.emulator.output.count(f" token: {why}") == said + expected,
    )
    assert guarded.tells_nothing_of(given)


async def test_without_a_token_nobody_gets_in(guarded: Guarded) -> None:
    """The function runs, as the stage names no identity source, and refuses."""
    assert await refusal(guarded.url) == 401
    assert await refusal(f"{guarded.url}?name=Ann") == 401


async def test_a_page_of_another_origin_gets_403(guarded: Guarded) -> None:
    """With a good token too."""
    url = guarded.with_token(good())
    assert await refusal(url, additional_headers={"Origin": "https://evil.example"}) == 403
    async with connect(url, additional_headers={"Origin": "https://chat.example"}) as client:
        assert await error_of(client, action="ping") == 0


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("subscribe", {"action": "subscribe"}),
        ("publish", {"action": "publish", "data": 1}),
        ("presence", {"action": "presence"}),
        ("presence", {"action": "presenceStats"}),
        ("history", {"action": "history"}),
    ],
)
async def test_without_permission_a_request_gets_103(
    guarded: Guarded, operation: str, request_: dict[str, object]
) -> None:
    """Each operation is allowed by name, in the channels of a pattern."""
    grants = [{"channel": "chat:mine-*", "allow": [operation]}]
    async with (
        connect(guarded.with_token(good(permissions=None))) as nobody,
        connect(guarded.with_token(good(permissions=grants))) as somebody,
    ):
        assert await error_of(nobody, channel="chat:mine-1", **request_) == 103
        assert await error_of(somebody, channel="chat:mine-1", **request_) == 0
        assert await error_of(somebody, channel="chat:yours", **request_) == 103


async def test_a_signal_without_permission_reaches_nobody_and_gets_no_reply(
    guarded: Guarded,
) -> None:
    """It needs `publish`; its route goes one way, errors too."""
    listens = [{"channel": "game:*", "allow": ["subscribe"]}]
    async with (
        connect(guarded.with_token(good(sub="mute", permissions=listens))) as mute,
        connect(guarded.with_token(good(sub="loud"))) as loud,
    ):
        for client in (mute, loud):
            assert await error_of(client, action="subscribe", channel="game:signals") == 0
        for client, data in ((mute, "not allowed"), (loud, "allowed")):
            await client.send(
                json.dumps({"action": "signal", "channel": "game:signals", "data": data, "id": 5})
            )
            assert "id" not in await ask(client, action="ping")
        assert (await receive(mute, "publication"))["data"] == "allowed"
        assert "id" not in await ask(loud, action="ping")


async def test_refresh_extends_what_was_over(guarded: Guarded, eventually: "Eventually") -> None:
    """Until then requests get 109; the new token's permissions hold from then on."""
    short = good(sub="renewer", exp=int(time.time()) + 2)
    async with connect(guarded.with_token(short)) as client:
        assert await error_of(client, action="subscribe", channel="chat:renewed") == 0
        await eventually(lambda: expired(client))
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
    assert guarded.tells_nothing_of(given)


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
    assert guarded.tells_nothing_of(given)


async def test_who_only_receives_gets_nothing_after_the_expiry(
    guarded: Guarded, services: Services
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


async def let_expire(services: Services, connection_id: str, *, ago_s: int) -> None:
    """Write that a connection's authorization ended so long ago, in all of its rows."""
    now = int(time.time())
    connection = await services.store.connections.read(connection_id, now=now)
    assert connection is not None
    identity: Identity = structs.replace(connection.identity, authorized_until=now - ago_s)
    held = await services.store.connections.authorize(connection_id, identity, now=now)
    for each in held:
        await services.store.subscriptions.authorize(each, until=now - ago_s)


async def test_a_minute_after_the_expiry_a_request_ends_the_connection(
    guarded: Guarded, services: Services, eventually: "Eventually"
) -> None:
    """109, then 3005: the client is to come back with a new token."""
    short = good(sub="late", exp=int(time.time()) + 2)
    async with connect(guarded.with_token(short)) as client:
        connection_id = await id_of(client)
        await eventually(lambda: expired(client))
        await let_expire(services, connection_id, ago_s=61)
        await client.send(json.dumps({"action": "ping"}))
        told = await closed(client)
        assert (told["code"], told["reconnect"]) == (3005, True)
        await eventually(lambda: is_forgotten(services, connection_id))


async def is_forgotten(services: Services, connection_id: str) -> bool:
    """Say whether a connection has no row."""
    return await services.store.connections.read(connection_id, now=int(time.time())) is None


async def test_a_kicked_user_stays_out_while_blocked(guarded: Guarded, services: Services) -> None:
    """Every tab is closed with 3503; nobody else notices; after the block all is well."""
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
    await services.store.connections.block("rowdy", until=int(time.time()) - 1)
    async with connect(url) as again:
        assert await error_of(again, action="ping") == 0


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


async def test_a_token_of_the_command_line_gets_in(shared_emulator: RunningEmulator) -> None:
    """`gatepost token`, with the secret that `make run` uses; beside it the anonymous."""
    given = await asyncio.to_thread(token_of_the_command_line)
    async with (
        connect(f"{shared_emulator.url}?token={given}") as client,
        connect(shared_emulator.url) as anonymous,
    ):
        assert (await ask(client, action="echo", data=1))["result"]["user"] == "alice"
        assert await error_of(client, action="subscribe", channel="chat:cli") == 0
        assert await error_of(client, action="subscribe", channel="chat:other") == 103
        user = (await ask(anonymous, action="echo", data=1))["result"]["user"]
        assert user.startswith("anon-")
    assert await refusal(f"{shared_emulator.url}?token={given}x") == 401


def token_of_the_command_line() -> str:
    """Make one as a developer does."""
    command = ["token", "--sub", "alice", "--permissions", "chat:cli=subscribe,publish"]
    made = subprocess.run(
        [str(GATEPOST), *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return made.stdout.strip()
