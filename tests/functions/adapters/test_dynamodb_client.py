"""Calls over links that are kept, against a server that does what a test says."""

import asyncio
import json
import socket
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from functions.adapters import dynamodb_client
from functions.adapters.credentials import Credentials
from functions.adapters.dynamodb_access import Access
from functions.adapters.dynamodb_client import Client, DynamoDBError, NoAnswer
from functions.adapters.endpoint import Endpoint
from functions.adapters.http_pool import IDLE_S_MAX

if TYPE_CHECKING:
    from tests.conftest import Eventually

Play = list[bytes | None]
"""What is answered to each request of all links: bytes, or the end of the link."""


def answer(document: object, *, status: int = 200, head: str = "") -> bytes:
    """Write an answer."""
    body = json.dumps(document).encode()
    return f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def refusal(code: str, *, status: int = 400) -> bytes:
    """Write a refusal as DynamoDB does."""
    return answer({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}, status=status)


EMPTY = answer({})


@dataclass(slots=True)
class Scripted:
    """The server: what it answers, and what it has seen."""

    play: Play = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    links: int = 0
    open_links: int = 0
    held: asyncio.Event | None = None
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer on one link."""
        self.links += 1
        self.writers.append(writer)
        self.open_links += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
                self.bodies.append(json.loads(await reader.readexactly(length)))
                if self.held:
                    await self.held.wait()
                played = self.play.pop(0) if self.play else EMPTY
                if played is None:
                    break
                writer.write(played)
                if b"Content-Length: 99\r\n" in played:
                    break
        self.open_links -= 1
        writer.close()

    def access(self, *, encrypted: bool = False) -> Access:
        """Give the way to it."""
        endpoint = Endpoint("127.0.0.1", self.port, is_tls=encrypted)
        return Access(endpoint, Credentials("us-east-1", "key", "secret", ""))


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    """Run a server."""
    scripted = Scripted()
    running = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = running.sockets[0].getsockname()[1]
    yield scripted
    running.close()


@pytest.fixture
async def now() -> list[float]:
    """Give the clock of the client: its one element."""
    return [1_800_000_000.0]


@pytest.fixture
async def client(server: Scripted, now: list[float]) -> AsyncIterator[Client]:
    """Give a client of the server."""
    opened = Client(server.access(), None, read_timeout_s=1, clock=lambda: now[0])
    yield opened
    await opened.close()


async def test_a_link_is_kept(server: Scripted, client: Client) -> None:
    """The next call need not open one."""
    server.play = [answer({"Item": {"n": {"N": "1"}}})]
    assert await client.get_item(TableName="t") == {"Item": {"n": {"N": "1"}}}
    assert await client.put_item(TableName="t") == {}
    assert (server.links, server.bodies) == (1, [{"TableName": "t"}] * 2)


async def test_a_kept_link_that_closes_without_a_word_costs_no_attempt(
    server: Scripted, client: Client
) -> None:
    """It was closed while the environment was frozen; all three attempts are left."""
    server.play = [EMPTY, None, refusal("ThrottlingException"), refusal("ThrottlingException")]
    await client.get_item()
    assert await client.get_item() == {}
    assert (server.links, len(server.bodies)) == (2, 5)


async def test_a_link_that_ended_while_frozen_is_found_before_anything_is_sent_over_it(
    server: Scripted, client: Client, now: list[float]
) -> None:
    """The event loop has not run since; the server, which would still read, gets no request."""
    await client.get_item()
    server.writers[0].get_extra_info("socket").shutdown(socket.SHUT_WR)
    now[0] += 1
    await client.get_item()
    assert (server.links, len(server.bodies)) == (2, 2)


async def test_a_link_that_rested_too_long_is_not_used(
    server: Scripted, client: Client, now: list[float]
) -> None:
    """By the wall's clock, which goes on while an environment is frozen."""
    await client.get_item()
    now[0] += IDLE_S_MAX
    await client.get_item()
    assert server.links == 1
    now[0] += IDLE_S_MAX + 1
    await client.get_item()
    assert server.links == 2


async def test_a_link_that_the_server_ends_is_not_kept(server: Scripted, client: Client) -> None:
    """Connection: close."""
    server.play = [answer({}, head="Connection: close\r\n")]
    await client.get_item()
    await client.get_item()
    assert server.links == 2


async def test_calls_at_the_same_time_have_links_of_their_own_up_to_a_limit(
    server: Scripted, client: Client, eventually: "Eventually"
) -> None:
    """The others wait for one."""
    server.held = asyncio.Event()
    calls = asyncio.gather(*(client.get_item() for _ in range(dynamodb_client.LINKS_MAX + 5)))
    await eventually(lambda: len(server.bodies) == dynamodb_client.LINKS_MAX)
    server.held.set()
    await calls
    assert server.links == dynamodb_client.LINKS_MAX


@pytest.mark.parametrize(
    "fault",
    [
        None,
        b"",
        b"no HTTP\r\n\r\n",
        b"HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\nhalf",
        answer({}, head="X-Amz-Crc32: 1\r\n"),
        answer({}, status=500),
        answer({}, status=429),
        refusal("ProvisionedThroughputExceededException"),
        refusal("TransactionInProgressException"),
    ],
    ids=["closed", "silent", "no HTTP", "half", "checksum", "500", "429", "throttled", "busy"],
)
async def test_an_attempt_that_failed_is_repeated(
    server: Scripted, client: Client, fault: bytes | None
) -> None:
    """Twice at the most, as botocore's legacy mode does."""
    server.play = [fault, answer({"Item": {}})]
    assert await client.get_item() == {"Item": {}}
    assert len(server.bodies) == 2
    server.play = [fault] * (dynamodb_client.ATTEMPTS + 1)  # a kept link may close for nothing
    with pytest.raises((NoAnswer, DynamoDBError)):
        await client.get_item()


