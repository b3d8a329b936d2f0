"""Links that speak HTTP, over real sockets, with a core that does as told."""

import asyncio
import gc
from typing import TYPE_CHECKING

from gatepost.gateway.core.commands import Accept, Answer, Refuse, Send
from gatepost.gateway.core.inputs import Input, ManagementCall, Message, Upgrade, UpgradeAbandoned
from gatepost.gateway.server.http_link import IDLE_S_MAX, REQUEST_S_MAX, HttpLink

if TYPE_CHECKING:
    from gatepost.gateway.core.commands import Command
    from gatepost.gateway.server.shell import Shell
    from tests.conftest import Eventually
    from tests.gatepost.gateway.server.conftest import Port, ScriptedCore

POST = b"POST /dev/@connections/a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"
ID = "Q0ZkUfPSIAMCJzA="


def answer_path(given: Input) -> "list[Command]":
    """Answer each call with its own path."""
    return (
        [Answer(given.call_id, 200, (), given.path.encode())]
        if isinstance(given, ManagementCall)
        else []
    )


def accept(given: Input) -> "list[Command]":
    """Accept each handshake."""
    return [Accept(given.handshake_id, ID)] if isinstance(given, Upgrade) else []


async def test_requests_of_a_link_are_answered_in_order(core: "ScriptedCore", port: "Port") -> None:
    """Pipelined, and many more than are read ahead."""
    core.react = answer_path
    reader, writer = await port.connect()
    writer.write(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(500)))
    for number in range(500):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(len(f"/{number}")) == f"/{number}".encode()


async def test_a_client_that_does_not_read_is_not_worked_for(
    core: "ScriptedCore", port: "Port", eventually: "Eventually"
) -> None:
    """Answers wait in bounded number; once they are read, the rest follows."""
    body = b"x" * 2**17
    core.react = lambda given: (
        [Answer(given.call_id, 200, (), body)] if isinstance(given, ManagementCall) else []
    )
    reader, writer = await port.connect()
    writer.write(b"GET / HTTP/1.1\r\n\r\n" * 500)
    await eventually(lambda: core.given)
    assert len(core.given) < 500
    for _ in range(500):
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(len(body)) == body


async def test_the_next_request_waits_for_the_answer(
    core: "ScriptedCore", port: "Port", shell: "Shell", eventually: "Eventually"
) -> None:
    """The core may take its time; order is kept."""
    _, writer = await port.connect()
    writer.write(POST + POST)
    await eventually(lambda: core.given)
    core.react = lambda given: [Answer(1, 200)] if not isinstance(given, ManagementCall) else []
    assert len(core.given) == 1
    shell.tick()
    await eventually(lambda: len(core.given) == 3)
    assert core.given[2] == ManagementCall(
        2, "POST", "/dev/@connections/a", b"hi", headers=((b"Content-Length", b"2"),)
    )


