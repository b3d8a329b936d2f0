"""CORS, as far as the gateway answers it."""

import pytest

from gatepost.gateway.core.deployment import Cors, HttpApi, HttpAuthorizer
from tests.gatepost.emulator.http_api.conftest import (
    Functions,
    ask,
    http_api,
    request,
    rest_api,
    rest_route,
    route,
)

HERE = (("Origin", "https://here.test"),)
ASKS = (*HERE, ("Access-Control-Request-Method", "PUT"))
CORS = Cors(("https://here.test",), ("GET", "PUT"), ("x-a",), ("x-b",), True, 300)  # noqa: FBT003


def api(cors: Cors = CORS) -> HttpApi:
    """An HTTP API of one route."""
    return http_api(route("GET /a"), cors=cors)


async def test_a_preflight_request_is_answered_without_any_route() -> None:
    """By the configuration alone."""
    functions = Functions()
    answer = await ask(functions, api(), request("OPTIONS", "/nowhere", ASKS))
    assert (answer.status, answer.body, functions.events) == (204, b"", [])
    assert dict(answer.headers) == {
        "Access-Control-Allow-Origin": "https://here.test",
        "Vary": "Origin",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "x-b",
        "Access-Control-Allow-Methods": "GET,PUT",
        "Access-Control-Allow-Headers": "x-a",
        "Access-Control-Max-Age": "300",
    }


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [
        (("*",), "*"),
        (("https://*",), "https://here.test"),
        (("http://a.test", "https://here.test"), "https://here.test"),
        (("http://*",), None),
        (("https://other.test",), None),
        (("https://*.test",), None),
    ],
)
async def test_an_origin_that_is_not_allowed_gets_no_headers(
    origins: tuple[str, ...], allowed: str | None
) -> None:
    """The browser takes it from there; of patterns only whole schemes exist."""
    answer = await ask(Functions(), api(Cors(origins)), request("OPTIONS", "/a", ASKS))
    assert answer.status == 204
    assert dict(answer.headers).get("Access-Control-Allow-Origin") == allowed
    assert bool(answer.headers) is (allowed is not None)


async def test_the_gateways_headers_replace_the_functions() -> None:
    """On every answer to an origin, also on errors."""
    theirs = {"Access-Control-Allow-Origin": "*", "X": "y", "Content-Type": "a/b"}
    functions = Functions(f={"statusCode": 200, "headers": theirs})
    answer = await ask(functions, api(), request("GET", "/a", HERE))
    assert answer.headers[:3] == (
        ("X", "y"), ("Content-Type", "a/b"), ("Access-Control-Allow-Origin", "https://here.test"),
    )  # fmt: skip
    answer = await ask(functions, api(), request("GET", "/nowhere", HERE))
    assert answer.status == 404
    assert ("Access-Control-Allow-Origin", "https://here.test") in answer.headers


async def test_without_origin_nothing_is_added() -> None:
    """No browser, no CORS; and OPTIONS is then a request like any other."""
    functions = Functions(f="in")
    answer = await ask(functions, api(), request("GET", "/a"))
    assert answer.headers == (("Content-Type", "application/json"),)
    assert (await ask(functions, api(), request("OPTIONS", "/a"))).status == 404


@pytest.mark.parametrize(("open_route", "status"), [(False, 401), (True, 204)])
async def test_a_preflight_request_meets_the_authorizer_of_a_route_that_takes_it(
    open_route: bool,  # noqa: FBT001 - a table
    status: int,
) -> None:
    """Hence the advice to put an `OPTIONS /{proxy+}` without authorizer beside `$default`."""
    authorizer = HttpAuthorizer("g", "guard", identity_sources=("$request.header.Authorization",))
    routes = [route("$default", authorizer=authorizer)]
    if open_route:
        routes.append(route("OPTIONS /{proxy+}"))
    guarded = http_api(*routes, cors=CORS)
    assert (await ask(Functions(), guarded, request("OPTIONS", "/a", ASKS))).status == status


async def test_a_rest_api_answers_options_of_its_resources_alone() -> None:
    """With fixed headers for whoever asks, and adds nothing to the answers of functions."""
    functions = Functions(f={"statusCode": 200})
    cors = Cors(allow_headers=("x-a",))
    guarded = rest_api(rest_route("GET /a"), rest_route("PUT /a"), cors=cors)
    answer = await ask(functions, guarded, request("OPTIONS", "/dev/a"))
    assert answer.status == 200
    assert dict(answer.headers) == {
        "Content-Type": "application/json",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "x-a",
        "Access-Control-Allow-Methods": "GET,OPTIONS,PUT",
    }
    assert (await ask(functions, guarded, request("OPTIONS", "/dev/b"))).status == 403
    answer = await ask(functions, guarded, request("GET", "/dev/a", HERE))
    assert answer.headers == (("Content-Type", "application/json"),)
