"""A channel of many shards: publishing hands its subscribers to workers, over Lambda's Invoke.

Shards hold a thousand subscribers where a channel has grown; here the table says that it has.
"""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from websockets.asyncio.client import ClientConnection, connect

from functions.adapters import dynamodb_items as items
from functions.core import limits
from functions.core.fanout import deal
from tests.e2e.conftest import ROOT, RunningEmulator
from tests.e2e.conversation import ask, receive
from tests.e2e.streams import control
from tests.e2e.test_http_api import call

if TYPE_CHECKING:
    from tests.conftest import Eventually

SHARDS = 8
SUBSCRIBERS = 16
STAGE = "many"


class Large:
    """An emulator, its table, and the channel that has grown."""

    def __init__(self, emulator: RunningEmulator, endpoint: str, channel: str) -> None:
        self.emulator = emulator
        self.channel = channel
        self._table = f"gatepost-{STAGE}-Table"
        self._client = boto3.client("dynamodb", endpoint_url=endpoint)
        row = {**items.shards_key(channel), "shards": items.number(SHARDS)}
        self._client.put_item(TableName=self._table, Item=row)

    def shard_of(self, connection_id: str) -> int | None:
        """Give the shard of a subscriber, None when it has none."""
        found = self._client.get_item(
            TableName=self._table,
            Key=items.by_connection_key(connection_id, self.channel),
            ConsistentRead=True,
        )
        return int(found["Item"]["shard"]["N"]) if "Item" in found else None

    def hops(self) -> list[int]:
        """Give the hops that workers have told of."""
        return [int(hop) for hop in re.findall(r"hop=(\d) delivered", self.emulator.output)]

    def close(self) -> None:
        """Close the client."""
        self._client.close()


Start = Callable[..., Large]


@pytest.fixture
def large(
    gatepost_dev: Callable[..., RunningEmulator],
    moto_endpoint: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    *,
    fake_credentials: dict[str, str],
) -> Start:
    """Start an emulator whose functions have further settings, with a large channel."""

    def start(channel: str, **settings: object) -> Large:
        env_file = tmp_path / "large.env"
        local = (ROOT / "local.env").read_text(encoding="utf-8")
        lines = [f"{name}={value}" for name, value in settings.items()]
        env_file.write_text("\n".join([local, *lines, ""]), encoding="utf-8")
        emulator = gatepost_dev(
            *("--env-file", str(env_file), "--dynamodb", moto_endpoint, "--stage", STAGE)
        )
        found = Large(emulator, moto_endpoint, channel)
        request.addfinalizer(found.close)
        return found

    return start


@asynccontextmanager
async def subscribed(large: Large) -> AsyncIterator[dict[str, ClientConnection]]:
    """Subscribe so many clients; give them by their connection ids."""
    async with AsyncExitStack() as stack:
        clients: dict[str, ClientConnection] = {}
        for _ in range(SUBSCRIBERS):
            client = await stack.enter_async_context(connect(large.emulator.url))
            known = await control(large.emulator, "GET", "connections")
            [connection_id] = {each["connectionId"] for each in known} - {*clients}
            clients[connection_id] = client
        replies = await asyncio.gather(
            *(ask(each, action="subscribe", channel=large.channel) for each in clients.values())
        )
        assert all(reply["ok"] for reply in replies), replies
        yield clients


async def publish(large: Large, data: object) -> None:
    """Publish as a server; this returns with the reply."""
    status, _ = await call(large.emulator, "publish", {"channel": large.channel, "data": data})
    assert status == 200


async def heard(clients: Sequence[ClientConnection]) -> list[object]:
    """Give the next publication of each."""
    messages = await asyncio.gather(*(receive(each, "publication") for each in clients))
    return [message["data"] for message in messages]


