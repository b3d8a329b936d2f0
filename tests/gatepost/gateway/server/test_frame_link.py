"""Links that carry frames, over real sockets, with a core that does as told."""

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.commands import Accept, Close, Drop, Send, Stall
from gatepost.gateway.core.inputs import Backlog, Input, Lost, Message, PeerClosed, Upgrade
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.frame_link import UNREAD_TIMES_MAX

if TYPE_CHECKING:
    from gatepost.gateway.core.commands import Command
    from gatepost.gateway.server.shell import Shell
    from tests.conftest import Eventually
    from tests.gatepost.gateway.server.conftest import Port, ScriptedCore

ID = "Q0ZkUfPSIAMCJzA="
UNREAD_BYTES_MAX = GatewaySettings().unread_bytes_max
MIB = 2**20


def accept(given: Input) -> "list[Command]":
    """Accept each handshake."""
    return [Accept(given.handshake_id, ID)] if isinstance(given, Upgrade) else []


async def open_link(
    core: "ScriptedCore", port: "Port", handshake: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a client whose handshake is done."""
    core.react = accept
    reader, writer = await port.connect()
    writer.write(handshake)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return reader, writer


async def test_a_link_that_ends_without_a_close_frame_is_lost(
    core: "ScriptedCore", port: "Port", handshake: bytes, eventually: "Eventually"
) -> None:
    """The core is told once."""
    _, writer = await open_link(core, port, handshake)
    writer.close()
    await eventually(lambda: port.links == [])
    assert core.given[1:] == [Lost(ID)]


async def test_a_closing_client_is_answered_and_the_link_ends(
    core: "ScriptedCore", port: "Port", handshake: bytes, eventually: "Eventually"
) -> None:
    """The echo first; the end of the link is no loss any more."""
    reader, writer = await open_link(core, port, handshake)
    writer.write(b"\x88\x82\x00\x00\x00\x00\x03\xe8")
    assert await asyncio.wait_for(reader.read(), 5) == b"\x88\x02\x03\xe8"
    writer.close()
    await eventually(lambda: port.links == [])
    assert core.given[1:] == [PeerClosed(ID, 1000)]


async def test_messages_after_the_cores_close_are_not_heard(
    core: "ScriptedCore", port: "Port", handshake: bytes, eventually: "Eventually"
) -> None:
    """The core has forgotten the connection; the client may not know it yet."""
    reader, writer = await open_link(core, port, handshake)
    core.react = lambda given: [Close(ID, 1000)]
    frame = b"\x81\x82\x00\x00\x00\x00hi"
    writer.write(frame + frame)
    assert await reader.readexactly(4) == b"\x88\x02\x03\xe8"
    writer.write(frame + b"\x88\x80\x00\x00\x00\x00")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await eventually(lambda: port.links == [])
    assert core.given[1:] == [Message(ID, "hi")]


async def test_a_client_that_reads_too_slowly_is_cut_off(  # noqa: PLR0917 - fixtures
    core: "ScriptedCore",
    port: "Port",
    shell: "Shell",
    handshake: bytes,
    eventually: "Eventually",
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As a last resort: what the core sends all the same is bounded too."""
    await open_link(core, port, handshake)
    core.react = lambda given: [Send(ID, (b"x" * MIB,))] if given == Message("", "") else []
    with caplog.at_level(logging.WARNING):
        for _ in range(2 * UNREAD_TIMES_MAX * UNREAD_BYTES_MAX // MIB):
            shell.receive(Message("", ""))
        await eventually(lambda: port.links == [])
    assert core.given[-1] == Lost(ID)
    assert "does not read" in caplog.text


def backlogs(core: "ScriptedCore") -> list[bool]:
    """What the core was told of the backlog."""
    return [given.full for given in core.given if isinstance(given, Backlog)]


async def test_the_core_is_told_when_a_client_stops_reading_and_goes_on(  # noqa: PLR0917 - fixtures
    core: "ScriptedCore", port: "Port", shell: "Shell", handshake: bytes, eventually: "Eventually"
) -> None:
    """B-203: once each, and nothing is lost."""
    reader, writer = await open_link(core, port, handshake)
    writer.transport.pause_reading()  # type: ignore[attr-defined] # of a read transport
    core.react = lambda given: [Send(ID, (b"x" * MIB,))] if given == Message("", "") else []
    sent = 0
    while not backlogs(core):
        shell.receive(Message("", ""))
        sent += 1
        await asyncio.sleep(0)
    writer.transport.resume_reading()  # type: ignore[attr-defined] # the same
    await asyncio.wait_for(reader.readexactly(sent * (MIB + 10)), 10)
    await eventually(lambda: backlogs(core) == [True, False])


async def test_a_link_that_stalls_writes_nothing_until_it_goes_on(  # noqa: PLR0917 - fixtures
    core: "ScriptedCore", port: "Port", shell: "Shell", handshake: bytes, eventually: "Eventually"
) -> None:
    """The fault "slow reader": reading goes on; what waits counts as unread."""
    reader, writer = await open_link(core, port, handshake)
    core.react = lambda given: [Stall(ID, stalled=True), Send(ID, (b"x" * MIB,))]
    shell.receive(Message("", ""))
    await eventually(lambda: backlogs(core) == [True])
    core.react = lambda given: []
    writer.write(b"\x81\x82\x00\x00\x00\x00hi")
    await eventually(lambda: Message(ID, "hi") in core.given)
    core.react = lambda given: [Stall(ID, stalled=False)] if given == Message("", "") else []
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.05)
    shell.receive(Message("", ""))
    assert len(await asyncio.wait_for(reader.readexactly(MIB + 10), 10)) == MIB + 10
    await eventually(lambda: backlogs(core) == [True, False])


async def test_a_stalled_link_ends_all_the_same(  # noqa: PLR0917 - fixtures
    core: "ScriptedCore", port: "Port", shell: "Shell", handshake: bytes, eventually: "Eventually"
) -> None:
    """Its client never sees the close frame."""
    reader, _ = await open_link(core, port, handshake)
    core.react = lambda given: (
        [Stall(ID, stalled=True), Close(ID, 1000)] if given == Message("", "") else []
    )
    shell.receive(Message("", ""))
    await eventually(lambda: port.links == [])
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)


async def test_a_dropped_link_is_lost_without_a_close_frame(  # noqa: PLR0917 - fixtures
    core: "ScriptedCore", port: "Port", shell: "Shell", handshake: bytes, eventually: "Eventually"
) -> None:
    """As when a client loses its network."""
    reader, _ = await open_link(core, port, handshake)
    core.react = lambda given: [Drop(ID)] if given == Message("", "") else []
    shell.receive(Message("", ""))
    await eventually(lambda: port.links == [])
    assert core.given[-1] == Lost(ID)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