async def test_a_repeated_transaction_is_known_as_one(server: Scripted, client: Client) -> None:
    """It has the same token; the next has another."""
    server.play = [answer({}, status=503)]
    await client.transact_write_items(TransactItems=[])
    await client.transact_write_items(TransactItems=[])
    first, again, other = (body["ClientRequestToken"] for body in server.bodies)
    assert first == again != other


@pytest.mark.parametrize("error", ["ConditionalCheckFailedException", "ResourceNotFoundException"])
async def test_what_is_refused_for_good_is_not_repeated(
    server: Scripted, client: Client, error: str
) -> None:
    """The error has DynamoDB's answer, as botocore's has, and the operation."""
    server.play = [refusal(error)]
    with pytest.raises(client.exceptions.ClientError, match=f"PutItem: {error}") as caught:
        await client.put_item()
    assert caught.value.response["Error"]["Code"] == error
    conditional = isinstance(caught.value, client.exceptions.ConditionalCheckFailedException)
    assert conditional == (error == "ConditionalCheckFailedException")
    assert len(server.bodies) == 1


async def test_why_a_transaction_was_cancelled_is_told(server: Scripted, client: Client) -> None:
    """A reason for each of its writes."""
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}]
    document = {"__type": "x#TransactionCanceledException", "CancellationReasons": reasons}
    server.play = [answer({**document, "Message": "cancelled"}, status=400)]
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        await client.transact_write_items(TransactItems=[])
    assert caught.value.response["CancellationReasons"] == reasons
    assert caught.value.response["Error"]["Message"] == "cancelled"


async def test_the_answer_to_a_call_that_was_given_up_is_no_other_calls(
    server: Scripted, client: Client, eventually: "Eventually"
) -> None:
    """Its link is closed."""
    server.held = asyncio.Event()
    call = asyncio.create_task(client.get_item())
    await eventually(lambda: server.bodies)
    call.cancel()
    await asyncio.wait([call])
    server.held.set()
    server.play = [answer({"Item": {"late": {}}}), answer({"Item": {"right": {}}})]
    await eventually(lambda: not server.open_links)
    assert await client.get_item() == {"Item": {"right": {}}}
    assert server.links == 2


async def test_a_long_answer_in_chunks_is_read_whole(server: Scripted, client: Client) -> None:
    """A page has up to a megabyte, and its checksum is right."""
    body = json.dumps({"Item": {"long": {"S": "x" * 1_000_000}}}).encode()
    half = len(body) // 2
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]))
    head = (
        f"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nx-amz-crc32: {zlib.crc32(body)}\r\n\r\n"
    )
    server.play = [head.encode() + chunks + b"0\r\n\r\n"]
    assert await client.get_item() == json.loads(body)


@pytest.mark.parametrize(
    ("items_max", "asked"), [(None, [None, {"k": 1}, {"k": 2}]), (3, [None, {"k": 1}])]
)
async def test_pages_are_read_to_their_end_or_a_limit(
    server: Scripted, client: Client, items_max: int | None, asked: list[object]
) -> None:
    """Each begins where the one before ended."""
    first = {"Items": [1, 2], "LastEvaluatedKey": {"k": 1}}
    pages = [first, {"Items": [3, 4], "LastEvaluatedKey": {"k": 2}}, {"Items": []}]
    server.play = [answer(page) for page in pages]
    limits = {"PageSize": 2} | ({"MaxItems": items_max} if items_max else {})
    paginator = client.get_paginator("query")
    found = [page async for page in paginator.paginate(TableName="t", PaginationConfig=limits)]
    assert [item for page in found for item in page["Items"]] == [1, 2, 3, 4][:items_max]
    assert [body.get("ExclusiveStartKey") for body in server.bodies] == asked
    assert {body["Limit"] for body in server.bodies} == {2}


async def test_nobody_listening_is_said(server: Scripted) -> None:
    """With the operation."""
    with socket.socket() as held:  # the port refuses
        held.bind(("127.0.0.1", 0))
        server.port = held.getsockname()[1]
        with pytest.raises(NoAnswer, match=r"GetItem: .*Connect call failed"):
            await Client(server.access(), None).get_item()


async def test_certificates_are_verified() -> None:
    """One that is trusted, and one that is not."""
    authority, stranger = trustme.CA(), trustme.CA()
    scripted = Scripted()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    running = await asyncio.start_server(scripted.serve, "127.0.0.1", 0, ssl=context)
    scripted.port = running.sockets[0].getsockname()[1]
    trusting, distrusting = ssl.create_default_context(), ssl.create_default_context()
    authority.configure_trust(trusting)
    stranger.configure_trust(distrusting)
    client = Client(scripted.access(encrypted=True), trusting)
    assert await client.get_item() == {}
    await client.close()
    with pytest.raises(NoAnswer, match="certificate verify failed"):
        await Client(scripted.access(encrypted=True), distrusting).get_item()
    running.close()