async def test_workers_reach_everybody_and_nobody_waits_for_them(
    large: Start, eventually: "Eventually"
) -> None:
    """One hangs, which its publisher never learns; one is gone, and is forgotten."""
    where = large("ticker:many")
    async with subscribed(where) as clients:
        hangs, gone, *others = clients
        faults = {"hang": [hangs], "hang_s": 60, "gone": [gone]}
        await control(where.emulator, "PUT", "faults", faults)
        await publish(where, "to all")
        assert "failed=1 reasons=" not in where.emulator.output
        assert await heard([clients[each] for each in others]) == ["to all"] * len(others)
        await where.emulator.said("failed=1 reasons=", within_s=30)
        await eventually(lambda: where.shard_of(gone) is None, within_s=10)
        assert where.shard_of(hangs) is not None
        await control(where.emulator, "DELETE", "faults")
        await publish(where, "again")
        assert await heard([clients[each] for each in others]) == ["again"] * len(others)
    assert "broadcast channel=ticker:many handed over shards=8 jobs=5 refused=0" in (
        where.emulator.output
    )


async def test_one_worker_after_the_other_takes_the_rest_over(
    large: Start, eventually: "Eventually"
) -> None:
    """With no time at all each does a piece of a shard; everybody is reached, and once."""
    where = large("chat:hops", FANOUT_WORKERS=1, FANOUT_BUDGET_S=0.000001)
    async with subscribed(where) as clients:
        sender, *others = clients
        shards = {where.shard_of(each) for each in clients}
        for number in (1, 2):
            reply = await ask(
                clients[sender], action="publish", channel=where.channel, data=number, echo=False
            )
            assert reply["ok"] is True
            assert await heard([clients[each] for each in others]) == [number] * len(others)
        assert len(shards) > 3
        await eventually(lambda: len(where.hops()) == 2 * len(shards))
        assert sorted(where.hops()) == sorted([*range(1, len(shards) + 1)] * 2)


async def test_what_is_left_after_the_last_hop_is_named(large: Start) -> None:
    """In the log of the worker, and as a dead letter; it is not tried again."""
    where = large("ticker:left", FANOUT_WORKERS=1, FANOUT_BUDGET_S=0.000001)
    async with subscribed(where) as clients:
        job = {
            "channel": where.channel,
            "shards": list(range(SHARDS)),
            "payload": json.dumps({"type": "publication", "data": 1}),
            "hop": limits.FANOUT_HOPS_MAX,
        }
        await asyncio.to_thread(_invoke, where.emulator, job)
        await where.emulator.said("given up after 1 attempt: Unfinished: subscribers are left")
        assert 'dead letter: {"channel"' in where.emulator.output
        assert clients


async def test_a_worker_that_is_killed_loses_its_own_part_only(
    large: Start, eventually: "Eventually"
) -> None:
    """Which is told as a dead letter; the next publication reaches its subscribers again."""
    where = large("ticker:killed")
    async with subscribed(where) as clients:
        hangs, *others = clients
        await control(where.emulator, "PUT", "faults", {"hang": [hangs], "hang_s": 60})
        [lost] = [
            part for part in deal(SHARDS, limits.FANOUT_WORKERS) if where.shard_of(hangs) in part
        ]
        await publish(where, "first")
        beside = [clients[each] for each in others if where.shard_of(each) not in lost]
        assert await heard(beside) == ["first"] * len(beside)
        for worker in where.emulator.workers():
            if worker.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").endswith("-fanout"):
                os.kill(worker.pid, signal.SIGKILL)
        await where.emulator.said("given up after 1 attempt: ", within_s=20)
        assert "dead letter: " in where.emulator.output
        await control(where.emulator, "DELETE", "faults")
        await publish(where, "second")

        async def next_but_first(client: ClientConnection) -> object:
            while (data := (await receive(client, "publication"))["data"]) == "first":
                pass
            return data

        receivers = [clients[each] for each in (hangs, *others)]
        assert await asyncio.gather(*map(next_but_first, receivers)) == ["second"] * len(receivers)


def _invoke(emulator: RunningEmulator, job: dict[str, Any]) -> None:
    client = boto3.client("lambda", endpoint_url=emulator.page_url.rstrip("/"))
    answer = client.invoke(
        FunctionName=f"gatepost-{STAGE}-fanout",
        InvocationType="Event",
        Payload=json.dumps(job).encode(),
    )
    assert answer["StatusCode"] == 202
    client.close()
