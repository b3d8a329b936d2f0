"""The Runtime API as any runtime client may speak it, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from gatepost.gateway.core.inputs import Failed, Returned
from gatepost.gateway.runner.invocation import Invocation
from gatepost.gateway.runner.runtime_api import PAYLOAD_BYTES_MAX, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from gatepost.gateway.core.inputs import Outcome

    Connect = Callable[[], Awaitable["Client"]]
    Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]

ARN = "arn:aws:lambda:us-east-1:123456789012:function:chat"
NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass
class FakeOwner:
    """Takes what is reported; one invocation may run."""

    running: str | None = None
    reports: list[Outcome] = field(default_factory=list)
    unfinished: str = ""

    def next_asked(self) -> bool:
        """Free unless one runs."""
        return self.running is None

    def answered(self, request_id: str, outcome: Outcome, *, unfinished: str = "") -> bool:
        """Take the outcome of the one that runs."""
        self.unfinished = unfinished
        if request_id != self.running:
            return False
        self.running = None
        self.reports.append(outcome)
        return True

    def init_failed(self, failure: Failed) -> None:
        """Take the failure."""
        self.reports.append(failure)


class Client:
    """A runtime client that writes what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one answer: status, headers, body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers.get("Content-Length", 0)))
        return int(head[0].split()[1]), headers, body

    async def send(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        """Write, and read one answer."""
        self.writer.write(data)
        return await self.answer()


def post(path: str, body: bytes, headers: str = "") -> bytes:
    """Make a POST."""
    head = f"POST /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: x\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def owner() -> FakeOwner:
    """Stand in for a worker."""
    return FakeOwner()


@pytest.fixture
async def api(owner: FakeOwner) -> AsyncIterator[RuntimeApi]:
    """Give an API, closed in the end."""
    api = RuntimeApi(owner, ARN, timeout_s=3)
    yield api
    api.close()


@pytest.fixture
async def connect(api: RuntimeApi) -> AsyncIterator[Connect]:
    """Connect clients to an opened API."""
    host, port = (await api.open()).split(":")
    clients: list[Client] = []

    async def make() -> Client:
        clients.append(Client(*await asyncio.open_connection(host, int(port))))
        return clients[-1]

    yield make
    for client in clients:
        client.writer.close()


@pytest.fixture
def invoke(api: RuntimeApi, owner: FakeOwner, eventually: Eventually) -> Callable[[], Any]:
    """Hand an invocation out, as soon as one is asked for."""

    async def run() -> Invocation:
        await eventually(lambda: api.waiting)
        future = asyncio.get_running_loop().create_future()
        invocation = Invocation(b'{"a":1}', future, 0.0)
        owner.running = invocation.request_id
        api.hand_out(invocation)
        return invocation

    return run


async def test_next_answers_with_the_event_and_lambdas_headers(
    connect: Connect, invoke: Callable[[], Any]
) -> None:
    """Names as in AWS's description of the API."""
    client = await connect()
    client.writer.write(NEXT)
    invocation = await invoke()
    status, headers, body = await client.answer()
    assert (status, body) == (200, b'{"a":1}')
    assert headers["Lambda-Runtime-Aws-Request-Id"] == invocation.request_id
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == ARN
    assert headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")
    assert headers["Lambda-Runtime-Deadline-Ms"].isdigit()


async def test_a_client_that_waits_for_each_answer_is_served(
    connect: Connect, owner: FakeOwner, invoke: Callable[[], Any]
) -> None:
    """As AWS's own clients do: post, read 202, ask again."""
    client = await connect()
    for _ in range(3):
        client.writer.write(NEXT)
        invocation = await invoke()
        await client.answer()
        status, _, _ = await client.send(post(f"invocation/{invocation.request_id}/response", b"1"))
        assert status == 202
    assert owner.reports == [Returned(b"1")] * 3


async def test_a_pipelined_post_is_answered_with_the_next_event(
    connect: Connect, owner: FakeOwner, invoke: Callable[[], Any]
) -> None:
    """Both answers come, in order."""
    client = await connect()
    client.writer.write(NEXT)
    first = await invoke()
    await client.answer()
    client.writer.write(post(f"invocation/{first.request_id}/response", b"1") + NEXT)
    await invoke()
    assert [(await client.answer())[0] for _ in range(2)] == [202, 200]
    assert owner.reports == [Returned(b"1")]


async def test_a_connection_for_each_request_is_served(
    connect: Connect, owner: FakeOwner, invoke: Callable[[], Any]
) -> None:
    """A shell script with curl is a runtime, too; `Connection: close` is kept."""
    client = await connect()
    client.writer.write(NEXT.replace(b"Host: x", b"Host: x\r\nConnection: close"))
    invocation = await invoke()
    await client.answer()
    assert await client.reader.read() == b""
    other = await connect()
    status, _, _ = await other.send(post(f"invocation/{invocation.request_id}/response", b"1"))
    assert status == 202
    assert owner.reports == [Returned(b"1")]


async def test_a_chunked_body_byte_by_byte_is_one_response(
    connect: Connect, owner: FakeOwner, invoke: Callable[[], Any]
) -> None:
    """Streaming runtimes send chunks."""
    client = await connect()
    client.writer.write(NEXT)
    invocation = await invoke()
    await client.answer()
    path = f"/2018-06-01/runtime/invocation/{invocation.request_id}/response"
    request = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for byte in (request + "2\r\n[1\r\n3\r\n,2]\r\n0\r\n\r\n").encode():
        client.writer.write(bytes([byte]))
        await client.writer.drain()
    assert (await client.answer())[0] == 202
    assert owner.reports == [Returned(b"[1,2]")]


async def test_expect_100_continue_is_granted(
    connect: Connect, owner: FakeOwner, invoke: Callable[[], Any]
) -> None:
    """Or curl would wait a second before a large body."""
    client = await connect()
    client.writer.write(NEXT)
    invocation = await invoke()
    await client.answer()
    path = f"invocation/{invocation.request_id}/response"
    head, _, body = post(path, b"1", "Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    assert (await client.send(head + b"\r\n\r\n"))[0] == 100
    assert (await client.send(body))[0] == 202
    assert owner.reports == [Returned(b"1")]


@pytest.mark.parametrize(
    ("body", "headers", "failure"),
    [
        (b'{"errorType":"E","errorMessage":"m","stackTrace":[]}', "", Failed("E", "m")),
        (b'{"errorType":"E","stackTrace":["a","b"]}', "", Failed("E", "", ("a", "b"))),
        (b'{"errorType":"E","stackTrace":"odd"}', "", Failed("E", "")),
        (b'{"errorType":"E","trace":["a","b"]}', "", Failed("E", "", ("a", "b"))),
        (b"no json", "Lambda-Runtime-Function-Error-Type: Kind\r\n", Failed("Kind", "")),
        (b"", "", Failed("Unhandled", "")),
    ],
)
async def test_an_error_report_is_a_failure(
    *, connect: Connect, owner: FakeOwner, body: bytes, headers: str, failure: Failed
) -> None:
    """With whatever the client says about it; the same for an init."""
    client = await connect()
    owner.running = "a"
    assert (await client.send(post("invocation/a/error", body, headers)))[0] == 202
    assert (await client.send(post("init/error", body, headers)))[0] == 202
    assert owner.reports == [failure, failure]


async def test_an_answer_to_another_invocation_is_refused(
    connect: Connect, owner: FakeOwner
) -> None:
    """A late response never reaches the invocation that runs now."""
    client = await connect()
    owner.running = "now"
    assert (await client.send(post("invocation/before/response", b"1")))[0] == 400
    assert (await client.send(post("invocation/before/error", b"{}")))[0] == 400
    assert owner.reports == []


async def test_asking_for_more_while_an_answer_is_owed_is_refused(
    connect: Connect, owner: FakeOwner, api: RuntimeApi
) -> None:
    """One invocation at a time."""
    owner.running = "now"
    client = await connect()
    assert (await client.send(NEXT))[0] == 403
    assert not api.waiting


async def test_too_large_a_response_is_told_to_both_sides(
    connect: Connect, owner: FakeOwner
) -> None:
    """413 to the client, a failure for the invocation; one at the limit passes."""
    client = await connect()
    owner.running = "a"
    assert (await client.send(post("invocation/a/response", b"x" * PAYLOAD_BYTES_MAX)))[0] == 202
    owner.running = "b"
    large = b"x" * (PAYLOAD_BYTES_MAX + 1)
    assert (await client.send(post("invocation/b/response", large)))[0] == 413
    assert isinstance(owner.reports[0], Returned)
    assert isinstance(owner.reports[1], Failed)
    assert owner.reports[1].error_type == "Function.ResponseSizeTooLarge"


async def test_an_unknown_path_is_not_found(connect: Connect) -> None:
    """Whatever else a client asks for."""
    client = await connect()
    assert (await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 404


async def test_what_is_no_http_ends_the_connection(connect: Connect) -> None:
    """And only that connection."""
    client = await connect()
    client.writer.write(b"\x16\x03\x01\r\n\r\n")
    assert await client.reader.read() == b""
    assert (await (await connect()).send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 404


async def test_a_client_that_leaves_while_it_waits_is_not_handed_anything(
    connect: Connect, api: RuntimeApi, eventually: Eventually
) -> None:
    """An invocation is not written into a dead connection."""
    client = await connect()
    client.writer.write(NEXT)
    await eventually(lambda: api.waiting)
    client.writer.close()
    await eventually(lambda: not api.waiting)


@pytest.mark.parametrize("turns", range(5))
async def test_a_connection_made_while_the_api_closes_is_ended(api: RuntimeApi, turns: int) -> None:
    """However many turns of the loop the connection is old: none is left open, or lost."""
    host, port = (await api.open()).split(":")
    with socket.create_connection((host, int(port)), timeout=5) as client:
        for _ in range(turns):
            await asyncio.sleep(0)
        api.close()
        try:
            assert await asyncio.to_thread(client.recv, 1) == b""
        except ConnectionResetError:
            assert turns < 2, "it was accepted, and ends in order"


async def test_closed_while_it_opens_it_does_not_listen(api: RuntimeApi) -> None:
    """A worker may be stopped in the middle of its start."""
    opening = asyncio.create_task(api.open())
    await asyncio.sleep(0)
    api.close()
    host, port = (await opening).split(":")
    await asyncio.sleep(0)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))
