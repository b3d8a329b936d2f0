"""The HTTP port."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from msgspec import structs

from gatepost.emulator.errors import UserError
from gatepost.emulator.pages import Pages, pages_folder
from gatepost.gateway.core.deployment import (
    Deployment,
    DomainMapping,
    LambdaProxy,
    Route,
    WebSocketApi,
)


def deployment(root: Path, **settings: str) -> Deployment:
    """A deployment with one route and these settings."""
    api = WebSocketApi(
        "a" * 10, "api", "dev", {"$default": Route("$default", LambdaProxy("<talk>"))}
    )
    return Deployment("shop", "dev", "us-east-1", "1" * 12, root, (api,), {}, settings=settings)


@pytest.fixture
async def base(tmp_path: Path) -> AsyncIterator[str]:
    """A running HTTP port over a folder with two pages; its URL."""
    (tmp_path / "web/sub").mkdir(parents=True)
    (tmp_path / "web/home.html").write_text("home")
    (tmp_path / "web/sub/page.txt").write_text("page")
    (tmp_path / "secret.txt").write_text("secret")
    pages = Pages(deployment(tmp_path, pages="web", index="home.html"), gateway_port=3001)
    await pages.start("127.0.0.1", 0)
    yield f"http://127.0.0.1:{pages.port}"
    await pages.close()


async def get(url: str, **headers: str) -> tuple[int, str]:
    """Status and text of a GET whose path is sent as given."""
    from yarl import URL  # noqa: PLC0415 - comes with aiohttp

    async with (
        aiohttp.ClientSession() as session,
        session.get(URL(url, encoded=True), headers=headers) as response,
    ):
        return response.status, await response.text()


async def test_index_and_files_of_the_folder_are_served(base: str) -> None:
    """`custom.gatepost.pages` and `custom.gatepost.index`."""
    assert await get(f"{base}/") == (200, "home")
    assert await get(f"{base}/sub/page.txt") == (200, "page")


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/sub/../../secret.txt"])
async def test_nothing_outside_the_folder_is_served(base: str, path: str) -> None:
    """A page's folder is not a door to the project."""
    status, text = await get(f"{base}{path}")
    assert status in (403, 404)
    assert "secret" not in text


async def test_the_socket_is_named_by_the_host_that_the_page_was_opened_with(base: str) -> None:
    """A phone that opened the page by the machine's name gets that name."""
    _, text = await get(f"{base}/gatepost.json", Host="laptop.local:3000")
    assert text == '{"url": "ws://laptop.local:3001/dev"}'


async def test_the_socket_is_that_of_the_first_api(tmp_path: Path) -> None:
    """Its path has the API's id where two APIs share a stage."""
    one = deployment(tmp_path)
    other = structs.replace(one.apis[0], api_id="b" * 10)
    two = structs.replace(one, apis=(*one.apis, other))
    pages = Pages(two, gateway_port=3001)
    await pages.start("127.0.0.1", 0)
    try:
        _, text = await get(f"http://127.0.0.1:{pages.port}/gatepost.json")
    finally:
        await pages.close()
    assert text == f'{{"url": "ws://127.0.0.1:3001/{"a" * 10}/dev"}}'


async def test_without_default_endpoint_the_socket_is_at_the_custom_domain(tmp_path: Path) -> None:
    """B-327: for pages, and on the default page."""
    one = deployment(tmp_path)
    hidden = structs.replace(one.apis[0], default_endpoint=False)
    domain = DomainMapping("ws.example.test", hidden.api_id, hidden.stage, "v1")
    pages = Pages(structs.replace(one, apis=(hidden,), domains=(domain,)), gateway_port=3001)
    await pages.start("127.0.0.1", 0)
    try:
        _, text = await get(f"http://127.0.0.1:{pages.port}/gatepost.json")
        _, page = await get(f"http://127.0.0.1:{pages.port}/")
    finally:
        await pages.close()
    assert text == '{"url": "ws://ws.example.test:3001/v1"}'
    assert "ws://ws.example.test:3001/v1" in page


async def test_the_default_page_names_the_socket_of_every_api(tmp_path: Path) -> None:
    """Each with its name."""
    one = deployment(tmp_path)
    other = structs.replace(one.apis[0], api_id="b" * 10, name="<news>", stage="test")
    pages = Pages(structs.replace(one, apis=(*one.apis, other)), gateway_port=3001)
    await pages.start("127.0.0.1", 0)
    try:
        _, text = await get(f"http://127.0.0.1:{pages.port}/")
    finally:
        await pages.close()
    assert "The socket of api is at <code>ws://127.0.0.1:3001/dev</code>" in text
    assert "The socket of &lt;news&gt; is at <code>ws://127.0.0.1:3001/test</code>" in text


async def test_a_project_without_pages_gets_one_that_lists_its_routes(tmp_path: Path) -> None:
    """Names from a template are escaped."""
    pages = Pages(deployment(tmp_path), gateway_port=3001)
    await pages.start("127.0.0.1", 0)
    try:
        _, text = await get(f"http://127.0.0.1:{pages.port}/")
    finally:
        await pages.close()
    assert "&lt;talk&gt;" in text
    assert "<link rel=icon" in text, "or the browser asks for one and shows a 404"


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    """The setting and what it says."""
    with pytest.raises(UserError, match=r"custom\.gatepost\.pages: nowhere"):
        pages_folder(deployment(tmp_path, pages="nowhere"))
