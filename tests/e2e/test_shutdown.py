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
    from pathlib import Path

    from tests.conftest import Eventually
    from tests.e2e.conftest import RunningEmulator

STUCK = """
service: stuck
provider: {name: aws, runtime: python3.13}
functions: {wait: {handler: app.wait, timeout: 60, events: [{websocket: $default}]}}
"""


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


@pytest.fixture
def stuck(gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path") -> "RunningEmulator":
    """An emulator whose function takes longer than anybody waits, at work on a message."""
    (tmp_path / "serverless.yml").write_text(STUCK, encoding="utf-8")
    (tmp_path / "app.py").write_text("def wait(event, context):\n    while True: pass\n")
    return gatepost_dev("--template", str(tmp_path / "serverless.yml"))


async def test_two_signals_at_once_are_one_ctrl_c(emulator: "RunningEmulator") -> None:
    """As a terminal and `npm run` send them: it still ends in good order."""
    os.kill(emulator.pid, signal.SIGTERM)
    assert await asyncio.to_thread(emulator.stop_now) == 0


async def test_a_second_ctrl_c_ends_at_once(
    stuck: "RunningEmulator", eventually: "Eventually"
) -> None:
    """Although a function is still at work."""
    client = await connect(stuck.url)
    await client.send("go")
    process = psutil.Process(stuck.pid)

    def interrupted() -> bool:
        process.send_signal(signal.SIGINT)
        return process.status() == psutil.STATUS_ZOMBIE

    await eventually(interrupted, within_s=4)
    assert await asyncio.to_thread(stuck.stop_now) == 130
    await client.wait_closed()
