"""`gatepost dev` from a plan of this project's own Terraform module."""

from typing import TYPE_CHECKING

import aiohttp
import pytest
from websockets.asyncio.client import connect

from tests.e2e.conversation import ask, receive
from tests.infra.shared import shared_folder
from tests.infra.terraform_runs import run_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningEmulator
    from tests.infra.terraform_runs import Run

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(1500)]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """What Terraform left behind, a plan of the example among it."""
    return run_once(shared_folder(tmp_path_factory, "terraform"))


async def test_the_emulator_runs_a_plan_of_the_module_from_the_sources(
    run: "Run", gatepost_dev: "Callable[..., RunningEmulator]"
) -> None:
    """Authorizer, replies, signals without one, broadcasts and the HTTP API; no zip is unpacked."""
    emulator = gatepost_dev("--template", str(run.example), "--env-file", "local.env")
    assert emulator.url.endswith("/dev")
    async with connect(emulator.url) as one, connect(emulator.url) as two:
        for client in (one, two):
            reply = await ask(client, action="subscribe", channel="chat:plan", id=1)
            assert (reply["id"], reply["ok"]) == (1, True)
        await one.send('{"action": "publish", "channel": "chat:plan", "data": "hello", "id": 2}')
        for client in (one, two):
            assert (await receive(client, "publication"))["data"] == "hello"
        await two.send('{"action": "signal", "channel": "chat:plan", "data": "typing"}')
        assert (await receive(one, "publication"))["data"] == "typing"
    async with aiohttp.ClientSession() as session:
        response = await session.get(f"{emulator.page_url}v1/health")
        assert response.status == 200
    assert "unpacked" not in emulator.output
    assert "throttle" not in emulator.output
