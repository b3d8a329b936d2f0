"""What a client can find out about a gateway by asking: the local one or, with TARGET=aws, AWS."""

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from tests.conftest import Eventually
    from tests.target.conftest import Target

ID = re.compile(r"[A-Za-z0-9_-]{14}[AEIMQUYcgkosw048]=")
NEVER_ISSUED = "test-connection-123"
LATE_S_MAX = 30.0


async def ask(client: "ClientConnection", **request: object) -> Any:  # noqa: ANN401 - JSON
    """Send one request and return the one answer, decoded."""
    await client.send(json.dumps(request))
    return json.loads(await asyncio.wait_for(client.recv(), LATE_S_MAX))


async def own_id(client: "ClientConnection") -> str:
    """Return the client's connection id."""
    event = await ask(client, do="event")
    return str(event["requestContext"]["connectionId"])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?status=401", 401),
        ("?status=403", 403),
        ("?status=301", 301),
        ("?raise=1", 502),
        ("?malformed=1", 502),
    ],
)
async def test_a_refused_connect_is_an_http_status(
    target: "Target", query: str, status: int
) -> None:
    """B-042, B-043, B-045: never a socket that opens and closes."""
    with pytest.raises(InvalidStatus) as refused:
        await target.connect(query)
    assert refused.value.response.status_code == status


async def test_the_subprotocol_that_the_function_chose_comes_back(target: "Target") -> None:
    """B-050: one of those that the client offered."""
    async with target.connect("?subprotocol=v2", subprotocols=["v1", "v2"]) as client:
        assert client.subprotocol == "v2"


async def test_a_message_event_has_no_headers(target: "Target") -> None:
    """B-001, B-003, B-120 to B-123: the shape of a MESSAGE event."""
    async with target.connect() as client:
        event = await ask(client, do="event")
    context = event["requestContext"]
    assert set(event) == {"requestContext", "body", "isBase64Encoded"}
    assert ID.fullmatch(context["connectionId"])
    assert context["requestId"] == context["extendedRequestId"] != context["messageId"]
    assert context["routeKey"] == "$default"


async def test_an_exception_is_an_error_frame(target: "Target") -> None:
    """B-175, B-176, B-180: with the ids of the connection and the request; it stays open."""
    async with target.connect() as client:
        connection_id = await own_id(client)
        failed = await ask(client, do="raise")
        assert await own_id(client) == connection_id
    assert set(failed) == {"message", "connectionId", "requestId"}
    assert failed["message"] == "Internal server error"
    assert failed["connectionId"] == connection_id


async def test_an_exception_on_a_one_way_route_is_an_error_frame_too(target: "Target") -> None:
    """B-180: the client hears of it all the same."""
    async with target.connect() as client:
        failed = await ask(client, action="oneway", do="raise")
    assert failed["message"] == "Internal server error"


async def test_a_function_past_its_own_timeout_is_an_error_frame(target: "Target") -> None:
    """B-180: as if it had raised."""
    async with target.connect() as client:
        failed = await ask(client, do="sleep", seconds=10)
    assert failed["message"] == "Internal server error"


async def test_a_one_way_route_sends_nothing_back(target: "Target") -> None:
    """B-182, B-183, B-190: neither a status nor nothing is an answer; the next message is."""
    async with target.connect() as client:
        await client.send(
            json.dumps({"action": "oneway", "do": "status", "status": 501, "body": "x"})
        )
        await client.send(json.dumps({"action": "oneway", "do": "nothing"}))
        event = await ask(client, do="event")
    assert json.loads(event["body"]) == {"do": "event"}


async def test_the_body_of_a_two_way_route_is_sent_whatever_the_status(target: "Target") -> None:
    """B-191, B-192: a contested fact; the body arrives."""
    async with target.connect() as client:
        assert await ask(client, do="status", status=500, body='"five hundred"') == "five hundred"


async def test_text_that_is_no_json_takes_the_default_route(target: "Target") -> None:
    """B-158: and reaches the function as it is (B-121)."""
    async with target.connect() as client:
        await client.send("no  json\r\n")
        event = json.loads(await asyncio.wait_for(client.recv(), LATE_S_MAX))
    assert event["body"] == "no  json\r\n"


