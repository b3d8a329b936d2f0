"""Links that carry frames, over real sockets, with a core that does as told."""

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.commands import Accept, Close, Send
from gatepost.gateway.core.inputs import Input, Lost, Message, PeerClosed, Upgrade
from gatepost.gateway.server.frame_link import UNREAD_BYTES_MAX

if TYPE_CHECKING:
    from gatepost.gateway.core.commands import Command
    from gatepost.gateway.server.shell import Shell
    from tests.conftest import Eventually
    from tests.gatepost.gateway.server.conftest import Port, ScriptedCore

ID = "Q0ZkUfPSIAMCJzA="


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
    """What waits for it is bounded; it is lost, with a warning."""
    await open_link(core, port, handshake)
    core.react = lambda given: [Send(ID, (b"x" * 2**20,))] if given == Message("", "") else []
    with caplog.at_level(logging.WARNING):
        for _ in range(2 * UNREAD_BYTES_MAX // 2**20):
            shell.receive(Message("", ""))
        await eventually(lambda: port.links == [])
    assert core.given[-1] == Lost(ID)
    assert "does not read" in caplog.text
