"""HTTP and REST APIs on the HTTP port, beside pages."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Self

import aiohttp
import pytest
from yarl import URL

from gatepost.emulator.http_api.answers import BODY_BYTES_MAX
from gatepost.emulator.http_api.apis import HttpApis
from gatepost.emulator.http_api.serving import middleware
from gatepost.emulator.pages import Pages
from tests.gatepost.emulator.http_api.conftest import (
    Functions,
    deployment,
    http_api,
    rest_api,
    rest_route,
    route,
)

if TYPE_CHECKING:
    from gatepost.gateway.core.commands import Report
    from gatepost.gateway.core.deployment import HttpApi

BINARY = {"statusCode": 201, "body": "/w==", "isBase64Encoded": True, "cookies": ["a=1", "b=2"]}
NOT_FOUND = (404, '{"message":"Not Found"}')


class Port:
    """A running HTTP port over a folder with two pages."""

    def __init__(self, folder: Path, functions: Functions, *apis: "HttpApi") -> None:
        (folder / "sub").mkdir(exist_ok=True)
        (folder / "index.html").write_text("index")
        (folder / "sub/page.txt").write_text("page")
        self.reports: list[Report] = []
        given = deployment(*apis, root=folder, settings={"pages": "."})
        self.pages = Pages(given, gateway_port=1)
        first = middleware(
            HttpApis(given, functions),
            has_page=self.pages.has_page,
            on_report=self.reports.append,
        )
        self.pages.answer_first(first)

    async def __aenter__(self) -> Self:
        await self.pages.start("127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pages.close()

    async def ask(
        self, target: str, method: str = "GET", data: bytes | io.BytesIO | None = None
    ) -> tuple[int, str]:
        """Status and text of an answer to a request that is sent as given."""
        url = URL(f"http://127.0.0.1:{self.pages.port}{target}", encoded=True)
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=data) as response,
        ):
            return response.status, await response.text()


@pytest.fixture
def functions() -> Functions:
    """One function that says `in`, one that answers with bytes and cookies."""
    return Functions(f="in", binary=BINARY)


async def test_a_route_that_names_the_path_comes_before_a_page(
    tmp_path: Path, functions: Functions
) -> None:
    """Also with a variable in it; and what no route takes is the API's 404, unless a page is."""
    api = http_api(route("GET /sub/page.txt"), route("GET /a/{id}"))
    async with Port(tmp_path, functions, api) as port:
        assert await port.ask("/sub/page.txt") == (200, "in")
        assert await port.ask("/a/1") == (200, "in")
        assert await port.ask("/") == (200, "index")
        assert await port.ask("/index.html") == (200, "index")
        assert await port.ask("/nowhere") == NOT_FOUND
        assert await port.ask("/sub/page.txt", "POST") == NOT_FOUND


@pytest.mark.parametrize("key", ["$default", "ANY /{proxy+}"])
async def test_a_page_that_exists_comes_before_a_route_that_takes_everything(
    tmp_path: Path, functions: Functions, key: str
) -> None:
    """For GET and HEAD; all else is the route's."""
    async with Port(tmp_path, functions, http_api(route(key))) as port:
        assert await port.ask("/") == (200, "index")
        assert await port.ask("/sub/page.txt") == (200, "page")
        assert await port.ask("/sub/other.txt") == (200, "in")
        assert await port.ask("/sub/page.txt", "POST") == (200, "in")
        assert await port.ask("/%00", "GET") == (200, "in")
        assert await port.ask(f"/{'x' * 300}") == (200, "in")


async def test_what_is_gateposts_own_stays_so(tmp_path: Path, functions: Functions) -> None:
    """Discovery, control and Invoke are no API's."""
    async with Port(tmp_path, functions, http_api(route("$default"))) as port:
        assert (await port.ask("/gatepost.json"))[1].startswith('{"url": "ws://')
        assert (await port.ask("/_gatepost/faults"))[0] == 404
        assert (await port.ask("/2015-03-31/functions/f/invocations", "POST"))[0] in (404, 405)
        assert functions.events == []
        assert await port.ask("/_gateposts") == (200, "in")


async def test_an_api_at_a_stage_takes_all_below_it(tmp_path: Path, functions: Functions) -> None:
    """And nothing else."""
    api = rest_api(rest_route("GET /a", function="rest"), stage="sub")
    functions.functions["rest"] = {"statusCode": 200, "body": "rest"}
    async with Port(tmp_path, functions, api) as port:
        assert await port.ask("/sub/a") == (200, "rest")
        assert (await port.ask("/sub/page.txt"))[0] == 403
        assert await port.ask("/index.html") == (200, "index")
        assert (await port.ask("/nowhere"))[0] == 404


async def test_the_function_sees_the_request_as_it_was_sent(
    tmp_path: Path, functions: Functions
) -> None:
    """Path, query, body and method."""
    async with Port(tmp_path, functions, http_api(route("POST /a/{id}"))) as port:
        await port.ask("/a/x%20y?q=%C3%BC&q=2", "POST", b"\xff")
    event = functions.event_of("f")
    assert event["rawPath"] == "/a/x y"
    assert event["rawQueryString"] == "q=%C3%BC&q=2"
    assert event["queryStringParameters"] == {"q": "ü,2"}
    assert (event["body"], event["isBase64Encoded"]) == ("/w==", True)
    assert event["headers"]["content-length"] == "1"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


async def test_the_client_gets_the_answer_as_the_function_made_it(
    tmp_path: Path, functions: Functions
) -> None:
    """Bytes, cookies and no headers of pages."""
    api = http_api(route("GET /a", function="binary"))
    async with (
        Port(tmp_path, functions, api) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port.pages.port}/a") as response,
    ):
        assert (response.status, await response.read()) == (201, b"\xff")
        assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert response.headers.getall("Content-Type") == ["text/plain; charset=utf-8"]
        assert response.headers["apigw-requestid"]
        assert "Cache-Control" not in response.headers
    (report,) = port.reports
    assert (report.kind, report.route_key, report.status) == ("api", "GET /a", 201)


async def test_a_body_over_10_mb_is_413(tmp_path: Path, functions: Functions) -> None:
    """In the API's words; no function is asked."""
    async with Port(tmp_path, functions, http_api(route("POST /a"))) as port:
        status, text = await port.ask("/a", "POST", io.BytesIO(b"x" * (BODY_BYTES_MAX + 1)))
    assert (status, text) == (413, '{"message":"Request Entity Too Large"}')
    assert functions.events == []
