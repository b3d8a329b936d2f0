"""`refresh`, up to the domain."""

import pytest

from functions.core.context import Context
from functions.core.errors import INVALID_TOKEN, TOKEN_EXPIRED, UNAUTHORIZED, ProtocolError
from functions.identity.keys import Key, KeysUnavailable
from functions.identity.renewal import Refresh, refresh
from functions.identity.settings import TokenSettings
from functions.identity.tokens import Verifier, make_verifier
from tests.signing import SECRET, token

NOW = 1_800_000_000


class NoKeys:
    """Keys that no id finds, or that can't be had."""

    def __init__(self, *, available: bool) -> None:
        self._available = available

    async def find(self, key_id: str | None) -> Key | None:
        """Find nothing."""
        if not self._available:
            raise KeysUnavailable
        return None


@pytest.fixture
def verifier() -> Verifier:
    """Verify by the secret."""
    return make_verifier({"JWT_SECRET": SECRET}, clock=lambda: NOW)


async def test_a_good_token_of_the_same_user_extends(verifier: Verifier, context: Context) -> None:
    """The reply says until when."""
    given = token(sub=context.user, exp=NOW + 60)
    assert await refresh(verifier, context, Refresh(given)) == {"expires_at": NOW + 60}
    connection = await context.store.connections.read(context.connection_id, now=NOW)
    assert connection is not None
    assert connection.identity.authorized_until == NOW + 60


async def test_another_users_token_does_not(verifier: Verifier, context: Context) -> None:
    """101, and the connection stays."""
    with pytest.raises(ProtocolError) as raised:
        await refresh(verifier, context, Refresh(token(sub="mallory", exp=NOW + 60)))
    assert (raised.value.kind, raised.value.closing) == (UNAUTHORIZED, None)


async def test_a_token_that_is_over_is_told_apart(verifier: Verifier, context: Context) -> None:
    """109: the client gets another one."""
    with pytest.raises(ProtocolError) as raised:
        await refresh(verifier, context, Refresh(token(sub=context.user, exp=NOW)))
    assert (raised.value.kind, raised.value.closing) == (TOKEN_EXPIRED, None)


@pytest.mark.parametrize("given", ["", "eyJ.eyJ.x", token("foreign " * 8), "x" * 5000])
async def test_what_never_counted_ends_the_connection(
    given: str, verifier: Verifier, context: Context
) -> None:
    """101 and 3500; nothing of the token is told."""
    with pytest.raises(ProtocolError) as raised:
        await refresh(verifier, context, Refresh(given))
    assert (raised.value.kind, raised.value.closing) == (UNAUTHORIZED, INVALID_TOKEN)
    assert raised.value.message == "token: not valid"


async def test_a_key_that_is_not_known_yet_ends_nothing(context: Context) -> None:
    """The next fetch may bring it."""
    verifier = Verifier(TokenSettings(), NoKeys(available=True), clock=lambda: NOW)
    with pytest.raises(ProtocolError) as raised:
        await refresh(verifier, context, Refresh(token()))
    assert (raised.value.kind, raised.value.closing) == (UNAUTHORIZED, None)


async def test_keys_that_cant_be_had_are_a_fault_of_ours(context: Context) -> None:
    """It passes through, and becomes error 100."""
    verifier = Verifier(TokenSettings(), NoKeys(available=False), clock=lambda: NOW)
    with pytest.raises(KeysUnavailable):
        await refresh(verifier, context, Refresh(token()))
