"""A project that knows nothing of Gatepost runs unchanged: boto3, threads, names like ours."""

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningEmulator

TEMPLATE = "tests/fixtures/projects/foreign/serverless.yml"


@pytest.mark.parametrize("how", [(), ("--in-process",)], ids=["workers", "in process"])
async def test_a_plain_boto3_project_connects_broadcasts_and_cleans_up(
    gatepost_dev: "Callable[..., RunningEmulator]", how: tuple[str, ...]
) -> None:
    """Its endpoint is `https://{domainName}/{stage}`; its packages are `functions`, `gateway`."""
    emulator = gatepost_dev("--template", TEMPLATE, *how)
    async with connect(emulator.url) as one, connect(emulator.url) as two:
        await one.send("not json at all")
        assert await asyncio.wait_for(one.recv(), 20) == "hello from eu-west-1"
        await two.send(json.dumps({"action": "sendmessage", "message": "to everyone"}))
        for client in (one, two):
            assert await asyncio.wait_for(client.recv(), 20) == "to everyone"
    await emulator.said("default route took 15 characters")


async def test_a_page_of_its_own_says_where_a_project_without_pages_is(
    gatepost_dev: "Callable[..., RunningEmulator]",
) -> None:
    """The HTTP port helps also where the template names no pages."""
    import aiohttp  # noqa: PLC0415 - only here

    emulator = gatepost_dev("--template", TEMPLATE)
    async with aiohttp.ClientSession() as session:
        page = await (await session.get(emulator.page_url)).text()
        found = await (await session.get(f"{emulator.page_url}gatepost.json")).json()
    assert emulator.url in page
    assert "sendmessage" in page
    assert found == {"url": emulator.url}
