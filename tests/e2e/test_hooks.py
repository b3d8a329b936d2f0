"""What happens in channels, all the way from sockets and the HTTP API into a queue."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

import boto3
from websockets.asyncio.client import connect

from tests.e2e.test_chat import ask
from tests.e2e.test_http_api import call, user_url
from tests.project_with_outlets import copy_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Eventually
    from tests.e2e.conftest import RunningEmulator


class Queue:
    """The queue that the functions put happenings into, and what was found there so far."""

    def __init__(self, emulator: "RunningEmulator") -> None:
        endpoint = emulator.workers()[0].environ()["AWS_ENDPOINT_URL"]
        self._client = boto3.client("sqs", endpoint_url=endpoint)
        self._url = self._client.create_queue(QueueName="gatepost-dev")["QueueUrl"]
        self.found: list[dict[str, Any]] = []

    def look(self) -> list[str]:
        """Give the kinds of everything that has arrived, as it happened."""
        answer = self._client.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        self.found += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
        self.found.sort(key=lambda each: each["at"])
        return [each["kind"] for each in self.found]

    def close(self) -> None:
        """Close the client."""
        self._client.close()


async def test_what_happens_in_a_channel_arrives_in_the_queue(
    gatepost_dev: "Callable[..., RunningEmulator]",
    tmp_path: "Path",
    eventually: "Eventually",
    fake_credentials: dict[str, str],
) -> None:
    """As docs/how-to/react-to-what-happens.md sets it up: each kind, once."""
    copy_project(tmp_path)
    emulator = gatepost_dev("--env-file", "local.env", cwd=tmp_path)
    queue = await asyncio.to_thread(Queue, emulator)
    async with connect(user_url(emulator, "ann")) as client:
        for _ in range(2):  # the second time nothing happens
            reply = await ask(client, action="subscribe", channel="orders:7")
            assert reply["ok"] is True
        await ask(client, action="publish", channel="orders:7", data={"n": 1})
        await call(emulator, "publish", {"channel": "orders:7", "data": {"n": 2}})
        await call(emulator, "publish", {"channel": "chat:7", "data": "untold"})

    async def all_arrived() -> bool:
        return "vacated" in await asyncio.to_thread(queue.look)

    await eventually(all_arrived, within_s=20)
    queue.close()
    kinds = [each["kind"] for each in queue.found]
    assert sorted(kinds) == sorted(
        ["occupied", "joined", "published", "published", "left", "vacated"]
    )
    assert {each["channel"] for each in queue.found} == {"orders:7"}
    told = [each for each in queue.found if each["kind"] == "published"]
    assert [(each.get("user"), each["data"]) for each in told] == [
        ("ann", {"n": 1}),
        (None, {"n": 2}),
    ]
    assert [each["position"]["offset"] for each in told] == [1, 2]
