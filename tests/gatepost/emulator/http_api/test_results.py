"""What a function's result says to the client."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.emulator.http_api.answers import BAD_INTEGRATION, HttpAnswer
from gatepost.emulator.http_api.results import answer
from tests.gatepost.emulator.http_api.conftest import rest_route, route

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "statusCode": st.integers(-10, 1000) | JSON,
        "headers": JSON | st.dictionaries(st.text(), st.text()),
        "multiValueHeaders": JSON | st.dictionaries(st.text(), st.lists(st.text())),
        "cookies": JSON | st.lists(st.text()),
        "body": JSON,
        "isBase64Encoded": st.booleans(),
    },
)


def of_2_0(result: object) -> HttpAnswer:
    """The answer for a result in format 2.0."""
    return answer("http", route("$default"), json.dumps(result).encode())


def of_rest(result: object) -> HttpAnswer:
    """The answer for a result of a REST API's function."""
    return answer("rest", rest_route("GET /"), json.dumps(result).encode())


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ({"message": "Hello"}, b'{"message":"Hello"}'),
        ("Hello", b"Hello"),
        ([1, 2], b"[1,2]"),
        (None, b"null"),
        (5, b"5"),
    ],
)
def test_a_result_without_status_is_the_body_of_a_200(result: object, body: bytes) -> None:
    """The guide's inference of format 2.0."""
    assert of_2_0(result) == HttpAnswer(200, (("Content-Type", "application/json"),), body)


def test_format_2_0_sets_cookies_and_headers() -> None:
    """Each cookie is a Set-Cookie of its own; numbers and booleans become text."""
    result = {"statusCode": 201, "cookies": ["a=1", "b=2; Secure"], "body": "ok",
              "headers": {"X-Number": 5, "X-Yes": True, "content-type": "text/html"}}  # fmt: skip
    assert of_2_0(result) == HttpAnswer(
        201,
        (
            ("X-Number", "5"),
            ("X-Yes", "true"),
            ("content-type", "text/html"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2; Secure"),
        ),
        b"ok",
    )


def test_a_result_names_no_type_and_gets_the_gateways() -> None:
    """HTTP APIs say text, REST APIs JSON."""
    assert of_2_0({"statusCode": 200}).headers == (("Content-Type", "text/plain; charset=utf-8"),)
    assert of_rest({"statusCode": 200}).headers == (("Content-Type", "application/json"),)


def test_multi_value_headers_win_over_single_ones() -> None:
    """Of one name, whatever its spelling, only those with several values stay."""
    result = {"statusCode": 200, "headers": {"x-a": "single", "Content-Type": "a/b"},
              "multiValueHeaders": {"X-A": ["one", "two"]}}  # fmt: skip
    assert of_rest(result).headers == (("Content-Type", "a/b"), ("X-A", "one"), ("X-A", "two"))


@pytest.mark.parametrize("of", [of_2_0, of_rest])
def test_base64_bodies_are_decoded(of: Callable[[object], HttpAnswer]) -> None:
    """In both formats."""
    result = {"statusCode": 200, "body": "/wD+", "isBase64Encoded": True}
    assert of(result).body == b"\xff\x00\xfe"


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "ok"},
        {"statusCode": 99},
        {"statusCode": 600},
        {"statusCode": True},
        {"statusCode": 200, "body": {"an": "object"}},
        {"statusCode": 200, "headers": ["x"]},
        {"statusCode": 200, "headers": {"X": {}}},
        {"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b"}},
        {"statusCode": 200, "headers": {"X Y": "a"}},
        {"statusCode": 200, "body": "#", "isBase64Encoded": True},
    ],
)
def test_a_malformed_result_is_the_gateways_error(result: object) -> None:
    """500 of an HTTP API, 502 of a REST API."""
    assert of_2_0(result) == BAD_INTEGRATION["http"]
    assert of_rest(result) == BAD_INTEGRATION["rest"]


@pytest.mark.parametrize("result", [{"message": "x"}, "text", None, [], {"body": "x"}])
def test_format_1_0_infers_nothing(result: object) -> None:
    """A status is needed."""
    assert of_rest(result) == BAD_INTEGRATION["rest"]
    assert of_rest(result).status == 502
    assert json.loads(of_rest(result).body) == {"message": "Internal server error"}


def test_headers_of_the_link_are_the_gateways_own() -> None:
    """A function's Content-Length can't cut or stretch the answer."""
    result = {"statusCode": 200, "headers": {"Content-Length": "1", "X": "y"}, "body": "long"}
    assert ("Content-Length", "1") not in of_rest(result).headers


@given(JSON | PARTS, st.sampled_from(["http", "rest"]))
def test_no_result_breaks_the_gateway(result: object, kind: str) -> None:
    """Whatever a function returns, the client gets an answer that HTTP can carry."""
    of = of_2_0 if kind == "http" else of_rest
    given_back = of(result)
    assert 200 <= given_back.status <= 599
    for name, value in given_back.headers:
        assert name.isascii()
        assert not set(value) & set("\r\n\0")
