"""A Node project that knows nothing of Gatepost: both kinds of modules, callbacks, plain HTTPS."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect

from tests.e2e.conftest import PROJECTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

    from tests.e2e.conftest import RunningEmulator

pytestmark = pytest.mark.node

TEMPLATE = str(PROJECTS / "node/serverless.yml")


async def received(client: ClientConnection) -> str:
    """The next text, within the time that a start may take."""
    text = await asyncio.wait_for(client.recv(), 20)
    assert isinstance(text, str)
    return text


async def test_a_node_project_connects_answers_broadcasts_and_reports(
    gatepost_dev: Callable[..., RunningEmulator],
) -> None:
    """`https://{domainName}/{stage}` is trusted by Node too; the debug log has REPORT lines."""
    emulator = gatepost_dev("--template", TEMPLATE, "--log-level", "debug")
    async with connect(emulator.url) as one, connect(emulator.url) as two:
        await one.send("anything")
        assert await received(one) == "hello from eu-west-1, node"
        ids = []
        for client in (one, two):
            await client.send('{"action": "whoami"}')
            ids.append(await received(client))
        message = {"action": "broadcast", "text": "to everyone", "to": ids}
        await two.send(json.dumps(message))
        assert [await received(one), await received(two)] == ["to everyone"] * 2
    await emulator.said("posted: 200 200")
    await emulator.said("disconnected")
    await emulator.said("REPORT RequestId: ")
    assert "Lambda would freeze" not in emulator.output


async def test_a_saved_node_handler_is_served_from_the_next_message_on(
    gatepost_dev: Callable[..., RunningEmulator], tmp_path: Path
) -> None:
    """The socket stays open."""
    project = tmp_path / "project"
    shutil.copytree(PROJECTS / "node", project)
    emulator = gatepost_dev("--template", str(project / "serverless.yml"))
    names = project / "src/names.js"
    async with connect(emulator.url) as client:
        await client.send("x")
        assert await received(client) == "hello from eu-west-1, node"
        await asyncio.to_thread(names.write_text, 'exports.name = "new";\n')
        await emulator.said("Saved: every function starts anew.")
        await client.send("x")
        assert await received(client) == "hello from eu-west-1, new"


def test_node_functions_are_refused_in_process() -> None:
    """With the way out, before anything is served."""
    from gatepost.emulator.cli import main  # noqa: PLC0415 - here it is called, not started

    options = ("--in-process", "--port", "0", "--http-port", "0")
    assert main(["dev", "--template", TEMPLATE, *options]) == 2
