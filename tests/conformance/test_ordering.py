"""Order and concurrency (section 11): nothing orders messages and posts; modes that show it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conformance.conftest import Function, RawClient, RunningGateway, StartGateway, TwoWay
    from tests.conftest import Eventually

Event = dict[str, Any]
Marking = Callable[["Function"], "TwoWay"]
Raw = Callable[["RunningGateway"], Awaitable["RawClient"]]

NAMES = [str(number) for number in range(12)]


async def accept(event: Event) -> object:
    """Do nothing, successfully."""
    return {"statusCode": 200}


def bodies(events: list[Event]) -> list[str]:
    """Return what the messages said, in the order in which the function saw them."""
    return [event["body"] for event in events]


async def test_shuffled_messages_are_worked_on_in_another_order(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-291, B-293: `ordering="shuffle"` shows what relies on an order, within `shuffle_s_max`."""
    gateway = await start({"$default": accept}, ordering="shuffle", shuffle_s_max=5.0)
    for _ in range(20):  # each shuffle leaves twelve as they were once in 479 001 600 times
        async with gateway.connect() as client:
            for name in NAMES:
                await client.send(name)
            await (await client.ping())
            del gateway.events[:]
            for _ in range(51):
                await gateway.advance(0.1)
            await eventually(lambda: len(gateway.events) == len(NAMES))
        assert sorted(bodies(gateway.events)) == sorted(NAMES)
        if bodies(gateway.events) != NAMES:
            return
    pytest.fail("never shuffled")


async def test_shuffled_posts_arrive_in_another_order(start: "StartGateway") -> None:
    """B-292, B-226: each is answered 200 before it arrives."""
    gateway = await start({}, ordering="shuffle", shuffle_s_max=5.0)
    async with gateway.connect() as client:
        path = f"/dev/@connections/{gateway.reports[0].connection_id}"
        for name in NAMES:
            assert (await gateway.request("POST", path, name.encode()))[0] == 200
        for _ in range(51):
            await gateway.advance(0.1)
        arrived = [str(await client.recv()) for _ in NAMES]
    assert sorted(arrived) == sorted(NAMES)
    assert arrived != NAMES


async def test_serial_runs_one_invocation_of_a_connection_at_a_time(
    start: "StartGateway", two_way: Marking
) -> None:
    """B-293: to debug, never by default; other connections do not wait."""
    running: set[str] = set()
    together: list[set[str]] = []

    async def work(event: Event) -> object:
        running.add(event["body"])
        together.append(set(running))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running.discard(event["body"])
        return {"statusCode": 200, "body": event["body"]}

    gateway = await start({"$default": two_way(work)}, ordering="serial")
    async with gateway.connect() as client:
        for name in NAMES:
            await client.send(name)
        assert [await client.recv() for _ in NAMES] == NAMES
    assert together == [{name} for name in NAMES]


async def test_connect_has_ended_before_the_first_message_is_worked_on(
    start: "StartGateway", two_way: Marking
) -> None:
    """B-294: in every mode."""
    for ordering in ("concurrent", "shuffle", "serial"):
        ended: list[str] = []

        async def connect(event: Event, ended: list[str] = ended) -> object:
            await asyncio.sleep(0)
            ended.append("$connect")
            return {"statusCode": 200}

        async def work(event: Event, ended: list[str] = ended) -> object:
            return {"statusCode": 200, "body": ",".join(ended)}

        gateway = await start(
            {"$connect": connect, "$default": two_way(work)}, ordering=ordering, shuffle_s_max=0.0
        )
        async with gateway.connect() as client:
            await client.send("x")
            assert await client.recv() == "$connect"


async def test_a_client_that_is_silent_counts_as_connected_until_the_idle_limit(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-301, B-302: who dropped off the network is not noticed; posts to it are answered 200."""
    gateway = await start({"$connect": accept, "$disconnect": accept})
    silent = await raw(gateway)
    connection_id = gateway.events[0]["requestContext"]["connectionId"]
    path = f"/dev/@connections/{connection_id}"
    for _ in range(5):
        await gateway.advance(119)
        assert gateway.events_of("DISCONNECT") == []
    assert (await gateway.request("POST", path, b"x"))[0] == 200
    await gateway.advance(599)
    assert gateway.events_of("DISCONNECT") == []
    await gateway.advance(1)
    (event,) = await eventually(lambda: gateway.events_of("DISCONNECT"))
    assert event["requestContext"]["disconnectStatusCode"] == 1001
    assert await silent.read_close_code() == 1001


async def test_a_new_connect_may_overtake_the_old_disconnect(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-296, B-300: `$disconnect` takes as long as it takes; nobody waits for it."""
    release = asyncio.Event()
    ended: list[str] = []

    async def connect(event: Event) -> object:
        ended.append("$connect")
        return {"statusCode": 200}

    async def disconnect(event: Event) -> object:
        await release.wait()
        ended.append("$disconnect")
        return None

    gateway = await start({"$connect": connect, "$disconnect": disconnect})
    async with gateway.connect():
        pass
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    async with gateway.connect():
        assert ended == ["$connect", "$connect"]
        release.set()
        await eventually(lambda: "$disconnect" in ended)
