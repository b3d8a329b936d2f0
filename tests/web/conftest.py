"""A page in headless Chromium that runs the browser client on a scripted network and clock."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest_asyncio
from playwright.async_api import Browser, Route

from tests.headless import headless_chromium

ROOT = Path(__file__).parent.parent.parent
ORIGIN = "http://page.test"  # never resolved: every request is answered below
SCRIPT = """async () => {
  const { connected, following, outcomeOf, publicationAt, scripted, settled } =
    await import("/scripted.js");
  %s
}"""


class Run(Protocol):
    """What the fixture `run` gives."""

    async def __call__(self, script: str) -> Any:  # noqa: ANN401 - what a script returns
        """Run a script with the names of scripted.js in the page; give what it returns."""
        ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Start one browser for all tests of this folder."""
    async with headless_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def run(browser: Browser) -> AsyncIterator[Run]:
    """Give a fresh page's way to run scripts; a request that leaves the page fails the test."""
    page = await browser.new_page()
    strangers: list[str] = []

    async def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if not route.request.url.startswith(ORIGIN):
            strangers.append(route.request.url)
            await route.abort()
        elif path == "/":
            await route.fulfill(content_type="text/html", body="<!doctype html><title>-</title>")
        elif path in {"/scripted.js", "/log_server.js"}:
            await route.fulfill(path=Path(__file__).parent / path.removeprefix("/"))
        else:
            await route.fulfill(path=ROOT / "web" / path.removeprefix("/"))

    async def run_script(script: str) -> Any:  # noqa: ANN401 - what a script returns
        return await page.evaluate(SCRIPT % script)

    await page.route("**/*", answer)
    await page.goto(f"{ORIGIN}/")
    yield run_script
    await page.close()
    assert strangers == []
