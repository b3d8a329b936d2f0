"""Keys as the setting has them, and tokens beside them."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.companion.authentication import PERMISSIONS, Callers, KeysError, read_keys
from functions.core.errors import TOKEN_EXPIRED, ProtocolError
from tests.functions.companion.conftest import KEY, sha256


class Verifier:
    """Knows one token, which allows to publish, and one that has expired."""

    async def permissions(self, token: str) -> Collection[str]:
        """Tell them apart."""
        if token == "a.b.expired":
            raise ProtocolError(TOKEN_EXPIRED)
        return {"publish"}


def test_keys_stand_between_white_space_with_what_they_allow() -> None:
    """Without a list, everything."""
    keys = read_keys(f"  {sha256('a')}\n{sha256('b').upper()}:publish,history ")
    assert [each.digest.hex() for each in keys] == [sha256("a"), sha256("b")]
    assert [each.permissions for each in keys] == [PERMISSIONS, {"publish", "history"}]
    assert read_keys("") == []


@pytest.mark.parametrize(
    "entry",
    ["secret", sha256("a")[:-1], sha256("a") + "0", sha256("a") + ":", sha256("a") + ":fly"],
)
def test_a_wrong_entry_is_named_by_its_place_alone(entry: str) -> None:
    """It may be a key that somebody forgot to hash."""
    with pytest.raises(KeysError, match="entry 2") as raised:
        read_keys(f"{sha256('a')} {entry}")
    assert entry not in str(raised.value)


@given(st.text())
def test_only_the_key_itself_gets_in(key: str) -> None:
    """Whatever else is presented is unknown or no key at all."""
    callers = Callers(read_keys(sha256(KEY)))
    coroutine = callers.require(f"Bearer {key}", "publish")
    with pytest.raises((StopIteration, ProtocolError)) as raised:
        coroutine.send(None)
    assert (raised.type is StopIteration) == (key.strip() == KEY)


async def test_a_token_has_its_own_permissions() -> None:
    """What it does not allow is 103, what the verifier refuses goes through."""
    callers = Callers(read_keys(sha256(KEY)), Verifier())
    await callers.require("Bearer a.b.c", "publish")
    await callers.require(f"Bearer {KEY}", "kick")
    with pytest.raises(ProtocolError, match="103"):
        await callers.require("Bearer a.b.c", "kick")
    with pytest.raises(ProtocolError, match="109"):
        await callers.require("Bearer a.b.expired", "publish")


async def test_without_a_verifier_a_token_is_an_unknown_key() -> None:
    """Keys alone must do where no token is configured."""
    callers = Callers(read_keys(sha256(KEY)))
    with pytest.raises(ProtocolError, match="101"):
        await callers.require("Bearer a.b.c", "publish")


async def test_a_credential_of_any_length_is_not_taken() -> None:
    """Hashing and verifying cost time that nobody may take."""
    callers = Callers(read_keys(sha256("x" * 9000)), Verifier())
    for credential in ("x" * 9000, f"a.b.{'x' * 9000}"):
        with pytest.raises(ProtocolError, match="too long"):
            await callers.require(f"Bearer {credential}", "publish")
