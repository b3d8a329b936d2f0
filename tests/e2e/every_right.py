"""A conversation in which every function asks AWS for all that it ever asks for.

`Everything` is the template with both kinds of hooks (docs/how-to/react-to-what-happens.md) behind
a recording proxy. Broadcasts to grown channels are handed on after a moment, as often as can be.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import boto3
from boto3.dynamodb.types import TypeDeserializer

from functions.adapters import dynamodb_items as items
from functions.core import limits
from functions.core.errors import INVALID_TOKEN, RATE_LIMIT_IGNORED
from functions.core.ports import Subscription
from tests.e2e.conftest import ROOT, RunningEmulator
from tests.e2e.conversation import refusal
from tests.e2e.peers import Peer, as_user, peer, token
from tests.e2e.recording_proxy import Recording, interpreter
from tests.e2e.streams import control
from tests.e2e.test_http_api import call
from tests.project_with_outlets import copy_project
from tests.rights import Right, needed

STAGE: Final = "recorded"
STACK: Final = f"gatepost-{STAGE}"
SHARDS: Final = limits.DIRECT_SHARDS_MAX + 2
"""Too many for whoever publishes."""
SETTINGS: Final = {"FANOUT_WORKERS": 1, "FANOUT_BUDGET_S": 0.000001}
TOLD: Final = ("orders", "audited")
"""Namespaces with a hook: to the queue, and to the bus."""

_MORE_NAMESPACES: Final = """\
    "audited": Namespace(
        history_size=10, history_age_s=DAY_S, presence=True, announces=True, signals=True,
        hook=hooks.to_event_bus,
    ),
    "seldom": Namespace(publish_rate=Rate(burst=1, interval_s=3600)),
