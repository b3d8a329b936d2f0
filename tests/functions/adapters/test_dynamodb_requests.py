"""Requests to DynamoDB; signatures are those of botocore, the oracle."""

import datetime as dt
import itertools

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.credentials import Credentials as Ours
from functions.adapters.dynamodb_access import Access
from functions.adapters.dynamodb_requests import CONTENT_TYPE, TARGET_PREFIX, Requests
from functions.adapters.endpoint import Endpoint

SECRETS = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1)
MOMENTS = st.integers(0, 4_000_000_000)


def by_botocore(access: Access, headers: dict[str, str], body: bytes) -> str:
    """Sign a request with these headers as botocore does; give the header that says so."""
    url = f"{'https' if access.endpoint.is_tls else 'http'}://{access.endpoint.authority}/"
    request = AWSRequest("POST", url, headers=headers, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    ours = access.credentials
    credentials = Credentials(ours.access_key, ours.secret_key, ours.token or None)
    auth = SigV4Auth(credentials, "dynamodb", ours.region)
    signed = auth.headers_to_sign(request)
    signature = auth.signature(
        auth.string_to_sign(request, auth.canonical_request(request)), request
    )
    return (
        f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, "
        f"SignedHeaders={auth.signed_headers(signed)}, Signature={signature}"
    )


@given(
    secret=SECRETS,
    token=st.one_of(st.just(""), SECRETS),
    region=st.sampled_from(["us-east-1", "eu-west-3"]),
    port=st.sampled_from([80, 443, 8000]),
    encrypted=st.booleans(),
    body=st.binary(),
    moments=st.lists(MOMENTS, min_size=1, max_size=3),
)
def test_requests_are_signed_as_botocore_signs_them(  # noqa: PLR0913 - what goes into a signature
    *,
    secret: str,
    token: str,
    region: str,
    port: int,
    encrypted: bool,
    body: bytes,
    moments: list[int],
) -> None:
    """With and without a token, over days, at any port, an operation after another."""
    endpoint = Endpoint("dynamodb.test", port, is_tls=encrypted)
    access = Access(endpoint, Ours(region, "AKID", secret, token))
    requests = Requests(access)
    for operation, now in itertools.product(["GetItem", "TransactWriteItems"], moments):
        head, _, sent = requests.make(operation, body, now).partition(b"\r\n\r\n")
        start, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        assert (start, sent) == ("POST / HTTP/1.1", body)
        assert headers.pop("content-length") == str(len(body))
        authorization = headers.pop("authorization")
        assert headers["x-amz-target"] == TARGET_PREFIX + operation
        assert headers["content-type"] == CONTENT_TYPE
        assert headers["host"] == endpoint.authority
        assert headers.get("x-amz-security-token", "") == token
        moment = dt.datetime.fromtimestamp(now, dt.UTC)
        assert headers["x-amz-date"] == moment.strftime("%Y%m%dT%H%M%SZ")
        assert authorization == by_botocore(access, headers, body)
