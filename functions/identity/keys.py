"""The keys that tokens are signed with: a shared secret, or the public keys that a URL gives.

A key says which algorithm it is for, and that alone decides: what a token's header asks for does
not (RFC 8725, section 3.1).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import Any, Final, Protocol
from urllib.request import HTTPRedirectHandler, build_opener

import msgspec
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from msgspec import Struct

from functions.core.namespaces import Rate
from functions.core.rates import Buckets

logger = logging.getLogger(__name__)

FETCHES: Final = Rate(burst=3, interval_s=30.0)
"""How often the URL is asked: tokens with made-up key ids must not make us a flood."""

KEYS_FRESH_S: Final = 3600.0
"""After so long the keys are fetched anew, so that a withdrawn one stops counting."""

KEYS_AGE_MAX_S: Final = 24 * 3600.0
"""So long they count while the URL does not answer."""

FETCH_TIMEOUT_S: Final = 3.0
"""For connecting and for each read; twice that for all."""

KEYS_BYTES_MAX: Final = 64 * 1024
RSA_BITS_MIN: Final = 2048
"""RFC 7518, section 3.3."""


class KeysUnavailable(Exception):  # noqa: N818 - named for what happened
    """The keys can't be had now; no fault of the token's."""


class Key(Struct, frozen=True):
    """A key and the one algorithm that it is for; `key` is what PyJWT takes."""

    algorithm: str
    key: Any
    key_id: str | None = None


class Keys(Protocol):
    """Where verification finds keys."""

    async def find(self, key_id: str | None) -> Key | None:
        """Give the key that a token's header names; None without. Raises KeysUnavailable."""
        ...


class SharedSecret:
    """One secret for signing and verifying: HS256, whatever the key id."""

    def __init__(self, secret: str) -> None:
        self._key = Key("HS256", secret)

    async def find(self, key_id: str | None) -> Key | None:  # noqa: ARG002 - the port's
        """Give the secret."""
        return self._key


class PublishedKeys:
    """The keys of a JSON Web Key Set (RFC 7517), fetched when first needed and kept.

    They are fetched anew for a key id that is unknown and once an hour, both within FETCHES.
    `fetch` gives the document or raises OSError; `clock` returns seconds.
    """

    def __init__(
        self, fetch: Callable[[], bytes], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._buckets = Buckets()
        self._keys: Sequence[Key] = ()
        self._fetched_at = float("-inf")

    async def find(self, key_id: str | None) -> Key | None:
        """Give a key by its id, or the only one where a token names none."""
        found = _choose(self._keys, key_id)
        if found is None or self._age_s() > KEYS_FRESH_S:
            await self._refresh()
            found = _choose(self._keys, key_id)
        if self._age_s() > KEYS_AGE_MAX_S:
            raise KeysUnavailable
        return found

    async def _refresh(self) -> None:
        now = self._clock()
        if not self._buckets.take("", "fetch", FETCHES, now=now):
            return
        try:
            self._keys = read_keys(await asyncio.to_thread(self._fetch))
        except (OSError, HTTPException, msgspec.MsgspecError) as error:
            logger.warning("keys can't be fetched: %s: %s", type(error).__name__, error)
        else:
            self._fetched_at = now

    def _age_s(self) -> float:
        return self._clock() - self._fetched_at


class _KeySet(Struct):
    keys: list[dict[str, object]]


def read_keys(document: bytes) -> Sequence[Key]:
    """Give the keys of a set that verify RS256 or ES256; all others are passed over.

    Raises msgspec.MsgspecError for what is no key set.
    """
    found = (_read_key(each) for each in msgspec.json.decode(document, type=_KeySet).keys)
    return [key for key in found if key is not None]


def fetch(url: str) -> bytes:
    """Get a document of a bounded size in a bounded time, from that URL and no other.

    Raises OSError, also for a status that is not 200.
    """
    until = time.monotonic() + 2 * FETCH_TIMEOUT_S
    document = bytearray()
    with build_opener(_NoRedirects).open(url, timeout=FETCH_TIMEOUT_S) as response:
        while part := response.read1(KEYS_BYTES_MAX):
            document += part
            if len(document) > KEYS_BYTES_MAX:
                raise OSError(f"more than {KEYS_BYTES_MAX} bytes")
            if time.monotonic() > until:
                raise TimeoutError("not whole in time")
    return bytes(document)


class _NoRedirects(HTTPRedirectHandler):
    """Follows none: where keys come from is decided by the setting alone."""

    def redirect_request(self, *_: object) -> None:
        """Have the redirect be an error."""


def _choose(keys: Sequence[Key], key_id: str | None) -> Key | None:
    if key_id is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.key_id == key_id), None)


def _read_key(given: dict[str, object]) -> Key | None:
    match given:
        case {"kty": "RSA"}:
            algorithm = "RS256"
        case {"kty": "EC", "crv": "P-256"}:
            algorithm = "ES256"
        case _:
            return None
    if given.get("alg", algorithm) != algorithm or given.get("use", "sig") != "sig":
        return None
    key_id = given.get("kid")
    public = {name: value for name, value in given.items() if name != "d"}
    try:
        key = PyJWK(public, algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
    if getattr(key.key, "key_size", 0) < RSA_BITS_MIN and algorithm == "RS256":
        return None
    return Key(algorithm, key.key, key_id if isinstance(key_id, str) else None)
