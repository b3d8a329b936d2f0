"""Tokens of servers: what the claim `api` allows."""

import pytest

from functions.core.errors import TOKEN_EXPIRED, UNAUTHORIZED, ErrorKind, ProtocolError
from functions.identity.api_tokens import ApiTokens
from functions.identity.tokens import make_verifier
from tests.signing import SECRET, token

NOW = 1_800_000_000


@pytest.fixture
def tokens() -> ApiTokens:
    """Verify by the secret."""
    return ApiTokens(make_verifier({"JWT_SECRET": SECRET}, clock=lambda: NOW))


async def test_the_claim_says_what_is_allowed(tokens: ApiTokens) -> None:
    """A permission that does not exist harms nobody; without the claim there is none."""
    given = token(exp=NOW + 60, api=["publish", "fly"])
    assert set(await tokens.permissions(given)) == {"publish", "fly"}
    assert set(await tokens.permissions(token(exp=NOW + 60))) == set()


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (token(exp=NOW, api=["publish"]), TOKEN_EXPIRED),
        (token(exp=NOW + 60, api="publish"), UNAUTHORIZED),
        (token(exp=NOW + 60, api=["publish"], aud="another"), UNAUTHORIZED),
        ("a.b.c", UNAUTHORIZED),
    ],
    ids=["expired", "claim", "audience", "no token"],
)
async def test_what_does_not_count_allows_nothing_and_is_not_logged(
    tokens: ApiTokens, caplog: pytest.LogCaptureFixture, given: str, kind: ErrorKind
) -> None:
    """The log has the reason without any part of the token."""
    caplog.set_level("DEBUG")
    with pytest.raises(ProtocolError) as raised:
        await tokens.permissions(given)
    assert raised.value.kind == kind
    assert not any(part in caplog.text for part in given.split(".") if len(part) > 1)


async def test_without_a_secret_no_token_counts() -> None:
    """Keys may do."""
    tokens = ApiTokens(make_verifier({}, clock=lambda: NOW))
    with pytest.raises(ProtocolError, match="101"):
        await tokens.permissions(token(exp=NOW + 60, api=["publish"]))
