"""How connections end: the table of close codes, timers, shutdown (sections 9, 10 and 5.3)."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from tests.conformance.conftest import RawClient, RunningGateway, StartGateway
    from tests.conftest import Eventually

Event = dict[str, Any]
Raw = Callable[["RunningGateway"], Awaitable["RawClient"]]
IDLE_S = 600.0
LIFETIME_S = 7200.0


async def ended_with(gateway: "RunningGateway", eventually: "Eventually") -> tuple[int, str]:
    """Return code and reason of the one $disconnect."""
    (event,) = await eventually(lambda: gateway.events_of("DISCONNECT"))
    context = event["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", (1005, "Client-side close frame status not set")),
        ((1000).to_bytes(2), (1000, "")),
        ((1000).to_bytes(2) + b"done", (1000, "done")),
        ((1001).to_bytes(2), (1001, "")),
        ((4321).to_bytes(2) + b"my own", (4321, "my own")),
    ],
)
async def test_a_client_closes(
    start: "StartGateway",
    raw: Raw,
    eventually: "Eventually",
    *,
    payload: bytes,
    expected: tuple[int, str],
) -> None:
    """B-132, B-133, B-260: the frame is echoed, its code and reason reach $disconnect."""
    gateway = await start()
    client = await raw(gateway)
    client.write_frame(8, payload)
    assert await client.read_frame() == (True, 8, payload)
    assert await ended_with(gateway, eventually) == expected


async def test_guess_a_client_that_vanishes_ends_with_1006(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-134: a guess: at once, where AWS may be late."""
    gateway = await start()
    (await raw(gateway)).vanish()
    assert (await ended_with(gateway, eventually))[0] == 1006


async def test_a_silent_connection_ends_after_ten_minutes(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-270, B-271, B-132: 1001 `Going away`, on the wire and in the event."""
    gateway = await start()
    async with gateway.connect() as client:
        await gateway.advance(IDLE_S - 0.1)
        assert gateway.events_of("DISCONNECT") == []
        await gateway.advance(0.2)  # B-271: on AWS up to some 5 s later
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (1001, "Going away")
    assert await ended_with(gateway, eventually) == (1001, "Going away")


async def test_the_gateway_sends_no_pings(start: "StartGateway", raw: Raw) -> None:
    """B-302, B-258: the first that a silent client hears is the close of the idle limit."""
    gateway = await start()
    client = await raw(gateway)
    for _ in range(10):
        await gateway.advance(IDLE_S / 10)
    assert await client.read_frame() == (True, 8, (1001).to_bytes(2) + b"Going away")


async def test_a_message_in_either_direction_keeps_a_connection(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-272: the client's messages and posts to it both count."""
    gateway = await start()
    async with gateway.connect() as client:
        await client.send('{"action":"id"}')
        path = f"/dev/@connections/{await client.recv()!s}"
        await gateway.advance(IDLE_S - 1)
        assert (await gateway.request("POST", path, b"x"))[0] == 200
        await gateway.advance(IDLE_S - 1)
        await client.send("x")
        await eventually(lambda: len(gateway.events_of("MESSAGE")) == 2)
        await gateway.advance(IDLE_S - 1)
        assert (await gateway.request("GET", path))[0] == 200


async def test_guess_a_ping_does_not_keep_a_connection(start: "StartGateway") -> None:
    """B-273: a guess, the safe one: applications need a heartbeat of their own."""
    gateway = await start()
    async with gateway.connect() as client:
        await gateway.advance(IDLE_S - 1)
        await (await client.ping())
        await gateway.advance(1.1)
        with pytest.raises(ConnectionClosed):
            await client.recv()


def has_more_events(gateway: "RunningGateway", seen: int) -> bool:
    """Tell whether another event came."""
    return len(gateway.events) > seen


async def test_a_connection_ends_after_two_hours_whatever_passes(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-274: 1001 `Going away`."""
    gateway = await start()
    async with gateway.connect() as client:
        for _ in range(15):
            seen = len(gateway.events)
            await client.send("x")
            await eventually(functools.partial(has_more_events, gateway, seen))
            await gateway.advance(LIFETIME_S / 15)
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1001
    assert await ended_with(gateway, eventually) == (1001, "Going away")


async def test_closing_the_gateway_says_1001_and_waits_for_disconnect(
    start: "StartGateway",
) -> None:
    """B-303: every client gets a close frame, and each $disconnect has run when close returns."""
    ended: list[str] = []

    async def disconnect(event: Event) -> object:
        await asyncio.sleep(0.05)
        ended.append(event["requestContext"]["connectionId"])
        return None

    gateway = await start({"$disconnect": disconnect})
    clients = [await gateway.connect() for _ in range(20)]
    await gateway.server.close()
    assert len(set(ended)) == 20
    for client in clients:
        await client.wait_closed()
        assert client.close_code == 1001


async def test_a_client_that_never_answers_a_close_is_cut_off(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-212: a close takes a bounded time whatever the client does."""
    gateway = await start()
    client = await raw(gateway)
    connection_id = (await client.message(b'{"action":"id"}')).decode()
    assert (await gateway.request("DELETE", f"/dev/@connections/{connection_id}"))[0] == 204
    assert await client.read_close_code() == 1000
    assert await ended_with(gateway, eventually) == (1000, "Connection Closed Normally")


async def test_every_kind_of_end_tells_disconnect_once(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-303: a close that is followed by a reset, a DELETE or a time limit is one end."""
    gateway = await start()
    client = await raw(gateway)
    connection_id = (await client.message(b'{"action":"id"}')).decode()
    path = f"/dev/@connections/{connection_id}"
    client.write_frame(8, (1000).to_bytes(2))
    await client.read_frame()
    client.vanish()
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    assert (await gateway.request("DELETE", path))[0] == 410
    await gateway.advance(LIFETIME_S)
    assert len(gateway.events_of("DISCONNECT")) == 1


async def test_a_failing_disconnect_reaches_no_one(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-136, B-300: the next client is served."""

    async def disconnect(event: Event) -> object:
        raise RuntimeError("broken")

    gateway = await start({"$disconnect": disconnect})
    async with gateway.connect():
        pass
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    async with gateway.connect():
        pass