"""
_NAMESPACES: Final = "NAMESPACES: Final[Namespaces] = {\n"

REQUESTS: Final[tuple[dict[str, Any], ...]] = (
    {"action": "echo", "data": 1},
    {"action": "ping"},
    {"action": "subscribe", "channel": "{}:said"},
    {"action": "publish", "channel": "{}:said", "data": 1, "key": "k"},
    {"action": "publish", "channel": "{}:said", "data": 1, "key": "k"},
    {"action": "history", "channel": "{}:said"},
    {"action": "presence", "channel": "{}:said"},
    {"action": "presenceStats", "channel": "{}:said"},
    {"action": "signal", "channel": "{}:said", "data": 1},
    {"action": "unsubscribe", "channel": "{}:said"},
)
"""What a client says; for {} the namespace."""

ENDPOINTS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("publish", {"channel": "{}:a", "data": 1, "key": "once"}),
    ("batch", {"publications": [{"channel": "{}:a", "data": 2}, {"channel": "{}:a", "data": 3}]}),
    ("history", {"channel": "{}:a"}),
    ("presence", {"channel": "{}:a"}),
    ("stats", {"channel": "{}:a"}),
    ("send", {"user": "kicked", "data": 1}),
    ("kick", {"user": "kicked", "block_s": 60}),
    ("health", {}),
    ("health/parts", {}),
)
"""What a server asks for: path and fields."""

_UNANSWERED: Final = {"signal"}
_READING: Final = {"history", "presence", "stats", "health", "health/parts"}


def prepare(folder: Path) -> None:
    """Copy the template into a folder, with both kinds of hooks and a low rate."""
    copy_project(folder)
    namespaces = folder / "functions/actions/namespaces.py"
    text = namespaces.read_text(encoding="utf-8")
    assert _NAMESPACES in text
    namespaces.write_text(
        text.replace(_NAMESPACES, _NAMESPACES + _MORE_NAMESPACES), encoding="utf-8"
    )


class Everything:
    """The running system, and what its functions have asked for."""

    def __init__(self, folder: Path, recording: Recording, moto_url: str) -> None:
        env_file = folder / "recorded.env"
        local = (ROOT / "local.env").read_text(encoding="utf-8")
        env_file.write_text(local + "".join(f"{key}={each}\n" for key, each in SETTINGS.items()))
        self._recording = recording
        self._moto_url = moto_url
        self._make_outlets()
        python = interpreter(folder / "recorded-python", recording.url)
        self.emulator = RunningEmulator(
            *("--env-file", str(env_file), "--dynamodb", moto_url, "--stage", STAGE),
            *("--python", str(python)),
            cwd=folder,
        )
        recording.upstreams |= dict.fromkeys(("dynamodb", "sqs", "events"), moto_url)
        recording.upstreams["execute-api"] = self.emulator.management_url
        recording.upstreams["lambda"] = self.emulator.page_url

    def asked(self) -> dict[str, set[Right]]:
        """Give the rights that each function has needed so far, by its name in the source."""
        return {
            name.removeprefix(f"{STACK}-"): {
                right for each in [*requests] for right in needed(each)
            }
            for name, requests in [*self._recording.asked.items()]
        }

    def split(self, channel: str) -> None:
        """Give a channel shards as if thousands were subscribed."""
        self._table().put_item(Item={**_shards_key(channel), "shards": SHARDS})

    def fill(self, channel: str) -> None:
        """Give a channel as many subscribers as its only shard should have."""
        until = 4_000_000_000
        with self._table().batch_writer() as batch:
            for number in range(limits.SHARD_SUBSCRIBERS_MAX + 1):
                one = Subscription(f"filling-{number}=", channel, "many", 0, None, until)
                batch.put_item(Item=_plain(items.by_channel_item(one)))

    def has_grown(self, channel: str) -> bool:
        """Whether a channel has been given more shards."""
        return "Item" in self._table().get_item(Key=_shards_key(channel))

    def _table(self) -> Any:  # noqa: ANN401 - boto3 makes its classes as it runs
        resource = boto3.resource("dynamodb", endpoint_url=self._moto_url)
        return resource.Table(f"{STACK}-Table")

    def _make_outlets(self) -> None:
        queues = boto3.client("sqs", endpoint_url=self._moto_url)
        queues.create_queue(QueueName=STACK)
        queues.close()
        buses = boto3.client("events", endpoint_url=self._moto_url)
        buses.create_event_bus(Name=STACK)
        buses.close()


async def say_everything(system: Everything) -> None:
    """Drive every path that needs a right; what is handed on may go on for a while."""
    await _clients_say_everything(system)
    await _one_breaks_the_rules(system)
    await _servers_ask_everything(system)
    await _permissions_shrink(system)
    await _broadcasts_are_handed_over(system)
    await _a_channel_grows(system)


async def _clients_say_everything(system: Everything) -> None:
    for namespace in TOLD:
        async with _user(system, "ann") as ann, _user(system, "ben") as ben:
            await ben.subscribed(f"{namespace}:said")
            for request in REQUESTS:
                if request["action"] in _UNANSWERED:
                    await ann.send(**_filled(request, namespace))
                else:
                    await ann.result(**_filled(request, namespace))
            position = {"epoch": "another", "offset": 0}
            await ann.subscribed(f"{namespace}:said", recover=position)
            await _publish_with_one_gone(system, ann, f"{namespace}:said")


async def _a_channel_grows(system: Everything) -> None:
    """One subscription in 32 counts: that none of so many does, happens to nobody."""
    channel = "ticker:growing"
    await asyncio.to_thread(system.fill, channel)
    async with _user(system, "last") as last:
        for number in range(600):
            await last.subscribed(channel)
            await last.result(action="unsubscribe", channel=channel)
            if number % 16 == 15 and await asyncio.to_thread(system.has_grown, channel):
                return
    raise AssertionError(f"{channel} has not grown")


async def _one_breaks_the_rules(system: Everything) -> None:
    async with _user(system, "rude") as rude:
        for _ in range(limits.REFUSALS.burst + 5):
            await rude.send(action="publish", channel="seldom:asked", data=1)
        assert (await rude.told("closing"))["code"] == RATE_LIMIT_IGNORED.code


async def _servers_ask_everything(system: Everything) -> None:
    for namespace in TOLD:
        user = f"kicked-{namespace}"
        async with _user(system, user) as kicked:
            await kicked.subscribed(f"{namespace}:a")
            for path, fields in ENDPOINTS:
                asked = _filled(fields, namespace)
                if path in _READING:
                    status, _ = await call(system.emulator, path, **asked)
                else:
                    status, _ = await call(system.emulator, path, asked)
                assert status == HTTPStatus.OK, path
        assert await refusal(as_user(system.emulator, user)) == HTTPStatus.FORBIDDEN


async def _permissions_shrink(system: Everything) -> None:
    async with _user(system, "less") as less:
        for namespace in TOLD:
            await less.subscribed(f"{namespace}:kept")
            await less.subscribed(f"{namespace}:lost")
        fewer = token("less", *(f"{namespace}:kept=subscribe" for namespace in TOLD))
        await less.result(action="refresh", token=fewer)
        assert (await less.told("unsubscribed"))["channel"].endswith(":lost")
        await less.send(action="refresh", token=f"{fewer[:-8]}forged00")
        assert (await less.told("closing"))["code"] == INVALID_TOKEN.code


async def _broadcasts_are_handed_over(system: Everything) -> None:
    for namespace in TOLD:
        channel = f"{namespace}:grown"
        system.split(channel)
        async with AsyncExitStack() as stack:
            users = [await stack.enter_async_context(_user(system, f"u{n}")) for n in range(6)]
            for each in users:
                await each.subscribed(channel)
            status, _ = await call(system.emulator, "publish", {"channel": channel, "data": 1})
            assert status == HTTPStatus.OK
            await _publish_with_one_gone(system, users[0], channel)


async def _publish_with_one_gone(system: Everything, asking: Peer, channel: str) -> None:
    """Have one subscriber found gone, and forgotten."""
    async with _user(system, "gone") as gone:
        await gone.subscribed(channel)
        users = (await asking.result(action="presence", channel=channel))["users"]
        [connection_id] = users["gone"]["connections"]
        await control(system.emulator, "PUT", "faults", {"gone": [connection_id]})
        await asking.result(action="publish", channel=channel, data="to all")
        await system.emulator.said(f"connection closed connection={connection_id}", within_s=20)
        await control(system.emulator, "DELETE", "faults")


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in row.items()}


def _shards_key(channel: str) -> dict[str, Any]:
    return _plain(items.shards_key(channel))


def _filled(fields: dict[str, Any], namespace: str) -> dict[str, Any]:
    filled: dict[str, Any] = json.loads(json.dumps(fields).replace("{}:", f"{namespace}:"))
    if "user" in filled:
        filled["user"] += f"-{namespace}"
    return filled


@asynccontextmanager
async def _user(system: Everything, name: str) -> AsyncIterator[Peer]:
    async with peer(as_user(system.emulator, name)) as connected:
        yield connected
