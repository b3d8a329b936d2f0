"""What the SDK that functions use puts on the wire and makes of answers (section 17).

The template's own SDK is measured here, against a bare server: an SDK that changes shows.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ID = "L0SM9cOFvHcCIhw="


@dataclass(slots=True)
class BareServer:
    """Answers every request with one status and keeps what was asked."""

    status: str = "200 OK"
    headers: str = ""
    asked: list[bytes] = field(default_factory=list)
    port: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one link's requests until it ends."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.partition(b":")[2])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                )
                self.asked.append(head + await reader.readexactly(length))
                answer = f"HTTP/1.1 {self.status}\r\n{self.headers}Content-Length: 0\r\n\r\n"
                writer.write(answer.encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.left.set()


class Post(Protocol):
    """What the fixture `post` gives."""

    async def __call__(self, connection_id: str, data: Any, **config: Any) -> None:  # noqa: ANN401
        """Post with a client of its own, configured as told."""
        ...


@pytest.fixture
async def bare() -> AsyncIterator[BareServer]:
    """Serve on a port of the system's choice."""
    answering = BareServer()
    server = await asyncio.start_server(answering.serve, "127.0.0.1", 0)
    answering.port = server.sockets[0].getsockname()[1]
    yield answering
    await asyncio.wait_for(answering.left.wait(), 5)
    server.close()


@pytest.fixture
def post(bare: BareServer) -> Post:
    """Post to the bare server as functions do."""

    def post_now(connection_id: str, data: Any, config: Any) -> None:  # noqa: ANN401
        client = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=f"http://127.0.0.1:{bare.port}/prod",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(**config),
        )
        try:
            client.post_to_connection(ConnectionId=connection_id, Data=data)
        finally:
            client.close()

    async def post_in_a_thread(connection_id: str, data: Any, **config: Any) -> None:  # noqa: ANN401
        await asyncio.to_thread(post_now, connection_id, data, config)

    return post_in_a_thread


async def test_a_post_is_the_bytes_under_a_signature(bare: BareServer, post: Post) -> None:
    """B-330: no content type, the body as it is, signed for execute-api over host and date."""
    await post(ID, "grüß dich")
    (asked,) = bare.asked
    head, _, body = asked.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /prod/@connections/L0SM9cOFvHcCIhw%3D HTTP/1.1\r\n")
    assert body == "grüß dich".encode()
    names = {line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert b"content-type" not in names
    assert b"x-amz-content-sha256" not in names
    assert b"/us-east-1/execute-api/aws4_request" in head
    assert b"SignedHeaders=host;x-amz-date" in head


async def test_an_id_is_percent_encoded_in_the_path(bare: BareServer, post: Post) -> None:
    """B-331: slash, space, `=` and `@` are encoded, `-` and `_` are not; nor the path's own `@`."""
    await post("a/b c=@-_", b"x")
    assert b"/prod/@connections/a%2Fb%20c%3D%40-_ HTTP" in bare.asked[0]


@pytest.mark.parametrize(
    ("status", "error_type"),
    [("429 Too Many Requests", "LimitExceededException"), ("500 Internal Server Error", "Any")],
)
async def test_throttling_and_server_errors_are_tried_again(
    bare: BareServer, post: Post, status: str, error_type: str
) -> None:
    """B-335: so a post may arrive twice, and a broadcast must bound its attempts."""
    bare.status, bare.headers = status, f"x-amzn-ErrorType: {error_type}\r\n"
    with pytest.raises(ClientError):
        await post(ID, b"x", retries={"mode": "standard", "total_max_attempts": 2})
    assert len(bare.asked) == 2


@pytest.mark.parametrize("status", ["400 Bad Request", "403 Forbidden", "410 Gone"])
async def test_what_is_final_is_not_tried_again(bare: BareServer, post: Post, status: str) -> None:
    """B-335: gone stays gone."""
    bare.status = status
    with pytest.raises(ClientError):
        await post(ID, b"x", retries={"mode": "standard", "total_max_attempts": 3})
    assert len(bare.asked) == 1
