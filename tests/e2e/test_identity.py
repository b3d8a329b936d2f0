"""Who gets in and what a token allows: the template through a socket."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable

import pytest
from websockets.asyncio.client import connect

from tests.e2e.conftest import GATEPOST, ROOT, RunningEmulator
from tests.e2e.conversation import ask, error_of, receive, refusal
from tests.e2e.guarded import EVERYTHING, Guarded, good
from tests.signing import claims, sign, token


def unsigned() -> str:
    """Make a token as good as any, but for `alg: none`."""
    given = sign(claims(aud="chat", iss="tests", permissions=EVERYTHING), "", "none")
    assert given.endswith(".")
    return given


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
    assert await guarded.tells_nothing_of(given)


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
    assert await guarded.tells_nothing_of(given)


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
