"""What functions of HTTP and REST APIs get."""

import json
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.emulator.http_api.events import event
from tests.gatepost.emulator.http_api.conftest import (
    call,
    http_api,
    request,
    rest_api,
    rest_route,
    route,
)

HEADERS = (
    ("User-Agent", "test/1"),
    ("X-Many", "one"),
    ("x-many", "two"),
    ("Cookie", "a=1; b=2"),
    ("Connection", "keep-alive"),
)


def test_format_2_0_has_every_field_that_the_guide_names() -> None:
    """Names lower case, repetitions joined, cookies apart, the path decoded, the query not."""
    api = http_api(route("GET /my/{id}"), stage="live", stage_variables={"v": "1"})
    asked = request("GET", "/live/my/p%20q?a=1&a=2&b=%20", HEADERS)
    made = event(call(api, asked, "/my/p%20q"))
    assert made == {
        "version": "2.0",
        "routeKey": "GET /my/{id}",
        "rawPath": "/live/my/p q",
        "rawQueryString": "a=1&a=2&b=%20",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": "localhost:3000",
            "user-agent": "test/1",
            "x-many": "one,two",
            "x-amzn-trace-id": "Root=1-2-3",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "3000",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"a": "1,2", "b": " "},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "h1h2h3h4h5",
            "domainName": "localhost:3000",
            "domainPrefix": "localhost",
            "http": {
                "method": "GET",
                "path": "/live/my/p q",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test/1",
            },
            "requestId": "R1",
            "routeKey": "GET /my/{id}",
            "stage": "live",
            "time": "05/Mar/2026:09:07:03 +0000",
            "timeEpoch": 1772701623250,
        },
        "pathParameters": {"id": "p q"},
        "stageVariables": {"v": "1"},
        "isBase64Encoded": False,
    }


def test_format_2_0_leaves_out_what_there_is_none_of() -> None:
    """No null and no empty object."""
    made = event(call(http_api(route("$default")), request()))
    assert set(made) == {
        "version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext",
        "isBase64Encoded",
    }  # fmt: skip
    assert made["routeKey"] == "$default"
    assert made["rawQueryString"] == ""


def test_a_rest_event_has_every_field_that_the_guide_names() -> None:
    """Names as they came, of repetitions the last and all of them, the stage not in `path`."""
    api = rest_api(rest_route("ANY /my/{id}"), stage_variables={"v": "1"})
    asked = request("PUT", "/dev/my/p%20q?a=1&a=2", HEADERS, b"text")
    made = event(call(api, asked, "/my/p%20q"))
    context = made.pop("requestContext")
    headers = made.pop("headers")
    many = made.pop("multiValueHeaders")
    assert made == {
        "resource": "/my/{id}",
        "path": "/my/p%20q",
        "httpMethod": "PUT",
        "queryStringParameters": {"a": "2"},
        "multiValueQueryStringParameters": {"a": ["1", "2"]},
        "pathParameters": {"id": "p%20q"},
        "stageVariables": {"v": "1"},
        "body": "text",
        "isBase64Encoded": False,
    }
    assert isinstance(headers, dict)
    assert isinstance(many, dict)
    assert isinstance(context, dict)
    assert (headers["X-Many"], many["X-Many"], headers["Cookie"]) == (
        "two", ["one", "two"], "a=1; b=2",
    )  # fmt: skip
    assert "Connection" not in headers
    assert set(context) == {
        "accountId", "apiId", "domainName", "domainPrefix", "extendedRequestId", "httpMethod",
        "identity", "path", "protocol", "requestId", "requestTime", "requestTimeEpoch",
        "resourceId", "resourcePath", "stage",
    }  # fmt: skip
    assert (context["path"], context["resourcePath"]) == ("/dev/my/p%20q", "/my/{id}")
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userAgent"] == "test/1"


def test_format_1_0_says_null_where_there_is_none() -> None:
    """Every field is there."""
    made = event(call(rest_api(rest_route("GET /a")), request("GET", "/dev/a"), "/a"))
    for name in ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters",
                 "stageVariables", "body"):  # fmt: skip
        assert made[name] is None
    assert "version" not in made


def test_format_1_0_of_an_http_api_says_so_and_keeps_the_stage_in_the_path() -> None:
    """An HTTP API's route may ask for it."""
    api = http_api(route("GET /{it}", payload="1.0"), stage="live")
    made = event(call(api, request("GET", "/live/a%20b"), "/a%20b"))
    assert (made["version"], made["path"], made["resource"]) == ("1.0", "/live/a b", "/{it}")


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("TEXT/html", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/x-www-form-urlencoded", False),
        ("application/octet-stream", False),
        ("application/ld+json", False),
        (None, False),
    ],
)
def test_an_http_api_passes_few_content_types_on_as_text(
    content_type: str | None,
    text: bool,  # noqa: FBT001 - a table
) -> None:
    """As recorded on AWS: everything else is base64, forms and what has no type too."""
    headers = (("Content-Type", content_type),) if content_type else ()
    made = event(call(http_api(route("$default")), request("POST", "/", headers, b"{}")))
    assert made["isBase64Encoded"] is not text
    assert made["body"] == ("{}" if text else "e30=")


@given(st.binary(min_size=1))
def test_any_body_survives_an_http_api(body: bytes) -> None:
    """Whatever its bytes."""
    headers = (("Content-Type", "image/png"),)
    asked = call(http_api(route("$default")), request("POST", "/", headers, body))
    made = json.loads(json.dumps(event(asked)))
    assert b64decode(made["body"]) == body


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_whatever_a_query_says_reaches_the_function(pairs: list[tuple[str, str]]) -> None:
    """Decoded, in order, with all values in format 1.0."""
    from urllib.parse import urlencode  # noqa: PLC0415 - what a client does

    query = urlencode(pairs, errors="surrogatepass")
    made = event(call(rest_api(rest_route("GET /a")), request("GET", f"/dev/a?{query}"), "/a"))
    given_back = made["multiValueQueryStringParameters"] or {}
    assert isinstance(given_back, dict)
    assert sum(map(len, given_back.values())) == len(pairs)
    for name, value in pairs:
        assert value in given_back[name]
