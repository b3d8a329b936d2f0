"""Projects of other kinds run unchanged: a guarded serverless.yml, a Terraform plan."""

import asyncio
from typing import TYPE_CHECKING

from websockets.asyncio.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningEmulator

PROJECTS = "tests/fixtures/projects"


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
    assert "schedule events of tidy have no effect here" in emulator.output
    assert "Can't be loaded" not in emulator.output


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
    assert "lobby-connections" in emulator.output
