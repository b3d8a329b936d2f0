"""`gatepost token`: a token for local use, signed with the secret of an environment file.

It is what functions that read `JWT_SECRET` verify: a JSON Web Token (RFC 7519), HS256, with the
claims `sub`, `exp`, `info`, `permissions` and `api`. Nothing is kept: whoever has the secret makes
tokens.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from gatepost.emulator.errors import UserError

OPERATIONS: Final = ("subscribe", "publish", "presence", "history")
API_PERMISSIONS: Final = ("publish", "history", "presence", "send", "kick", "health")
SECRET_VARIABLE: Final = "JWT_SECRET"  # noqa: S105 - a name
_TTL: Final = re.compile(r"(\d{1,9})([smhd]?)", re.ASCII)
_UNIT_S: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class TokenOptions(Struct, frozen=True, kw_only=True):
    """The options of `gatepost token`, as given."""

    sub: str
    permissions: Sequence[str] = ()
    info: str = ""
    api: str = ""
    ttl: str = "1h"


def make_token(options: TokenOptions, environ: Mapping[str, str], *, now: int) -> str:
    """Make a token that counts from `now` (epoch seconds).

    `environ` has the secret, and the audience and issuer that functions want. Raises UserError
    naming the option or variable at fault.
    """
    secret = environ.get(SECRET_VARIABLE, "")
    if not secret:
        raise UserError(f"{SECRET_VARIABLE} is not set in the environment file; it signs tokens.")
    claims: dict[str, object] = {
        "sub": options.sub,
        "iat": now,
        "exp": now + read_ttl_s(options.ttl),
        "permissions": [read_permission(each) for each in options.permissions],
    }
    if options.info:
        claims["info"] = _read_info(options.info)
    if options.api:
        claims["api"] = _read_api(options.api)
    for claim, variable in (("aud", "JWT_AUDIENCE"), ("iss", "JWT_ISSUER")):
        if environ.get(variable):
            claims[claim] = environ[variable]
    return sign(claims, secret)


def read_ttl_s(text: str) -> int:
    """Read a duration such as `90`, `30s`, `5m`, `1h` or `7d`; raise UserError."""
    found = _TTL.fullmatch(text)
    if found is None:
        raise UserError(f"--ttl {text}: expected a duration such as 30s, 5m, 1h or 7d.")
    return int(found[1]) * _UNIT_S[found[2]]


def read_permission(text: str) -> dict[str, object]:
    """Read `chat:*=subscribe,publish`; a pattern alone allows everything. Raises UserError."""
    pattern, equals, listed = text.partition("=")
    allow = listed.split(",") if equals else list(OPERATIONS)
    unknown = [each for each in allow if each not in OPERATIONS]
    if not pattern or unknown:
        raise UserError(
            f"--permissions {text}: expected PATTERN=OPERATION,..., of {', '.join(OPERATIONS)}."
        )
    return {"channel": pattern, "allow": allow}


def sign(claims: Mapping[str, object], secret: str) -> str:
    """Give the token with these claims."""
    header = {"alg": "HS256", "typ": "JWT"}
    signed = f"{_encoded(header)}.{_encoded(claims)}"
    signature = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{_base64(signature)}"


def _read_info(text: str) -> object:
    try:
        info = json.loads(text)
    except ValueError:
        info = None
    if not isinstance(info, dict):
        raise UserError("--info: expected a JSON object.")
    return info


def _read_api(text: str) -> list[str]:
    permissions = text.split(",")
    if not set(permissions) <= set(API_PERMISSIONS):
        raise UserError(f"--api {text}: expected some of {','.join(API_PERMISSIONS)}.")
    return permissions


def _encoded(part: Mapping[str, object]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
