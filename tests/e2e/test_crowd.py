"""A crowd at one moment: right answers, bounded processes, nothing left in the table."""

import asyncio
import json
from typing import TYPE_CHECKING

import boto3
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.conftest import moto_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Eventually
    from tests.e2e.conftest import RunningEmulator

CROWD = 100
MEMORY_MB_MAX = 500
WORKERS_MAX = 3 * 8


def proportional_mb(processes: list[psutil.Process]) -> float:
    """Sum proportional set sizes; resident sizes where the system tells no more."""
    total = 0
    for process in processes:
        memory = process.memory_full_info()
        total += getattr(memory, "pss", memory.rss)
    return total / 2**20


async def first_message(client: ClientConnection, number: int) -> int:
    """Ask for an echo of a number."""
    await client.send(json.dumps({"action": "echo", "data": number, "id": number}))
    reply = json.loads(await asyncio.wait_for(client.recv(), 60))
    assert reply["id"] == number, reply
    value: int = reply["result"]["data"]
    return value


@pytest.fixture
def own_moto_endpoint() -> "Iterator[str]":
    """Give the URL of a stand-in of the crowd's own: others' requests would wait behind it."""
    with moto_server() as endpoint:
        yield endpoint


async def test_a_hundred_first_messages_at_once_are_all_answered_right(
    gatepost_dev: "Callable[..., RunningEmulator]",
    own_moto_endpoint: str,
    fake_credentials: dict[str, str],
    eventually: "Eventually",
) -> None:
    """A burst waits its turn in few processes; a drop of all empties the table."""
    emulator = gatepost_dev("--env-file", "local.env", "--dynamodb", own_moto_endpoint)
    table = next(line for line in emulator.lines if line.split()[:1] == ["tables"]).split()[1]
    dynamodb = boto3.client("dynamodb", endpoint_url=own_moto_endpoint)

    def rows() -> int:
        count: int = dynamodb.scan(TableName=table, Select="COUNT", ConsistentRead=True)["Count"]
        return count

    clients = [
        await connect(emulator.url, open_timeout=60, ping_interval=None) for _ in range(CROWD)
    ]
    answers = await asyncio.gather(
        *(first_message(client, number) for number, client in enumerate(clients))
    )
    assert answers == list(range(CROWD))
    workers = emulator.workers()
    assert 3 <= len(workers) <= WORKERS_MAX
    assert proportional_mb(workers) < MEMORY_MB_MAX
    assert await asyncio.to_thread(rows) >= CROWD

    for client in clients:
        client.transport.abort()
    await eventually(lambda: asyncio.to_thread(lambda: rows() == 0), within_s=100)

    def disconnects() -> int:
        return sum(" disconnect " in line for line in emulator.lines)

    await eventually(lambda: disconnects() >= CROWD)
    assert disconnects() == CROWD
    dynamodb.close()
