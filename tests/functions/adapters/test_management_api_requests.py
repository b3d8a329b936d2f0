"""Requests are those that botocore's own client makes, signature and all."""

import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import boto3
import httptools
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse, HTTPHeaders
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from hypothesis import example, given
from hypothesis import strategies as st

from functions.adapters.endpoint import read_endpoint
from functions.adapters.management_api_requests import Method, Requests

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

ENDPOINTS = [
    "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/prod",
    "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/prod/",
    "https://ws.example.com",
    "https://ws.example.com/",
    "https://WS.Example.com:443/chat/v1",
    "https://ws.example.com:8443/a%20b/~c",
    "http://localhost:3001/dev",
    "http://127.0.0.1:80/dev//x",
    "http://[::1]:3001/dev",
]
KEYS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TOKENS = [None, "short", "IQoJb3JpZ2luX2VjE" + "x/+=" * 200]


class Captured:
    """botocore's client for an endpoint; keeps what it would have sent."""

    def __init__(self, endpoint: str, region: str, token: str | None) -> None:
        self.client = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=KEYS[0],
            aws_secret_access_key=KEYS[1],
            aws_session_token=token,
            config=Config(parameter_validation=False),
        )
        answer = cast("Any", self._keep)  # what a handler returns is the response
        self.client.meta.events.register("before-send", answer)
        self.requests: list[AWSPreparedRequest] = []

    def _keep(self, request: "AWSPreparedRequest", **_: object) -> AWSResponse:
        self.requests.append(request)
        return AWSResponse(request.url, 200, HTTPHeaders(), Empty())


class Empty:
    """A body of nothing."""

    def stream(self) -> list[bytes]:
        """Give no part."""
        return []


@cache
def captured(endpoint: str, region: str, token: str | None) -> Captured:
    """Make a client once: it takes a hundred times as long as a signature."""
    return Captured(endpoint, region, token)


class Parsed:
    """A request as a server reads it."""

    def __init__(self, request: bytes) -> None:
        self.headers: dict[str, str] = {}
        self.body = self.url = b""
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(request)
        self.method = parser.get_method().decode()

    def on_url(self, url: bytes) -> None:
        """Keep the target."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self.body += body


@given(
    endpoint=st.sampled_from(ENDPOINTS),
    region=st.sampled_from(["eu-west-1", "us-gov-east-1"]),
    token=st.sampled_from(TOKENS),
    connection_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    payload=st.binary(max_size=200),
    method=st.sampled_from(["POST", "DELETE"]),
)
@example(
    endpoint=ENDPOINTS[0],
    region="eu-west-1",
    token=TOKENS[2],
    connection_id="L0SM9cOFvHcCIhw=",
    payload=b"x",
    method="POST",
)
@example(
    endpoint=ENDPOINTS[1],
    region="eu-west-1",
    token=None,
    connection_id="a+/b==",
    payload=b"",
    method="POST",
)
@example(
    endpoint=ENDPOINTS[7],
    region="eu-west-1",
    token=None,
    connection_id="..",
    payload=b"x",
    method="POST",
)
@example(
    endpoint=ENDPOINTS[2],
    region="eu-west-1",
    token=None,
    connection_id=".",
    payload=b"x",
    method="DELETE",
)
@example(
    endpoint=ENDPOINTS[3],
    region="eu-west-1",
    token=None,
    connection_id="ä~%2F?#;&@:",
    payload=b"x",
    method="POST",
)
def test_a_request_is_signed_as_by_botocore(
    *,
    endpoint: str,
    region: str,
    token: str | None,
    connection_id: str,
    payload: bytes,
    method: Method,
) -> None:
    """The same target, host, date, token and signature; nothing that is signed is left out."""
    theirs = captured(endpoint, region, token)
    if method == "POST":
        theirs.client.post_to_connection(ConnectionId=connection_id, Data=payload)
    else:
        theirs.client.delete_connection(ConnectionId=connection_id)
        payload = b""
    sent = theirs.requests.pop()
    headers = {name.lower(): text(value) for name, value in sent.headers.items()}
    requests = Requests(read_endpoint(endpoint), region)
    requests.renew(ReadOnlyCredentials(*KEYS, token), seconds(headers["x-amz-date"]))
    ours = Parsed(requests.make(method, connection_id, payload))
    assert ours.method == sent.method
    assert ours.url.decode() == re.sub("^https?://[^/]*", "", sent.url)
    assert ours.body == payload
    assert ours.headers["host"] == host_of(sent)
    for name in ("authorization", "x-amz-date", "x-amz-security-token"):
        assert ours.headers.get(name) == headers.get(name)


def text(value: str | bytes) -> str:
    """Read a header's value, of which botocore has both kinds."""
    return value.decode() if isinstance(value, bytes) else value


def host_of(request: "AWSPreparedRequest") -> str:
    """Give the host as botocore signs it: what urllib3 and aiohttp send is the same."""
    signer = SigV4Auth(ReadOnlyCredentials(*KEYS, None), "execute-api", "eu-west-1")
    return str(signer.headers_to_sign(AWSRequest("POST", request.url))["host"])


def seconds(moment: str) -> float:
    """Read `x-amz-date`."""
    return datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def test_other_credentials_and_another_day_are_signed_with_at_once() -> None:
    """The key that is kept is of one secret and one day."""
    endpoint = read_endpoint(ENDPOINTS[0])
    requests, again = Requests(endpoint, "eu-west-1"), Requests(endpoint, "eu-west-1")
    moments = [("a", 0.0), ("b", 0.0), ("b", 86_400.0), ("a", 86_400.5)]
    made = []
    for secret, now in moments:
        requests.renew(ReadOnlyCredentials("AKID", secret, None), now)
        made.append(requests.make("POST", "c=", b"x"))
    assert len(set(made)) == len(moments)
    again.renew(ReadOnlyCredentials("AKID", "a", None), 86_400.5)
    assert again.make("POST", "c=", b"x") == made[-1]


def test_what_was_renewed_holds_for_its_second() -> None:
    """Credentials are asked for once a second, and so refreshed in time."""
    requests = Requests(read_endpoint(ENDPOINTS[0]), "eu-west-1")
    assert not requests.are_fresh(10.0)
    requests.renew(ReadOnlyCredentials("AKID", "a", None), 10.2)
    assert requests.are_fresh(10.9)
    assert not requests.are_fresh(11.0)
