"""Which API a request is for, and how functions end."""

import asyncio
import json

import pytest

from gatepost.emulator.http_api.apis import EVENT_BYTES_MAX, HttpApis
from gatepost.gateway.core.inputs import Failed, NotInvocable
from tests.gatepost.emulator.http_api.conftest import (
    Functions,
    ask,
    deployment,
    http_api,
    request,
    rest_api,
    rest_route,
    route,
)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/dev/a", "rest"),
        ("/dev", "rest"),
        ("/dev/b", "rest"),
        ("/device", "http"),
        ("/a", "http"),
        ("/v2/a", "second"),
        ("/b", "third"),
    ],
)
def test_a_stage_in_the_path_comes_before_the_default_stage(path: str, name: str) -> None:
    """Of several APIs in one place the one that has a route."""
    apis = HttpApis(
        deployment(
            http_api(route("GET /a"), route("GET /device"), route("GET /dev/b")),
            http_api(route("GET /b"), name="third"),
            rest_api(rest_route("GET /a")),
            http_api(route("GET /a"), name="second", stage="v2"),
        ),
        Functions(),
    )
    found = apis.find("GET", path)
    assert found is not None
    assert found.api.name == name


def test_a_path_of_no_stage_is_nobodys() -> None:
    """It is for the pages then."""
    apis = HttpApis(deployment(rest_api(rest_route("GET /a"))), Functions())
    assert apis.find("GET", "/a") is None


@pytest.mark.parametrize(
    ("outcome", "http", "rest"),
    [
        (Failed("E", "x"), (500, "Internal Server Error"), (502, "Internal server error")),
        (NotInvocable("x"), (500, "Internal Server Error"), (500, "Internal server error")),
        (
            {"statusCode": "?"},
            (500, "Internal Server Error"),
            (502, "Internal server error"),
        ),
    ],
)
async def test_each_kind_of_api_has_its_own_words_for_failures(
    outcome: object, http: tuple[int, str], rest: tuple[int, str]
) -> None:
    """Status and spelling differ."""
    functions = Functions(f=outcome)
    first = await ask(functions, http_api(route("GET /a")), request("GET", "/a"))
    second = await ask(functions, rest_api(rest_route("GET /a")), request("GET", "/dev/a"))
    assert (first.status, json.loads(first.body)["message"]) == http
    assert (second.status, json.loads(second.body)["message"]) == rest


async def test_a_function_that_takes_too_long_is_given_up() -> None:
    """503 of an HTTP API, 504 of a REST API."""
    functions = Functions(f=asyncio.Event())
    slow, slow_rest = route("GET /a", timeout_s=0.01), rest_route("GET /a", timeout_s=0.01)
    answer = await ask(functions, http_api(slow), request("GET", "/a"))
    assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')
    answer = await ask(functions, rest_api(slow_rest), request("GET", "/dev/a"))
    assert (answer.status, answer.body) == (504, b'{"message":"Endpoint request timed out"}')


async def test_no_route_is_404_or_403() -> None:
    """A REST API asks for a token that it never wanted."""
    answer = await ask(Functions(), http_api(route("GET /a")), request("GET", "/b"))
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
    answer = await ask(Functions(), rest_api(rest_route("GET /a")), request("GET", "/dev/b"))
    assert (answer.status, answer.body) == (403, b'{"message":"Missing Authentication Token"}')


async def test_an_event_that_no_function_takes_is_413() -> None:
    """Base64 makes an event larger than the body was."""
    body = b"x" * (EVENT_BYTES_MAX - 1000)
    api = http_api(route("POST /a"))
    assert (await ask(Functions(f="in"), api, request("POST", "/a", body=body))).status == 413
    text = (("Content-Type", "text/plain"),)
    body = b"x" * (EVENT_BYTES_MAX - 10_000)
    assert (await ask(Functions(f="in"), api, request("POST", "/a", text, body))).status == 200
