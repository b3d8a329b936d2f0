"""The gateway's own refusals, as SDKs read them."""

import json

from gatepost.gateway.core.http_errors import (
    FORBIDDEN,
    GONE,
    LIMIT_EXCEEDED,
    TOO_MANY_REQUESTS,
    http_error,
)


def test_a_refusal_has_its_type_in_a_header_and_its_message_in_json() -> None:
    """B-023: botocore takes the code from the header and the message from the body."""
    assert FORBIDDEN.status == 403
    assert dict(FORBIDDEN.headers) == {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": "ForbiddenException",
    }
    assert FORBIDDEN.body == b'{"message":"Forbidden"}'


def test_gone_has_no_body_at_all() -> None:
    """B-214: no content type either."""
    assert GONE == (410, (("x-amzn-ErrorType", "GoneException"),), b"")


def test_more_keys_follow_the_message() -> None:
    """B-054 (a guess): the ids of a refused handshake."""
    refusal = http_error(502, "SomeException", "no", connectionId="c", requestId="r")
    assert json.loads(refusal.body) == {"message": "no", "connectionId": "c", "requestId": "r"}


def test_a_throttled_handshake_has_a_message_and_a_throttled_call_none() -> None:
    """B-312, B-314."""
    assert TOO_MANY_REQUESTS.status == LIMIT_EXCEEDED.status == 429
    assert TOO_MANY_REQUESTS.body == b'{"message":"Too Many Requests"}'
    assert LIMIT_EXCEEDED.headers == (("x-amzn-ErrorType", "LimitExceededException"),)
    assert LIMIT_EXCEEDED.body == b""