async def test_a_link_ends_when_its_client_wants_it_to(core: "ScriptedCore", port: "Port") -> None:
    """After the answer."""
    core.react = answer_path
    reader, writer = await port.connect()
    writer.write(b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\n/x")


async def test_a_malformed_request_is_400_after_the_answers_before_it(
    core: "ScriptedCore", port: "Port"
) -> None:
    """And then the link ends."""
    core.react = answer_path
    reader, writer = await port.connect()
    writer.write(POST + b"\x00\x01")
    answers = await asyncio.wait_for(reader.read(), 5)
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " in answers
    assert answers.endswith(b'{"message": "Bad request"}')


async def test_an_expecting_client_is_told_to_continue(core: "ScriptedCore", port: "Port") -> None:
    """RFC 9110 10.1.1: curl waits a second for it."""
    core.react = answer_path
    reader, writer = await port.connect()
    writer.write(b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"hi")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_handshake_is_told_as_it_came(
    core: "ScriptedCore", port: "Port", handshake: bytes, eventually: "Eventually"
) -> None:
    """Path, query, repeated headers, host and address of the client."""
    _, writer = await port.connect()
    writer.write(handshake)
    (given,) = await eventually(lambda: core.given)
    assert isinstance(given, Upgrade)
    assert (given.path, given.query, given.host) == ("/dev", "room=blue", "localhost:3001")
    assert (given.source_ip, given.secure) == ("127.0.0.1", False)
    assert given.headers[:3] == (("Host", "localhost:3001"), ("X-Tag", "a"), ("X-Tag", "b"))


async def test_a_handshake_without_a_host_names_the_address(
    core: "ScriptedCore", port: "Port", handshake: bytes, eventually: "Eventually"
) -> None:
    """An event needs a domain name."""
    _, writer = await port.connect()
    writer.write(handshake.replace(b"Host: localhost:3001\r\n", b""))
    (given,) = await eventually(lambda: core.given)
    assert isinstance(given, Upgrade)
    assert given.host == f"127.0.0.1:{port.number}"


async def test_frames_sent_ahead_of_the_101_are_not_lost(
    core: "ScriptedCore", port: "Port", handshake: bytes, eventually: "Eventually"
) -> None:
    """An impatient client."""
    core.react = accept
    _, writer = await port.connect()
    writer.write(handshake + b"\x81\x82\x00\x00\x00\x00hi")
    await eventually(lambda: len(core.given) == 2)
    assert core.given[1] == Message(ID, "hi")


async def test_what_the_core_sends_with_the_acceptance_follows_the_101(
    core: "ScriptedCore", port: "Port", handshake: bytes
) -> None:
    """In order on the wire."""
    core.react = lambda given: [*accept(given), Send(ID, (b"hi",))]
    reader, writer = await port.connect()
    writer.write(handshake)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    assert await reader.readexactly(4) == b"\x81\x02hi"


async def test_a_refused_handshake_ends_its_link(
    core: "ScriptedCore", port: "Port", handshake: bytes
) -> None:
    """With the core's status and body (B-042)."""
    core.react = lambda given: (
        [Refuse(given.handshake_id, 403, (("X-A", "1"),), b"no")]
        if isinstance(given, Upgrade)
        else []
    )
    reader, writer = await port.connect()
    writer.write(handshake)
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert answer.endswith(b"\r\nX-A: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")


async def test_a_client_that_leaves_abandons_its_handshake(
    core: "ScriptedCore", port: "Port", handshake: bytes, eventually: "Eventually"
) -> None:
    """The core is told, and nothing is left of the link."""
    _, writer = await port.connect()
    writer.write(handshake)
    await eventually(lambda: core.given)
    writer.close()
    await eventually(lambda: len(core.given) == 2)
    assert core.given[1] == UpgradeAbandoned(1)
    assert port.links == []


async def test_a_link_whose_client_left_is_not_kept_by_its_call(
    core: "ScriptedCore", port: "Port", eventually: "Eventually"
) -> None:
    """A POST may hang for a minute by a fault (B-222)."""
    before = {id(link) for link in _links()}
    _, writer = await port.connect()
    writer.write(POST)
    await eventually(lambda: core.given)
    writer.close()
    await eventually(lambda: {id(link) for link in _links()} <= before)


def _links() -> list[HttpLink]:
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, HttpLink)]


async def test_a_silent_link_is_cut_when_its_time_is_over(
    core: "ScriptedCore", port: "Port", eventually: "Eventually"
) -> None:
    """30 s for a request however it drips, 10 min between two."""
    core.react = answer_path
    reader, writer = await port.connect()
    (link,) = await eventually(lambda: port.links)
    assert isinstance(link, HttpLink)
    now = asyncio.get_running_loop().time()
    writer.write(POST)
    await reader.readuntil(b"\r\n\r\n")
    link.expire(now + REQUEST_S_MAX + 1)
    assert port.links == [link]
    writer.write(POST[:20])
    await eventually(lambda: link.is_waiting_for_more)
    link.expire(now + REQUEST_S_MAX - 1)
    assert port.links == [link]
    link.expire(now + IDLE_S_MAX - 1)
    await eventually(lambda: port.links == [])
