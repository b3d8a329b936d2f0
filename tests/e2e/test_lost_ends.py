"""Ends that nobody tells: connections that vanish without `$disconnect`, functions that are killed.

Over an atomic table, by the emulator's faults.
"""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs
from websockets.asyncio.client import ClientConnection, connect

from functions.core import connections, limits, presence
from functions.core.namespaces import Namespace
from tests.e2e.conftest import services_of
from tests.e2e.peers import Peer, as_user, peer
from tests.e2e.streams import control, template_for_streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from functions.core.context import Services
    from tests.e2e.conftest import RunningEmulator

pytestmark = pytest.mark.dynoxide

DROPPED = 100
LANES = 4
PUBLICATIONS = 200
KILL_RATE = 0.08
STAGE = "ends"


@pytest.fixture
def emulator(
    tmp_path_factory: pytest.TempPathFactory, dynoxide_endpoint: str
) -> "Iterator[RunningEmulator]":
    """A template with the namespaces of these tests."""
    folder = tmp_path_factory.mktemp("ends")
    with template_for_streams(folder, dynoxide_endpoint, STAGE) as running:
        yield running


async def users_at(services: "Services", channel: str, now: float) -> dict[str, int]:
    """Give who is present at a moment, with how many connections."""
    then = structs.replace(services, clock=lambda: now)
    found: dict[str, int] = {}
    after: str | None = None
    while True:
        page = await presence.page(then, channel, limit=100, after=after)
        found |= {each.user: len(each.connections) for each in page.users}
        after = page.after
        if after is None:
            return found


async def test_presence_is_right_after_a_hundred_ends_that_nobody_told(
    emulator: "RunningEmulator",
    dynoxide_endpoint: str,
    fake_credentials: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once their leases have run out; who stays and pings is present. The clock is moved."""
    channel = "crowd:lost"
    async with AsyncExitStack() as stack:
        services = structs.replace(
            await stack.enter_async_context(
                services_of(emulator, dynoxide_endpoint, STAGE, monkeypatch)
            ),
            namespaces={"crowd": Namespace(presence=True)},
        )
        stayer = await stack.enter_async_context(peer(as_user(emulator, "user-0")))
        await stayer.subscribed(channel)
        (opened,) = await control(emulator, "GET", "connections")
        for number in range(DROPPED):  # two tabs each; user-0 has one more, which stays
            one = await stack.enter_async_context(peer(as_user(emulator, f"user-{number // 2}")))
            await one.subscribed(channel)
        others = {each["connectionId"] for each in await control(emulator, "GET", "connections")}
        others.remove(opened["connectionId"])
        await control(emulator, "PUT", "faults", {"disconnect": "lost"})
        dropped = await control(emulator, "POST", "drop", {"connection_ids": sorted(others)})
        assert dropped == {"dropped": DROPPED}

        now = time.time()
        before = await users_at(services, channel, now)
        assert before == {"user-0": 3, **{f"user-{n}": 2 for n in range(1, DROPPED // 2)}}
        await connections.renew_lease(
            services.store, opened["connectionId"], now=int(now) + limits.LEASE_S - 1
        )
        assert await users_at(services, channel, now + limits.LEASE_S + 1) == {"user-0": 1}
        assert await users_at(services, channel, now + 2 * limits.LEASE_S) == {}


async def test_killed_functions_lose_nothing_that_was_answered_and_store_nothing_twice(
    emulator: "RunningEmulator",
) -> None:
    """Clients repeat under the same key what was not answered: each is heard and kept once."""
    channel = "stream:killed"
    async with AsyncExitStack() as stack:
        listener = await stack.enter_async_context(peer(as_user(emulator, "listener")))
        begun = await listener.subscribed(channel)
        lanes = [
            await stack.enter_async_context(connect(as_user(emulator, f"user-{lane}")))
            for lane in range(LANES)
        ]
        await control(emulator, "PUT", "faults", {"kill_rate": KILL_RATE})
        left = iter(range(PUBLICATIONS))
        answered: dict[int, int] = {}
        repeats = sum(
            await asyncio.gather(*(publish_all(lane, channel, left, answered) for lane in lanes))
        )
        await control(emulator, "DELETE", "faults")
        assert repeats > 0
        assert sorted(answered) == list(range(PUBLICATIONS))
        kept = await whole_log(listener, channel, begun)
        assert sorted(kept.values()) == list(range(PUBLICATIONS))
        assert kept == {place: data for data, place in answered.items()}
        heard = [each for each in await listener.waiting() if each["type"] == "publication"]
        assert {each["offset"]: each["data"] for each in heard} == kept


async def publish_all(
    client: ClientConnection, channel: str, left: "Iterator[int]", answered: dict[int, int]
) -> int:
    """Publish one after the other until each is answered; give how often one was repeated."""
    repeats = 0
    for data in left:
        request = {"action": "publish", "channel": channel, "data": data, "key": f"key-{data}"}
        while True:
            await client.send(json.dumps(request))
            reply = json.loads(await asyncio.wait_for(client.recv(), 30))
            if reply.get("ok"):
                answered[data] = reply["result"]["offset"]
                break
            assert "type" not in reply or reply["error"]["temporary"], reply
            repeats += 1
            await asyncio.sleep(0.2)  # as a client that is told to try again
    return repeats


async def whole_log(asking: Peer, channel: str, begun: dict[str, Any]) -> dict[int, int]:
    """Read all that is kept, by its place."""
    found: dict[int, int] = {}
    since = {"epoch": begun["epoch"], "offset": 0}
    while True:
        page = await asking.result(action="history", channel=channel, since=since)
        found |= {each["offset"]: each["data"] for each in page["publications"]}
        since = {"epoch": page["epoch"], "offset": page["offset"]}
        if not page["more"]:
            return found
