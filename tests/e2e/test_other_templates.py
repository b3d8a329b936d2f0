"""Projects of other kinds run unchanged: a guarded serverless.yml, a Terraform plan."""

import asyncio
import json
from typing import TYPE_CHECKING

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import RunningEmulator

PROJECTS = "tests/fixtures/projects"


async def answer(url: str, method: str = "GET", token: str = "") -> tuple[int, object]:
    """Ask an HTTP API and give status and body."""
    headers = {"Authorization": token}
    async with aiohttp.ClientSession() as session:
        response = await session.request(method, url, headers=headers)
        return response.status, json.loads(await response.text())


async def test_a_serverless_project_of_several_files_with_authorizers_and_http_events_runs(
    gatepost_dev: "Callable[..., RunningEmulator]",
) -> None:
    """Functions of two files, values that only AWS knows by their defaults, unrouted functions."""
    emulator = gatepost_dev("--template", f"{PROJECTS}/guarded/serverless.yml")
    url = f"{emulator.url}?token=open%20sesame"
    async with connect(url) as one, connect(url) as two:
        await one.send('{"action": "motto"}')
        assert await asyncio.wait_for(one.recv(), 20) == "be kind"
        await two.send("to everyone")
        for client in (one, two):
            assert await asyncio.wait_for(client.recv(), 20) == "to everyone"
        assert await answer(f"{emulator.page_url}count") == (200, {"connections": 2})
    assert (await answer(f"{emulator.page_url}say", method="POST", token="guessed"))[0] == 403
    assert "schedule events of tidy have no effect here" in emulator.output
    assert "Can't be loaded" not in emulator.output
    with pytest.raises(InvalidStatus) as denied:
        await connect(f"{emulator.url}?token=guessed")
    assert denied.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as missing:
        await connect(emulator.url)
    assert missing.value.response.status_code == 401


async def test_what_only_aws_knows_comes_from_the_values_file(
    gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path"
) -> None:
    """A parameter and another stack's output, in place of the defaults."""
    values = tmp_path / "values.yml"
    values.write_text(
        "ssm: {/chatroom/token: abc}\ncf: {branding.Motto: hurry}\n", encoding="utf-8"
    )
    template = f"{PROJECTS}/guarded/serverless.yml"
    emulator = gatepost_dev("--template", template, "--values", str(values))
    async with connect(f"{emulator.url}?token=abc") as client:
        await client.send('{"action": "motto"}')
        assert await asyncio.wait_for(client.recv(), 20) == "hurry"


async def test_a_terraform_plan_runs_with_its_modules_and_addresses(
    gatepost_dev: "Callable[..., RunningEmulator]",
) -> None:
    """The endpoint in its functions' environment is known only after apply; here it works."""
    emulator = gatepost_dev("--template", f"{PROJECTS}/terraform/plan.json")
    assert emulator.url.endswith("/live")
    url = f"{emulator.url}?token=someone"
    async with connect(url) as one, connect(url) as two:
        await one.send('{"action": "greet"}')
        assert await asyncio.wait_for(one.recv(), 20) == "welcome to live"
        await two.send("to everyone")
        for client in (one, two):
            assert await asyncio.wait_for(client.recv(), 20) == "to everyone"
        assert await answer(f"{emulator.page_url}connections") == (200, {"connections": 2})
    assert "lobby-connections" in emulator.output
    with pytest.raises(InvalidStatus) as denied:
        await connect(f"{emulator.url}?token=wrong")
    assert denied.value.response.status_code == 401


async def test_a_plan_of_modules_as_others_publish_them_runs(
    gatepost_dev: "Callable[..., RunningEmulator]",
) -> None:
    """The plan was made by Terraform; a dynamic block sets the functions' environment."""
    emulator = gatepost_dev("--template", f"{PROJECTS}/terraform-modules/plan.json")
    async with connect(emulator.url) as one, connect(emulator.url) as two:
        await one.send('{"action": "sendmessage"}')
        for client in (one, two):
            answer = await asyncio.wait_for(client.recv(), 20)
            assert answer == 'sendmessage: {"action": "sendmessage"}'
