"""Verifying tokens: from a JSON Web Token (RFC 7519) to the identity that it vouches for.

Nothing that is raised or logged here holds any part of a token.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Final

import msgspec
from jwt import PyJWS
from jwt.exceptions import PyJWTError
from msgspec import Meta, Struct

from functions.core import limits
from functions.core.permissions import Grant, Identity
from functions.identity.keys import Key, Keys, PublishedKeys, SharedSecret, fetch
from functions.identity.settings import TokenSettings, read_token_settings

TOKEN_LENGTH_MAX: Final = 4096
"""A URL may be no longer (B-028)."""

LEEWAY_S: Final = 30
"""How far the issuer's clock may be ahead of ours. One that is behind shortens the token's life:
`exp` itself holds to the second, as requests and broadcasts heed it too."""

_jws: Final = PyJWS()


class TokenRefused(Exception):  # noqa: N818 - named for what happened
    """A token does not count; the text says why, and holds nothing of it."""


class TokenOver(TokenRefused):
    """A token counted until its `exp`."""


class KeyUnknown(TokenRefused):
    """No key that counts has a token's key id; a new one may yet be fetched."""


class Claims(Struct, frozen=True):
    """What is read of a token; times are epoch seconds."""

    sub: Annotated[str, Meta(min_length=1, max_length=limits.USER_LENGTH_MAX)]
    exp: Annotated[float, Meta(ge=0, le=2**53)]
    nbf: float = 0
    iat: float = 0
    aud: str | list[str] | None = None
    iss: str | None = None
    info: dict[str, object] = {}
    permissions: tuple[Grant, ...] = ()
    api: tuple[str, ...] = ()


class Verifier:
    """Verifies tokens by the settings; `clock` returns epoch seconds."""

    def __init__(
        self, settings: TokenSettings, keys: Keys | None, *, clock: Callable[[], float]
    ) -> None:
        self.settings = settings
        self._keys = keys
        self._clock = clock

    async def verify(self, token: str) -> Identity:
        """Give whom a token vouches for. Raises as `claims`."""
        claims = await self.claims(token)
        return Identity(
            user=claims.sub,
            info=claims.info,
            grants=claims.permissions,
            authorized_until=int(claims.exp),
        )

    async def claims(self, token: str) -> Claims:
        """Give what a token that counts says.

        Raises TokenRefused, of it TokenOver and KeyUnknown; KeysUnavailable when nobody can say.
        """
        if len(token) > TOKEN_LENGTH_MAX:
            raise TokenRefused(f"it is longer than {TOKEN_LENGTH_MAX}")
        if self._keys is None:
            raise TokenRefused("neither JWT_SECRET nor JWT_JWKS_URL is set")
        key = await self._keys.find(_key_id(token))
        if key is None:
            raise KeyUnknown("its key is unknown")
        claims = _claims(token, key)
        self._check(claims)
        return claims

    async def close(self) -> None:
        """Close nothing: between invocations only keys are kept."""

    def _check(self, claims: Claims) -> None:
        now = self._clock()
        if int(claims.exp) <= now:
            raise TokenOver("it is expired")
        if max(claims.nbf, claims.iat) > now + LEEWAY_S:
            raise TokenRefused("it counts only later (nbf, iat)")
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud or []
        wanted = self.settings.audience
        if wanted not in audiences if wanted else audiences:
            raise TokenRefused("it is for another audience (aud)")
        if self.settings.issuer and claims.iss != self.settings.issuer:
            raise TokenRefused("it is of another issuer (iss)")
        if len(msgspec.json.encode(claims.info)) > limits.INFO_BYTES_MAX:
            raise TokenRefused(f"its info has more than {limits.INFO_BYTES_MAX} bytes")


def make_verifier(environ: Mapping[str, str], *, clock: Callable[[], float]) -> Verifier:
    """Make what the settings in the environment ask for; raise SettingsError."""
    settings = read_token_settings(environ)
    keys: Keys | None = None
    if settings.secret:
        keys = SharedSecret(settings.secret)
    elif settings.jwks_url:
        keys = PublishedKeys(partial(fetch, settings.jwks_url))
    return Verifier(settings, keys, clock=clock)


def _key_id(token: str) -> str | None:
    try:
        found = _jws.get_unverified_header(token).get("kid")
    except (PyJWTError, ValueError, RecursionError):
        raise TokenRefused("it is no JSON Web Token") from None
    return found if isinstance(found, str) else None


def _claims(token: str, key: Key) -> Claims:
    try:
        payload = _jws.decode(token, key.key, algorithms=[key.algorithm])
    except (PyJWTError, ValueError):
        raise TokenRefused(f"its signature is not right for {key.algorithm}") from None
    try:
        return msgspec.json.decode(payload, type=Claims)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TokenRefused(f"a claim is missing or wrong: {_place(error)}") from None


def _place(error: Exception) -> str:
    """Name the claim at fault and nothing more: what stands in it may be the client's own."""
    _, _, path = str(error).rpartition("`$.")
    name = path.rstrip("`").partition("[")[0].partition(".")[0]
    return name if name in Claims.__struct_fields__ else "unreadable"
