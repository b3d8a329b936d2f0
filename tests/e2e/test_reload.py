"""Saving a handler while clients are connected."""

import asyncio
import json
import shutil
from typing import TYPE_CHECKING

from websockets.asyncio.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Eventually
    from tests.e2e.conftest import RunningEmulator

PROJECT = "tests/fixtures/projects/failures"


async def echo(client: ClientConnection) -> str:
    """What the handler answers to an echo, whole."""
    await client.send(json.dumps({"action": "echo", "data": "hi"}))
    answer = await asyncio.wait_for(client.recv(), 10)
    assert isinstance(answer, str)
    return answer


async def test_a_save_swaps_the_workers_under_open_sockets_and_a_broken_one_recovers(
    gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path", eventually: "Eventually"
) -> None:
    """New code answers on the same socket; a syntax error is shown, the next save mends it."""
    shutil.copytree(PROJECT, tmp_path / "project")
    handler = tmp_path / "project/handlers.py"
    emulator = gatepost_dev("--template", str(tmp_path / "project/serverless.yml"))
    good = handler.read_text()
    async with connect(emulator.url) as client:
        assert '"echo": "hi"' in await echo(client)

        async def answers(text: str) -> bool:
            return text in await echo(client)

        handler.write_text(good.replace('"echo": request', '"again": request'))
        await eventually(lambda: answers('"again": "hi"'), within_s=15)

        handler.write_text("def any_message(event, context):\n    return {'statusCode'\n")
        await eventually(lambda: answers("Internal server error"), within_s=15)
        await emulator.said("SyntaxError")
        assert "handlers.py" in emulator.output

        handler.write_text(good)
        await eventually(lambda: answers('"echo": "hi"'), within_s=15)
    assert len([line for line in emulator.lines if " connect " in line]) == 1
