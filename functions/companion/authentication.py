"""Who may use the HTTP API: the holder of a key that the deployment knows, or of a token.

Of a key only the SHA-256 is known here: whoever reads the settings can't use them. That is enough
for keys that are random, as they are made for programs, and would not be for passwords.
"""

import hashlib
import hmac
import re
from collections.abc import Collection, Sequence
from typing import Final, Literal, Protocol, TypeAlias, get_args

from msgspec import Struct

from functions.core.errors import PERMISSION_DENIED, UNAUTHORIZED, ProtocolError

Permission: TypeAlias = Literal["publish", "history", "presence", "send", "kick", "health"]
PERMISSIONS: Final[frozenset[str]] = frozenset(get_args(Permission))

CREDENTIAL_LENGTH_MAX: Final = 8 * 1024

_ENTRY: Final = re.compile(r"([0-9a-fA-F]{64})(?::([a-z,]+))?")


class KeysError(ValueError):
    """API_KEYS is not as it should be; the text says where, and repeats none of it."""


class ApiKey(Struct, frozen=True):
    """The SHA-256 of a key, and what its holder may do."""

    digest: bytes
    permissions: frozenset[str]


class TokenVerifier(Protocol):
    """What can tell whether a token is good."""

    async def permissions(self, token: str) -> Collection[str]:
        """Give what the claim `api` of a token allows. Raises ProtocolError 101, 109."""
        ...


def read_keys(text: str) -> Sequence[ApiKey]:
    """Read the setting API_KEYS: entries between white space, each `sha256` or `sha256:a,b`.

    The SHA-256 is hexadecimal; the list names permissions, and without one there are all. Raises
    KeysError.
    """
    return [_read_key(entry, place) for place, entry in enumerate(text.split(), 1)]


def _read_key(entry: str, place: int) -> ApiKey:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise KeysError(f"API_KEYS: entry {place} is no SHA-256 in hexadecimal (64 digits)")
    permissions = frozenset(found[2].split(",")) if found[2] else PERMISSIONS
    if not permissions <= PERMISSIONS:
        raise KeysError(f"API_KEYS: entry {place} names a permission that does not exist")
    return ApiKey(bytes.fromhex(found[1]), permissions)


class Callers:
    """Everybody who may use the HTTP API; without a verifier, holders of keys alone."""

    def __init__(self, keys: Sequence[ApiKey], verifier: TokenVerifier | None = None) -> None:
        self._keys = keys
        self._verifier = verifier

    async def require(self, authorization: str | None, permission: Permission) -> None:
        """Raise ProtocolError unless the header `Authorization` allows this: 101, 103, 109.

        A token has two dots, as JWTs do; a key has none.
        """
        scheme, _, credential = (authorization or "").partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential:
            raise ProtocolError(UNAUTHORIZED, "give a key or a token: Authorization: Bearer ...")
        if len(credential) > CREDENTIAL_LENGTH_MAX:
            raise ProtocolError(UNAUTHORIZED, "the credential is too long")
        if self._verifier is not None and credential.count(".") == 2:  # noqa: PLR2004 - a JWT's
            permissions = await self._verifier.permissions(credential)
        else:
            permissions = self._of_key(credential)
        if permission not in permissions:
            raise ProtocolError(PERMISSION_DENIED, f"this credential does not allow {permission!r}")

    def _of_key(self, key: str) -> Collection[str]:
        """Compare with every key, so that the time taken tells nothing."""
        digest = hashlib.sha256(key.encode()).digest()
        found: Collection[str] | None = None
        for each in self._keys:
            if hmac.compare_digest(each.digest, digest):
                found = each.permissions
        if found is None:
            raise ProtocolError(UNAUTHORIZED, "this key is not known")
        return found
