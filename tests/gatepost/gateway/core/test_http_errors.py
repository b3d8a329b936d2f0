"""The gateway's own refusals, as SDKs read them."""

import json

from gatepost.gateway.core.http_errors import FORBIDDEN, GONE, http_error


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
