"""A slow reader (B-203), and faults on demand, through the real server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

import pytest
from websockets.exceptions import ConnectionClosedError

from gatepost.gateway.core.faults import NO_FAULTS, Faults

if TYPE_CHECKING:
    from tests.conformance.conftest import Management, RawClient, RunningGateway, StartGateway
    from tests.conftest import Eventually

Raw = Callable[["RunningGateway"], Awaitable["RawClient"]]
Manage = Callable[[str], "Management"]

Disconnect = Literal["once", "lost", "twice"]

WAITING = 131_072
POSTS_MAX = 400  # some MiB lie in the buffers of the system


async def post(gateway: "RunningGateway", connection_id: str, body: bytes = b"x") -> int:
    """Post; return the status."""
    return (await gateway.request("POST", f"/dev/@connections/{connection_id}", body))[0]


async def own_id(client: Any) -> str:  # noqa: ANN401 - of the client library
    """Ask for the connection's id."""
    await client.send('{"action":"id"}')
    return str(await client.recv())


async def test_posts_to_a_slow_reader_get_429_until_it_reads_again(
    start: "StartGateway", raw: Raw, eventually: "Eventually"
) -> None:
    """B-203, B-202: nothing that was answered 200 is lost, nothing else is delivered."""
    gateway = await start()
    client = await raw(gateway)
    connection_id = (await client.message(b'{"action":"id"}')).decode()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined] # of a read transport
    taken = 0
    while (status := await post(gateway, connection_id, b"x" * WAITING)) == 200:
        taken += 1
        assert taken < POSTS_MAX
    assert status == 429
    client.writer.transport.resume_reading()  # type: ignore[attr-defined] # the same
    frames = [await client.read_frame() for _ in range(4 * taken)]
    assert sum(len(data) for _, _, data in frames) == taken * WAITING

    async def is_taken() -> bool:
        return await post(gateway, connection_id, b"again") == 200

    await eventually(is_taken)
    assert (await client.read_frame())[2] == b"again"


async def test_the_fault_of_a_slow_reader_looks_the_same(
    start: "StartGateway", manage: Manage
) -> None:
    """B-203: boto3 raises LimitExceededException; the client gets all of it in the end."""
    gateway = await start(unread_bytes_max=10_000)
    async with gateway.connect() as client:
        connection_id = await own_id(client)
        gateway.server.inject(Faults(slow_reader=(connection_id,)))
        assert await post(gateway, connection_id, b"x" * 10_001) == 200
        management = manage(gateway.endpoint)
        with pytest.raises(management.client.exceptions.LimitExceededException):
            await management.post(connection_id, b"more")
        gateway.server.inject(NO_FAULTS)
        assert await client.recv() == "x" * 10_001


async def test_gone_is_raised_for_a_client_that_is_there(
    start: "StartGateway", manage: Manage
) -> None:
    """B-214, B-333: as boto3 sees it; the client hears nothing."""
    gateway = await start()
    async with gateway.connect() as client:
        connection_id = await own_id(client)
        gateway.server.inject(Faults(gone=("*",)))
        management = manage(gateway.endpoint)
        with pytest.raises(management.client.exceptions.GoneException):
            await management.post(connection_id, b"x")
        gateway.server.inject(NO_FAULTS)
        await management.post(connection_id, b"y")
        assert await client.recv() == "y"


async def test_a_post_hangs(start: "StartGateway", eventually: "Eventually") -> None:
    """B-222: by the gateway's clock; then it fails."""
    gateway = await start()
    async with gateway.connect() as client:
        connection_id = await own_id(client)
        gateway.server.inject(Faults(hang=("*",), hang_s=30.0))
        posting = asyncio.ensure_future(post(gateway, connection_id))

        async def is_answered_meanwhile() -> bool:
            await gateway.advance(1)
            return posting.done()

        await eventually(is_answered_meanwhile)
        assert posting.result() == 410
    (report,) = [one for one in gateway.reports if one.kind == "send"]
    assert report.duration_ms is not None
    assert 30_000 <= report.duration_ms < 31_001


async def test_a_dropped_link_ends_without_a_close_frame(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """The client sees 1006, as when its network is lost; $disconnect comes."""
    gateway = await start()
    async with gateway.connect() as client:
        gateway.server.drop(await own_id(client))
        with pytest.raises(ConnectionClosedError):
            await client.recv()
        assert client.close_code == 1006
    (event,) = await eventually(lambda: gateway.events_of("DISCONNECT"))
    assert event["requestContext"]["disconnectStatusCode"] == 1006


@pytest.mark.parametrize(("fault", "times"), [("once", 1), ("lost", 0), ("twice", 2)])
async def test_disconnect_comes_as_often_as_the_fault_says(
    start: "StartGateway", eventually: "Eventually", *, fault: Disconnect, times: int
) -> None:
    """B-300: handlers must live without it; and be idempotent, to be safe."""
    gateway = await start()
    gateway.server.inject(Faults(disconnect=fault))
    async with gateway.connect():
        pass
    await eventually(lambda: [one for one in gateway.reports if one.kind == "disconnect"])
    assert len(gateway.events_of("DISCONNECT")) == times


async def test_disconnect_comes_late(start: "StartGateway", eventually: "Eventually") -> None:
    """B-301: the row of a connection that is gone stays until then."""
    gateway = await start()
    gateway.server.inject(Faults(disconnect="late", late_s=60.0))
    async with gateway.connect() as client:
        connection_id = await own_id(client)

    async def is_gone() -> bool:
        return await post(gateway, connection_id) == 410

    await eventually(is_gone)
    assert gateway.events_of("DISCONNECT") == []
    await gateway.advance(60.1)
    assert len(gateway.events_of("DISCONNECT")) == 1


async def test_connect_is_slow(start: "StartGateway", eventually: "Eventually") -> None:
    """B-046: the client waits; beyond the integration timeout it gets 504."""
    gateway = await start()
    gateway.server.inject(Faults(connect_delay_s=10.0))
    connecting = asyncio.ensure_future(gateway.connect())
    await eventually(lambda: gateway.events_of("CONNECT"))
    assert not connecting.done()
    await gateway.advance(10.1)
    client = await connecting
    await client.close()


async def test_faults_of_workers_need_workers(start: "StartGateway") -> None:
    """Rather than ignoring them."""
    gateway = await start()
    with pytest.raises(ValueError, match="workers"):
        gateway.server.inject(Faults(kill_rate=0.5))
