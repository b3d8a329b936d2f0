"""Proxy results are read strictly."""

import json
from base64 import b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.inputs import HttpAnswered, Returned
from gatepost.gateway.core.results import MalformedResultError, read_answer, read_result


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"5",
        b"[]",
        b"{}",
        b'"ok"',
        b'{"statusCode":"200"}',
        b'{"statusCode":null}',
        b'{"statusCode":99}',
        b'{"statusCode":600}',
        b'{"statusCode":200,"body":{}}',
        b'{"statusCode":200,"headers":[]}',
        b'{"statusCode":200,"body":"\xff"}',
        b'{"statusCode":200,"body":"\\ud800"}',
        pytest.param(b'{"x":' + b"[" * 100_000, id="deep"),
    ],
)
def test_anything_but_an_object_with_an_integer_status_is_malformed(document: bytes) -> None:
    """B-045."""
    with pytest.raises(MalformedResultError):
        read_result(document)


def test_null_is_no_result_and_not_malformed() -> None:
    """B-182."""
    assert read_result(b"null") is None


def test_unknown_keys_do_no_harm() -> None:
    """A function may return more than the gateway reads."""
    result = read_result(b'{"statusCode":200,"cookies":[],"body":"hi"}')
    assert result is not None
    assert result.body_bytes() == b"hi"


def test_a_base64_body_is_decoded() -> None:
    """`isBase64Encoded` says how to read `body`."""
    body = b64encode("grüß".encode()).decode()
    result = read_result(
        json.dumps({"statusCode": 200, "body": body, "isBase64Encoded": True}).encode()
    )
    assert result is not None
    assert result.body_bytes().decode() == "grüß"


def test_a_body_that_is_not_the_base64_it_says_is_malformed() -> None:
    """It can't be sent as what it is not."""
    result = read_result(b'{"statusCode":200,"body":"%%","isBase64Encoded":true}')
    assert result is not None
    with pytest.raises(MalformedResultError, match="base64"):
        result.body_bytes()


@pytest.mark.parametrize(
    "headers",
    [
        {"headers": {"sec-websocket-protocol": "chat.v1"}},
        {"headers": {"SEC-WEBSOCKET-PROTOCOL": "chat.v1", "other": 1}},
        {"multiValueHeaders": {"Sec-WebSocket-Protocol": ["a", "chat.v1"]}},
    ],
)
def test_a_header_is_found_whatever_its_case(headers: dict[str, object]) -> None:
    """B-050."""
    result = read_result(json.dumps({"statusCode": 200, **headers}).encode())
    assert result is not None
    assert result.header("Sec-WebSocket-Protocol") == "chat.v1"
    assert result.header("X-Missing") is None


@given(document=st.binary(max_size=64))
def test_any_bytes_are_read_or_malformed(document: bytes) -> None:
    """Nothing a function returns raises anything else."""
    with suppress(MalformedResultError):
        read_result(document)


def test_a_missing_status_can_be_given() -> None:
    """B-045: contested; only when it is missing, not when it is wrong."""
    result = read_result(b'{"body":"x"}', status_if_missing=200)
    assert result is not None
    assert (result.status_code, result.body) == (200, "x")
    assert read_result(b"null", status_if_missing=200) is None
    for document in (b'{"statusCode":"200"}', b'{"statusCode":0}', b"[]", b'"ok"'):
        with pytest.raises(MalformedResultError):
            read_result(document, status_if_missing=200)


@pytest.mark.parametrize("body", [b"", b"text", "grüß".encode(), b"\xff\x00"])
def test_a_backends_answer_reads_like_a_result(body: bytes) -> None:
    """Whatever the bytes; headers in any case."""
    result = read_answer(HttpAnswered(201, (("x-a", "1"), ("X-B", "2")), body))
    assert result is not None
    assert (result.status_code, result.body_bytes()) == (201, body)
    assert (result.header("X-A"), result.header("x-b")) == ("1", "2")
    assert read_answer(Returned(b"null")) is None
