"""Binding, accepting, and the first byte."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.server.listener import Listener, bind

if TYPE_CHECKING:
    from tests.conftest import Eventually


class Served:
    """What a listener has handed on."""

    def __init__(self) -> None:
        self.links: list[tuple[socket.socket, bool]] = []

    def take(self, link: socket.socket, secure: bool) -> None:  # noqa: FBT001 - the listener's port
        """Remember a link."""
        self.links.append((link, secure))


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """Remember links and close them."""
    served = Served()
    yield served
    for link, _ in served.links:
        link.close()


@pytest.mark.parametrize(("first", "secure"), [(b"\x16\x03", True), (b"GET /", False)])
async def test_the_first_byte_tells_tls_from_plain(
    served: Served, eventually: "Eventually", first: bytes, *, secure: bool
) -> None:
    """A TLS record of a handshake begins with 22 (RFC 8446 5.1); and nothing has been read."""
    sockets = await bind("127.0.0.1", 0)
    listener = Listener(sockets, served.take)
    with socket.create_connection(sockets[0].getsockname()) as client:
        await asyncio.sleep(0.02)
        assert served.links == []
        client.sendall(first)
        ((link, told),) = await eventually(lambda: served.links)
        assert told is secure
        assert link.recv(10) == first
        assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    listener.close()


async def test_a_client_that_leaves_without_a_word_is_forgotten(
    served: Served, eventually: "Eventually"
) -> None:
    """The next one is served."""
    sockets = await bind("127.0.0.1", 0)
    listener = Listener(sockets, served.take)
    socket.create_connection(sockets[0].getsockname()).close()
    with socket.create_connection(sockets[0].getsockname()) as client:
        client.sendall(b"G")
        await eventually(lambda: served.links)
    listener.close()


async def test_closing_ends_links_that_have_not_spoken(
    served: Served, eventually: "Eventually"
) -> None:
    """Nothing is left of them."""
    sockets = await bind("127.0.0.1", 0)
    address = sockets[0].getsockname()
    listener = Listener(sockets, served.take)
    reader, writer = await asyncio.open_connection(*address)
    await eventually(lambda: listener.silent_links == 1)
    listener.close()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def test_localhost_is_both_families_under_one_port() -> None:
    """Browsers try ::1 first, some SDKs know 127.0.0.1 alone."""
    sockets = await bind("localhost", 0)
    names = [sock.getsockname() for sock in sockets]
    assert {name[1] for name in names} == {names[0][1]}
    assert names[0][0] == "127.0.0.1"
    assert {name[0] for name in names} <= {"127.0.0.1", "::1"}
    for sock in sockets:
        sock.close()


async def test_a_taken_port_is_an_error_as_it_is() -> None:
    """The command line makes a sentence of it."""
    (taken,) = await bind("127.0.0.1", 0)
    with pytest.raises(OSError, match="in use"):
        await bind("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(OSError, match="in use"):
        await bind("localhost", taken.getsockname()[1])
    taken.close()


async def test_an_address_of_elsewhere_is_an_error() -> None:
    """192.0.2.0/24 is nobody's (RFC 5737)."""
    with pytest.raises(OSError, match="assign"):
        await bind("192.0.2.1", 0)
