"""What the deployment sets about tokens: environment variables, read into one typed value."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from functions.runtime.settings import SettingsError

SECRET_BYTES_MIN: Final = 32
"""A shorter secret is no stronger than it is long (RFC 7518, section 3.2)."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class TokenSettings(Struct, frozen=True):
    """Which tokens count: signed with `secret` (HS256), or a key of `jwks_url` (RS256, ES256).

    Without both none does. `origins` are the pages that may connect, empty for any. `anonymous`
    lets in who shows no token.
    """

    secret: str = ""
    jwks_url: str = ""
    audience: str = ""
    issuer: str = ""
    origins: frozenset[str] = frozenset()
    anonymous: bool = False


def read_token_settings(environ: Mapping[str, str]) -> TokenSettings:
    """Read the settings; raise SettingsError for the first that is wrong."""
    auth = environ.get("AUTH", "")
    if auth not in ("", "anonymous"):
        raise SettingsError("AUTH is neither empty nor `anonymous`")
    settings = TokenSettings(
        secret=environ.get("JWT_SECRET", ""),
        jwks_url=environ.get("JWT_JWKS_URL", ""),
        audience=environ.get("JWT_AUDIENCE", ""),
        issuer=environ.get("JWT_ISSUER", ""),
        origins=frozenset(map(plain_origin, environ.get("ORIGINS", "").split(","))) - {""},
        anonymous=auth == "anonymous",
    )
    if settings.secret and settings.jwks_url:
        raise SettingsError("JWT_SECRET and JWT_JWKS_URL are both set: one kind of key counts")
    if settings.secret and len(settings.secret.encode()) < SECRET_BYTES_MIN:
        raise SettingsError(f"JWT_SECRET is shorter than {SECRET_BYTES_MIN} bytes")
    if settings.jwks_url and not _is_trustworthy(settings.jwks_url):
        raise SettingsError("JWT_JWKS_URL is no https:// URL")
    if environ.get("ORIGINS") and not settings.origins:
        raise SettingsError("ORIGINS names no page: to let any connect it is left empty")
    return settings


def plain_origin(origin: str) -> str:
    """Give an origin as it is compared: `https://Example.org/` is `https://example.org`."""
    return origin.strip().rstrip("/").lower()


def _is_trustworthy(url: str) -> bool:
    """Say whether nobody on the way can put a key of his own in: https, or this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )
