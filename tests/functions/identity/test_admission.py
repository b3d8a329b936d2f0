"""Letting in at $connect: the authorizer's event, and its policy."""

import json
from typing import Any

import msgspec
import pytest

from functions.core.permissions import EVERYTHING, Identity
from functions.identity.admission import RESULT_BYTES_MAX, Unauthorized, admit
from functions.identity.tokens import TOKEN_LENGTH_MAX, Verifier, make_verifier
from functions.runtime.events import EventError
from tests.signing import SECRET, token

ARN = "arn:aws:execute-api:eu-central-1:123456789012:abc/dev/$connect"
EXP = 1_800_000_060


def verifier(**environ: str) -> Verifier:
    """Make one by its settings."""
    return make_verifier(environ, clock=lambda: EXP - 60)


def event(
    query: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> dict[str, object]:
    """Make what the gateway asks (B-074)."""
    return {
        "type": "REQUEST",
        "methodArn": ARN,
        "headers": headers,
        "queryStringParameters": query,
        "requestContext": {"connectionId": "Q0ZkUfPSIAMCJzA=", "routeKey": "$connect"},
    }


def identity_of(result: dict[str, Any]) -> Identity:
    """Read what every later event will carry."""
    return msgspec.json.decode(result["context"]["identity"], type=Identity)


def effect_of(result: dict[str, Any]) -> str:
    """Read the policy; it speaks of this $connect alone (B-077)."""
    [statement] = result["policyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("execute-api:Invoke", ARN)
    return str(statement["Effect"])


@pytest.mark.parametrize(
    "shown",
    [
        event({"token": token(exp=EXP)}),
        event(None, {"Authorization": f"Bearer {token(exp=EXP)}"}),
        event({}, {"authorization": f"bearer  {token(exp=EXP)}"}),
        event({"token": token(exp=EXP)}, {"Authorization": "Bearer of.something.else"}),
    ],
    ids=["query", "header", "lower-case", "both"],
)
async def test_a_token_lets_in_whom_it_names(shown: dict[str, object]) -> None:
    """From the query string, or from the header where that has none."""
    result = await admit(verifier(JWT_SECRET=SECRET), shown)
    assert (result["principalId"], effect_of(result)) == ("alice", "Allow")
    identity = identity_of(result)
    assert (identity.user, identity.authorized_until) == ("alice", EXP)
    assert [grant.channel for grant in identity.grants] == ["chat:*"]


async def test_the_context_is_flat() -> None:
    """B-082: what is no text, number or boolean would be a malformed result."""
    result = await admit(verifier(JWT_SECRET=SECRET), event({"token": token(exp=EXP)}))
    context = result["context"]
    assert isinstance(context, dict)
    assert {name: type(value) for name, value in context.items()} == {"identity": str}


@pytest.mark.parametrize(
    "shown",
    [
        event(),
        event({"token": ""}),
        event({"token": "x"}),
        event({"token": token(exp=EXP - 60)}),
        event({"token": token("another secret of thirty-two chars", exp=EXP)}),
        event({"token": "x" * 100_000}),
        event({"name": "Ann"}),
        event({}, {"Authorization": "Basic YTpi"}),
        event({}, {"Authorization": token(exp=EXP)}),
    ],
)
async def test_without_a_token_that_counts_the_answer_is_401(
    shown: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """By the one message that the gateway takes for it (B-079); the log says why, not what."""
    caplog.set_level("INFO")
    with pytest.raises(Unauthorized, match=r"\AUnauthorized\Z") as raised:
        await admit(verifier(JWT_SECRET=SECRET), shown)
    assert raised.value.__suppress_context__
    assert raised.value.__cause__ is None
    assert "handshake refused connection=Q0ZkUfPSIAMCJzA= token: " in caplog.text
    assert "eyJ" not in caplog.text


async def test_anonymous_access_is_for_who_shows_no_token() -> None:
    """A token given is still verified."""
    both = verifier(JWT_SECRET=SECRET, AUTH="anonymous")
    assert identity_of(await admit(both, event())).user == "anon-Q0ZkUfPSIAMCJzA="
    assert identity_of(await admit(both, event({"token": token(exp=EXP)}))).user == "alice"
    with pytest.raises(Unauthorized):
        await admit(both, event({"token": token(exp=EXP - 60)}))
    with pytest.raises(Unauthorized):
        await admit(verifier(AUTH="anonymous"), event({"token": token(exp=EXP)}))


async def test_the_anonymous_may_do_everything_for_ever_under_a_name() -> None:
    """Locally, nobody has to make tokens first."""
    result = await admit(verifier(AUTH="anonymous"), event({"name": "Ann"}))
    assert identity_of(result) == Identity(
        "anon-Q0ZkUfPSIAMCJzA=", {"name": "Ann"}, EVERYTHING, authorized_until=None
    )
    assert identity_of(await admit(verifier(AUTH="anonymous"), event())).info == {}


async def test_only_the_anonymous_choose_their_name() -> None:
    """With a token it would let a user pass for another."""
    shown = event({"token": token(exp=EXP), "name": "Mallory"})
    result = await admit(verifier(JWT_SECRET=SECRET, AUTH="anonymous"), shown)
    assert identity_of(result).info == {}


async def test_a_name_has_at_most_64_characters() -> None:
    """The next one is refused with 403."""
    result = await admit(verifier(AUTH="anonymous"), event({"name": "x" * 64}))
    assert effect_of(result) == "Allow"
    result = await admit(verifier(AUTH="anonymous"), event({"name": "x" * 65}))
    assert (effect_of(result), "context" in result) == ("Deny", False)


async def test_without_any_setting_nobody_is_let_in() -> None:
    """403, with a token or without."""
    for shown in (event(), event({"token": token(exp=EXP)}), event({"name": "Ann"})):
        assert effect_of(await admit(verifier(), shown)) == "Deny"


@pytest.mark.parametrize("origin", ["https://chat.example", "HTTPS://Chat.Example", ""])
async def test_a_listed_page_may_connect_and_so_may_what_is_no_page(origin: str) -> None:
    """Browsers always send Origin, other clients never have to."""
    headers = {"Origin": origin} if origin else {}
    listed = verifier(JWT_SECRET=SECRET, ORIGINS="https://chat.example/,https://b.example")
    assert effect_of(await admit(listed, event({"token": token(exp=EXP)}, headers))) == "Allow"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://chat.example.evil.example", "http://chat.example", "null"],
)
async def test_another_page_may_not_whatever_it_shows(origin: str) -> None:
    """403: B-029, the gateway itself checks no origin."""
    listed = verifier(JWT_SECRET=SECRET, AUTH="anonymous", ORIGINS="https://chat.example")
    for query in ({"token": token(exp=EXP)}, {}):
        assert effect_of(await admit(listed, event(query, {"origin": origin}))) == "Deny"


@pytest.mark.parametrize("letter", ['"', "ü", "😀", "a"])
async def test_what_an_authorizer_cant_pass_on_is_refused_and_never_a_fault(letter: str) -> None:
    """B-076: results have at most 8 KB, and the gateway would answer a longer one with 500."""
    known = verifier(JWT_SECRET=SECRET)
    outcomes = set()
    for count in range(2, 130, 4):
        grants = [{"channel": letter * 12, "allow": ["subscribe"]}] * count
        shown = token(exp=EXP, permissions=grants)
        try:
            result = await admit(known, event({"token": shown}))
        except Unauthorized:
            outcomes.add("refused")
            continue
        outcomes.add("let in")
        assert len(shown) <= TOKEN_LENGTH_MAX
        assert len(json.dumps(result)) <= RESULT_BYTES_MAX
    assert outcomes == {"refused", "let in"}


async def test_another_event_is_named_as_such() -> None:
    """The function stands behind something else."""
    with pytest.raises(EventError, match="not a HandshakeEvent"):
        await admit(verifier(AUTH="anonymous"), {"type": "TOKEN", "authorizationToken": "x"})
