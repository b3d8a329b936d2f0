"""Signatures, with botocore as the oracle."""

from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

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
    parts = urlsplit(str(request.url))
    wire = SignedRequest(
        method,
        parts.path,
        parts.query,
        (("Host", parts.netloc), *((name, str(value)) for name, value in request.headers.items())),
        body,
    )
    return wire, _signed_at(request.context["timestamp"])


def _signed_at(stamp: str) -> float:
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


@pytest.mark.parametrize("presigned", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {"method": "DELETE"},
        {"path": "/dev/@connections/other"},
        {"query": "x=1"},
        {"body": b"other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_request_that_was_changed_on_the_way_is_refused(
    change: dict[str, object],
    presigned: bool,  # noqa: FBT001
) -> None:
    """B-201: each part of it is signed."""
    request, now = signed(presigned=presigned)
    if "query" in change:
        change = {"query": f"{request.query}&x=1" if request.query else "x=1"}
    changed = structs.replace(request, **change)
    assert refused(changed, now) == "InvalidSignatureException"


def test_a_header_that_was_signed_may_not_change() -> None:
    """Nor be left out; one that was not signed may."""
    request, now = signed(headers={"x-a": "1"})
    more = structs.replace(request, headers=(*request.headers, ("x-b", "2")))
    assert check(more, now)
    twice = structs.replace(request, headers=(*request.headers, ("X-A", "1")))
    assert refused(twice, now) == "InvalidSignatureException"
    less = tuple(pair for pair in request.headers if pair[0] != "x-a")
    assert refused(structs.replace(request, headers=less), now) == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("presigned", "after_s", "right"),
    [
        (False, 300, True),
        (False, 301, False),
        (False, -300, True),
        (False, -301, False),
        (True, 3600, True),
        (True, 3601, False),
        (True, -301, False),
    ],
)
def test_a_signature_holds_for_a_while(
    presigned: bool,  # noqa: FBT001
    after_s: float,
    right: bool,  # noqa: FBT001
) -> None:
    """Five minutes either way, as clocks differ; a presigned one until it expires."""
    request, now = signed(presigned=presigned)
    if right:
        assert check(request, now + after_s)
    else:
        assert refused(request, now + after_s) == "InvalidSignatureException"


def test_the_date_header_serves_in_place_of_the_other() -> None:
    """As botocore does it where a request has one."""
    request, now = signed(headers={"Date": "Thu, 05 Mar 2026 09:07:03 GMT"})
    assert "X-Amz-Date" not in dict(request.headers)
    assert check(request, now)


@pytest.mark.parametrize(
    "date", ["", "now", "Fri, 31 Dec 9999 23:59:00 -2300", "Thu, 05 Mar 2026 09:07:03 -9999"]
)
def test_a_date_that_is_none_is_refused(date: str) -> None:
    """One past the end of time too."""
    request, now = signed(headers={"Date": "Thu, 05 Mar 2026 09:07:03 GMT"})
    headers = tuple((k, date if k == "Date" else v) for k, v in request.headers)
    assert refused(structs.replace(request, headers=headers), now)


def test_an_unknown_key_another_region_and_another_secret_are_refused() -> None:
    """Each with the error that AWS has for it."""
    request, now = signed()
    assert refused(request, now, region="us-east-1") == "InvalidSignatureException"
    with pytest.raises(SignatureRefusedError, match="security token"):
        verify(request, credentials={}, region=REGION, now=now)
    with pytest.raises(SignatureRefusedError, match="does not match"):
        verify(request, credentials={"AKIDEXAMPLE": "other"}, region=REGION, now=now)


def test_the_host_must_be_signed() -> None:
    """Or a signature for one API would serve for another."""
    request, now = signed()
    headers = tuple((k, v.replace("host;", "")) for k, v in request.headers)
    assert refused(structs.replace(request, headers=headers), now) == "InvalidSignatureException"


@pytest.mark.parametrize("value", [None, "Bearer x", "Basic AWS4-HMAC-SHA256", ""])
def test_without_a_signature_a_token_is_missing(value: str | None) -> None:
    """B-219: and nobody is named."""
    headers = () if value is None else (("Authorization", value),)
    request = SignedRequest("POST", "/dev/@connections/x", "", headers)
    assert refused(request, 0) == "MissingAuthenticationTokenException"
    assert claimed_access_key(request) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Credential=", "Creditor="),
        ("SignedHeaders=", "Headers="),
        ("Signature=", "Sign="),
        ("X-Amz-Expires=3600", "X-Amz-Expires=0"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=604801"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=soon"),
    ],
)
def test_a_signature_with_a_part_missing_is_incomplete(old: str, new: str) -> None:
    """In the header or in the query."""
    request, now = signed(presigned=old.startswith("X-"))
    changed = structs.replace(
        request,
        query=request.query.replace(old, new),
        headers=tuple((k, v.replace(old, new)) for k, v in request.headers),
    )
    assert refused(changed, now) == "IncompleteSignatureException"


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_sent_is_refused_with_403(authorization: str, query: str) -> None:
    """No header and no query makes anything but a refusal."""
    headers = (("Authorization", f"AWS4-HMAC-SHA256 {authorization}"), ("X-Amz-Date", query))
    refused(SignedRequest("POST", "/", query, headers), 0)


@given(st.text(st.characters(codec="utf-8"), max_size=8), st.text(max_size=8))
def test_a_presigned_query_may_hold_anything(header: str, signature: str) -> None:
    """A known key, the right scope and time; what is signed can't be right all the same."""
    scope = f"20260305/{REGION}/execute-api/aws4_request"
    fields = {
        "X-Amz-Credential": f"AKIDEXAMPLE/{scope}",
        "X-Amz-Date": "20260305T090703Z",
        "X-Amz-Expires": "60",
        "X-Amz-SignedHeaders": f"host;x{header}",
        "X-Amz-Signature": f"x{signature}",
    }
    query = "&".join(f"{k}={quote(v, safe='', errors='replace')}" for k, v in fields.items())
    request = SignedRequest("GET", "/dev", query, (("Host", "h"),))
    assert refused(request, _signed_at("20260305T090703Z")) == "InvalidSignatureException"
