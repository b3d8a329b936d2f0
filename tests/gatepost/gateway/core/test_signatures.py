"""Signatures, with botocore as the oracle."""

from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.signatures import (
    SignatureRefusedError,
    SignedRequest,
    claimed_access_key,
    verify,
)

SECRETS = {"AKIDEXAMPLE": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
REGION = "eu-west-1"

SEGMENTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
QUERIES = st.dictionaries(SEGMENTS, st.text(st.characters(codec="utf-8"), max_size=8), max_size=3)
TOKENS = st.none() | st.text("abcdefXYZ019+/=", min_size=1, max_size=40)
NAMES = st.text("abcxyz", min_size=1, max_size=5).map(lambda name: f"x-{name}")
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=10)


def signed(
    method: str = "POST",
    url: str = "https://localhost:3001/dev/@connections/L0SM9cOFvHcCIhw%3D",
    *,
    body: bytes = b"",
    token: str | None = None,
    headers: dict[str, str] | None = None,
    presigned: bool = False,
) -> tuple[SignedRequest, float]:
    """A request as botocore signs it and puts it on the wire, and when it was signed."""
    request = AWSRequest(method, url, data=body, headers=headers or {})
    credentials = Credentials(*next(iter(SECRETS.items())), token)
    signer = SigV4QueryAuth if presigned else SigV4Auth
    signer(credentials, "execute-api", REGION).add_auth(request)
    parts = urlsplit(request.url)
    wire = SignedRequest(
        method,
        parts.path,
        parts.query,
        (("Host", parts.netloc), *((name, value) for name, value in request.headers.items())),
        body,
    )
    return wire, _signed_at(request.context["timestamp"])


def _signed_at(stamp: str) -> float:
    from datetime import UTC, datetime  # noqa: PLC0415

    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def check(request: SignedRequest, now: float, **other: str) -> str:
    """Verify with the known key."""
    return verify(request, credentials=SECRETS, region=other.get("region", REGION), now=now)


def refused(request: SignedRequest, now: float, **other: str) -> str:
    """The error type of a refusal."""
    with pytest.raises(SignatureRefusedError) as error:
        check(request, now, **other)
    assert error.value.refusal.status == 403
    return dict(error.value.refusal.headers)["x-amzn-ErrorType"]


@given(
    method=st.sampled_from(["POST", "GET", "DELETE"]),
    stage=SEGMENTS,
    last=SEGMENTS,
    safe=st.sampled_from(["@", "@-_.", ""]),
    query=QUERIES,
    body=st.binary(max_size=50),
    token=TOKENS,
    headers=st.dictionaries(NAMES, VALUES, max_size=3),
    presigned=st.booleans(),
)
def test_whatever_botocore_signs_is_right(  # noqa: PLR0913 - hypothesis gives each
    *,
    method: str,
    stage: str,
    last: str,
    safe: str,
    query: dict[str, str],
    body: bytes,
    token: str | None,
    headers: dict[str, str],
    presigned: bool,
) -> None:
    """B-085, B-201, B-332: odd ids and stages, encoded one way or the other, session tokens."""
    path = f"/{quote(stage, safe=safe)}/@connections/{quote(last, safe=safe)}"
    pairs = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query.items())
    request, now = signed(
        method,
        f"https://localhost:3001{path}" + (f"?{pairs}" if pairs else ""),
        body=b"" if presigned else body,
        token=token,
        headers=headers,
        presigned=presigned,
    )
    assert check(request, now) == claimed_access_key(request) == "AKIDEXAMPLE"
