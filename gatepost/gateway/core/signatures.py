"""Signature Version 4, from the side of the service: headers and presigned queries (B-085, B-201).

What is signed is rebuilt from the request as it came. What IAM would allow is not known here; the
settings name the keys that may do nothing.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote

from msgspec import Struct

from gatepost.gateway.core.http_errors import HttpError, http_error

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "execute-api"
SKEW_S_MAX: Final = 300
EXPIRES_S_MAX: Final = 604_800

MISSING: Final = http_error(
    403, "MissingAuthenticationTokenException", "Missing Authentication Token"
)
"""The answer to a request without a signature (B-219)."""

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_PART: Final = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]*)")
_UNRESERVED: Final = "-_.~"
_DOTS: Final = {"", "."}


class SignedRequest(Struct, frozen=True):
    """A request as it came: path and query percent-encoded, header values unchanged."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


class SignatureRefusedError(Exception):
    """The request is not signed, or not rightly; `refusal` is the answer."""

    def __init__(self, refusal: HttpError) -> None:
        super().__init__(refusal.body.decode())
        self.refusal = refusal


class _Claim(Struct, frozen=True):
    """What a request says about its signature."""

    access_key: str
    scope: tuple[str, ...]
    signed_headers: tuple[str, ...]
    signature: str
    stamp: str
    expires_s: int | None
    query: tuple[tuple[str, str], ...]


def claimed_access_key(request: SignedRequest) -> str | None:
    """Return the access key that a request names, whether its signature is right or not."""
    try:
        return _claim(request).access_key
    except SignatureRefusedError:
        return None


def verify(
    request: SignedRequest, *, credentials: Mapping[str, str], region: str, now: float
) -> str:
    """Return the access key of the caller, whose secret key made the signature.

    `credentials` are secret keys by access key, `now` is in epoch seconds. A session token counts
    as signed and is not looked at. Raises SignatureRefusedError.
    """
    claim = _claim(request)
    secret = credentials.get(claim.access_key)
    if secret is None:
        raise SignatureRefusedError(
            http_error(
                403,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        )
    _check_scope(claim, region)
    _check_time(claim, now)
    digest = sha256(_canonical(request, claim)).hexdigest()
    text = "\n".join([ALGORITHM, claim.stamp, "/".join(claim.scope), digest])
    key = _signing_key(secret, claim.scope)
    if not hmac.compare_digest(_hmac(key, text).hex().encode(), claim.signature.encode()):
        raise _invalid(
            "The request signature we calculated does not match the signature you provided. Check "
            "your AWS Secret Access Key and signing method. Consult the service documentation "
            "for details."
        )
    return claim.access_key


def _claim(request: SignedRequest) -> _Claim:
    query = tuple(_pairs(request.query))
    values = dict(query)
    if "X-Amz-Signature" in values or "X-Amz-Credential" in values:
        fields = {
            "Credential": values.get("X-Amz-Credential", ""),
            "SignedHeaders": values.get("X-Amz-SignedHeaders", ""),
            "Signature": values.get("X-Amz-Signature", ""),
        }
        expires = values.get("X-Amz-Expires", "")
        if not expires.isdecimal() or not 0 < int(expires) <= EXPIRES_S_MAX:
            raise _incomplete(f"X-Amz-Expires is {expires!r}, not 1 to {EXPIRES_S_MAX}")
        return _make_claim(
            fields,
            stamp=values.get("X-Amz-Date", ""),
            expires_s=int(expires),
            query=tuple(pair for pair in query if pair[0] != "X-Amz-Signature"),
        )
    scheme, _, rest = _header(request.headers, "authorization").partition(" ")
    if scheme != ALGORITHM:
        raise SignatureRefusedError(MISSING)
    stamp = _header(request.headers, "x-amz-date") or _header_date(request.headers)
    return _make_claim(dict(_PART.findall(rest)), stamp=stamp, expires_s=None, query=query)


def _make_claim(
    fields: Mapping[str, str],
    *,
    stamp: str,
    expires_s: int | None,
    query: tuple[tuple[str, str], ...],
) -> _Claim:
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not fields.get(name):
            raise _incomplete(f"Authorization requires '{name}' parameter")
    access_key, *scope = fields["Credential"].split("/")
    return _Claim(
        access_key,
        tuple(scope),
        tuple(fields["SignedHeaders"].lower().split(";")),
        fields["Signature"],
        stamp,
        expires_s,
        query,
    )


def _check_scope(claim: _Claim, region: str) -> None:
    expected = (claim.stamp[:8], region, SERVICE, "aws4_request")
    if claim.scope != expected:
        raise _invalid(
            f"Credential should be scoped to {'/'.join(expected)!r}, not {'/'.join(claim.scope)!r}."
        )
    if "host" not in claim.signed_headers:
        raise _invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.")


def _check_time(claim: _Claim, now: float) -> None:
    """Bound how old a signature is, and how far ahead the client's clock may be."""
    try:
        signed_at = datetime.strptime(claim.stamp, _STAMP).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise _incomplete(f"Date {claim.stamp!r} is not of the form 20260305T090703Z") from None
    if signed_at > now + SKEW_S_MAX:
        raise _invalid(f"Signature not yet current: {claim.stamp} is too far ahead.")
    if now > signed_at + (SKEW_S_MAX if claim.expires_s is None else claim.expires_s):
        raise _invalid(f"Signature expired: {claim.stamp} is too long ago.")


def _canonical(request: SignedRequest, claim: _Claim) -> bytes:
    """Write what is signed; the path is percent-encoded a second time (B-332)."""
    lines = [
        request.method.upper(),
        quote(_without_dots(request.path), safe="/~"),
        "&".join(
            f"{name}={value}" for name, value in sorted(_encoded(pair) for pair in claim.query)
        ),
        *(f"{name}:{_header(request.headers, name)}" for name in claim.signed_headers),
        "",
        ";".join(claim.signed_headers),
        sha256(request.body).hexdigest(),
    ]
    # What a header can't hold stands in no signed text; it makes a signature that never fits.
    return "\n".join(lines).encode("latin-1", "backslashreplace")


def _encoded(pair: tuple[str, str]) -> tuple[str, str]:
    return quote(pair[0], safe=_UNRESERVED), quote(pair[1], safe=_UNRESERVED)


def _pairs(query: str) -> Iterable[tuple[str, str]]:
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        yield unquote(name), unquote(value)


def _header(headers: Iterable[tuple[str, str]], name: str) -> str:
    """Return all values of a header (its name in lower case), spaces reduced to one each."""
    return ",".join(" ".join(value.split()) for key, value in headers if key.lower() == name)


def _header_date(headers: Iterable[tuple[str, str]]) -> str:
    try:
        return parsedate_to_datetime(_header(headers, "date")).astimezone(UTC).strftime(_STAMP)
    except (ValueError, OverflowError):
        return ""


def _without_dots(path: str) -> str:
    """Remove dot segments and empty ones (RFC 3986, 5.2.4), as signers do."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept[-1:] = []
        elif segment not in _DOTS:
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


@lru_cache(maxsize=64)
def _signing_key(secret: str, scope: tuple[str, ...]) -> bytes:
    """Derive the key of a day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _invalid(message: str) -> SignatureRefusedError:
    return SignatureRefusedError(http_error(403, "InvalidSignatureException", message))


def _incomplete(message: str) -> SignatureRefusedError:
    return SignatureRefusedError(http_error(403, "IncompleteSignatureException", message))