@pytest.mark.parametrize(
    ("message", "code"), [(b"binary", 1003), ("x" * 32_769, 1009)], ids=["binary", "too long"]
)
async def test_what_the_gateway_does_not_take_ends_the_connection(
    target: "Target", message: str | bytes, code: int
) -> None:
    """B-251, B-252, B-256: a binary frame, a frame over 32 KiB."""
    async with target.connect(compression=None) as client:
        await client.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), LATE_S_MAX)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


async def test_fragments_make_one_message(target: "Target") -> None:
    """B-254: four frames of 30 KB."""
    async with target.connect() as client:
        await client.send(["x" * 30_000] * 4)
        event = json.loads(await asyncio.wait_for(client.recv(), LATE_S_MAX))
    assert event["body"] == "x" * 120_000


async def test_a_post_arrives_as_text(target: "Target") -> None:
    """B-200, B-206: whatever the bytes are, they are a text frame."""
    async with target.connect() as client:
        connection_id = await own_id(client)
        await target.call("post_to_connection", ConnectionId=connection_id, Data="grüße".encode())
        assert await asyncio.wait_for(client.recv(), LATE_S_MAX) == "grüße"


async def test_a_connection_tells_about_itself(target: "Target") -> None:
    """B-210: since when, who, and when it was last active."""
    async with target.connect() as client:
        told = await target.call("get_connection", ConnectionId=await own_id(client))
    assert told["ConnectedAt"] <= told["LastActiveAt"]
    assert told["Identity"]["UserAgent"].startswith("Python")


async def test_a_closed_connection_is_gone(target: "Target", eventually: "Eventually") -> None:
    """B-214, B-215, B-333: boto3 raises GoneException, with an empty message."""
    async with target.connect() as client:
        connection_id = await own_id(client)

    async def is_gone() -> bool:
        try:
            await target.call("post_to_connection", ConnectionId=connection_id, Data=b"x")
        except target.management.exceptions.GoneException as error:
            return str(error).endswith("PostToConnection operation: ")
        return False

    assert await eventually(is_gone, within_s=LATE_S_MAX)


async def test_a_malformed_id_is_no_gone_connection(target: "Target") -> None:
    """B-216: 400 and a code that is not in the service's model."""
    with pytest.raises(ClientError) as refused:
        await target.call("post_to_connection", ConnectionId=NEVER_ISSUED, Data=b"x")
    assert refused.value.response["Error"]["Code"] == "BadRequestException"
    assert refused.value.response["Error"]["Message"] == "Invalid connectionId"


async def test_a_payload_over_128_kib_is_refused(target: "Target") -> None:
    """B-204, B-223: 413, and the connection stays open."""
    async with target.connect() as client:
        connection_id = await own_id(client)
        with pytest.raises(target.management.exceptions.PayloadTooLargeException):
            await target.call("post_to_connection", ConnectionId=connection_id, Data=bytes(131_073))
        assert await own_id(client) == connection_id


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("client", (1005, "Client-side close frame status not set")),
        ("page", (1001, "")),
        ("server", (1000, "Connection Closed Normally")),
    ],
)
async def test_the_disconnect_event_says_how_it_ended(
    target: "Target", eventually: "Eventually", end: str, told: tuple[int, str]
) -> None:
    """B-130 to B-132, B-303: for either side, with the four odd headers."""
    async with target.connect() as observer, target.connect() as client:
        connection_id = await own_id(client)
        if end == "server":
            await target.call("delete_connection", ConnectionId=connection_id)
        elif end == "page":
            await client.close(1001)
        else:
            client.protocol.send_close()
            client.transport.write(b"".join(client.protocol.data_to_send()))
        event = await eventually(
            lambda: ask(observer, do="ended", id=connection_id), within_s=LATE_S_MAX
        )
    context = event["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == told
    assert set(event["headers"]) == {"Host", "x-api-key", "X-Forwarded-For", "x-restapi"}


async def test_two_messages_of_one_connection_run_at_the_same_time(target: "Target") -> None:
    """B-291: the second is not held back by the first, and answers overtake each other."""
    async with target.connect() as client:
        await own_id(client)
        await client.send(json.dumps({"do": "sleep", "seconds": 2}))
        began = time.monotonic()
        await ask(client, do="event")
        overtook = time.monotonic() - began
        await asyncio.wait_for(client.recv(), LATE_S_MAX)
        both = time.monotonic() - began
    assert overtook < both
