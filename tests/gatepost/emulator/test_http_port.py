"""What the HTTP port serves beside pages, put together."""

from pathlib import Path

import aiohttp
import pytest

from gatepost.emulator.errors import UserError
from gatepost.emulator.http_port import api_lines, serve_functions
from gatepost.emulator.pages import Pages
from gatepost.gateway.core.deployment import Deployment, Function, HttpApi, HttpRoute
from gatepost.gateway.core.inputs import Outcome, Returned
from gatepost.gateway.runner.invocation import NOBODY, Caller

APIS = (
    HttpApi("h", "h", "$default", "http", (HttpRoute("GET", "/a", "f", "2.0"),)),
    HttpApi("r", "r", "dev", "rest", (HttpRoute("GET", "/a", "f", "1.0"),)),
)


class Echo:
    """An Invoker that returns the event."""

    async def invoke(self, function: str, event: bytes, caller: Caller = NOBODY) -> Outcome:
        """Return it."""
        return Returned(event)


def deployment(**settings: str) -> Deployment:
    """A deployment with both kinds of API."""
    functions = {"f": Function("f", "f.handler", "python3.13", Path())}
    return Deployment(
        "shop", "dev", "us-east-1", "1" * 12, Path(), (), functions,
        http_apis=APIS, settings=settings,
    )  # fmt: skip


def pages(**settings: str) -> Pages:
    """A port that serves it all and has not started."""
    given = deployment(**settings)
    made = Pages(given, gateway_port=1)
    serve_functions(made, given, Echo(), host="localhost", on_report=lambda _: None)
    return made


def test_the_summary_says_where_each_api_is() -> None:
    """At `/`, or at its stage."""
    assert api_lines(deployment(), "localhost:3000") == [
        "  HTTP API      http://localhost:3000/",
        "  REST API      http://localhost:3000/dev/",
    ]


@pytest.mark.parametrize("given", ["x", "-1", "61", "nan", ""])
def test_a_minute_that_is_none_is_named(given: str) -> None:
    """With the setting."""
    with pytest.raises(UserError, match=r"custom\.gatepost\.retry_minute_s: .* from 0 to 60"):
        pages(retry_minute_s=given)


async def test_routes_and_invoke_are_served_on_one_port() -> None:
    """Neither takes what is the other's."""
    port = pages(retry_minute_s="0.5")
    await port.start("127.0.0.1", 0)
    base = f"http://127.0.0.1:{port.port}"
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{base}/a") as response:
                assert (await response.json())["routeKey"] == "GET /a"
            invoke = f"{base}/2015-03-31/functions/f/invocations"
            async with session.post(invoke, data=b"[1]") as response:
                assert await response.read() == b"[1]"
            async with session.get(f"{base}/b") as response:
                assert await response.json() == {"message": "Not Found"}
    finally:
        await port.close()
