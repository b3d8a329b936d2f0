"""How an emulator ends: nothing accepted is lost, nothing is left behind."""

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest
from websockets.asyncio.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Eventually
    from tests.e2e.conftest import RunningEmulator


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_ctrl_c_closes_sockets_with_1001_runs_disconnect_and_leaves_no_process(
    emulator: "RunningEmulator", number: signal.Signals
) -> None:
    """Clients learn that the server goes away; every $disconnect runs before the workers end."""
    clients = [await connect(emulator.url) for _ in range(5)]
    await clients[0].send('{"action": "subscribe", "channel": "chat:opens-every-client"}')
    await asyncio.wait_for(clients[0].recv(), 20)
    children = emulator.children()
    assert len(children) >= 4
    code = await asyncio.to_thread(emulator.stop_now, number)
    assert code == 0
    for client in clients:
        await asyncio.wait_for(client.wait_closed(), 5)
        assert client.close_code == 1001
    disconnects = [line for line in emulator.lines if " disconnect " in line]
    assert len(disconnects) == 5
    assert "Traceback" not in emulator.output
    assert "Unclosed" not in emulator.output
    assert [child for child in children if child.is_running()] == []


async def test_a_killed_emulator_leaves_no_process(
    gatepost_dev: "Callable[..., RunningEmulator]", eventually: "Eventually"
) -> None:
    """`kill -9`, so that it can stop nothing itself: workers and stand-in end on their own."""
    emulator = gatepost_dev("--env-file", "local.env")
    children = emulator.children()
    os.kill(emulator.pid, signal.SIGKILL)
    await asyncio.to_thread(emulator.stop_now)

    def alive() -> list[psutil.Process]:
        return [
            child
            for child in children
            if child.is_running() and child.status() != psutil.STATUS_ZOMBIE
        ]

    await eventually(lambda: not alive(), within_s=10)
