"""`@connections` through boto3 and aiobotocore, and raw where they can't go (section 8)."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.session import get_session
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.conformance.conftest import Management, RawClient, RunningGateway, StartGateway
    from tests.conftest import Eventually

Event = dict[str, Any]
Manage = Callable[..., "Management"]
Raw = Callable[["RunningGateway"], Awaitable["RawClient"]]
FOREIGN_ID = "Q0ZkUfPSIAMCJzA="


async def own_id(client: Any) -> str:  # noqa: ANN401
    """Ask the gateway for the client's own connection id."""
    await client.send('{"action": "id"}')
    return str(await client.recv())


async def test_post_delivers_a_text_frame(start: "StartGateway", manage: Manage) -> None:
    """B-200, B-206, B-209: 200 with an empty body; the payload is unchanged text."""
    gateway = await start()
    async with gateway.connect() as client:
        answer = await manage(gateway.endpoint).post(await own_id(client), "grüß dich\n".encode())
        assert await client.recv() == "grüß dich\n"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["RequestId"]


async def test_guess_an_empty_post_delivers_an_empty_frame(
    start: "StartGateway", manage: Manage
) -> None:
    """B-208: a guess."""
    gateway = await start()
    async with gateway.connect() as client:
        await manage(gateway.endpoint).post(await own_id(client), b"")
        assert await client.recv() == ""


async def test_guess_a_post_that_is_no_text_is_400(start: "StartGateway", manage: Manage) -> None:
    """B-207: a guess that keeps anybody from building on binary payloads."""
    gateway = await start()
    async with gateway.connect() as client:
        connection_id = await own_id(client)
        with pytest.raises(ClientError, match="BadRequestException"):
            await manage(gateway.endpoint).post(connection_id, b"\xff\xfe")


async def test_get_returns_what_the_service_model_declares(
    start: "StartGateway", manage: Manage
) -> None:
    """B-210, B-211: two times and the identity; lastActiveAt moves with messages."""
    gateway = await start()
    async with gateway.connect(user_agent_header="ExampleBrowser/1.0") as client:
        await gateway.advance(2.5)
        answer = await manage(gateway.endpoint).get(await own_id(client))
    assert answer["ConnectedAt"] == datetime(2026, 3, 5, 9, 7, 3, 250_000, tzinfo=UTC)
    assert answer["LastActiveAt"] == datetime(2026, 3, 5, 9, 7, 5, 750_000, tzinfo=UTC)
    assert answer["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "ExampleBrowser/1.0"}


async def test_get_without_a_user_agent_has_none(start: "StartGateway", manage: Manage) -> None:
    """B-210, B-338: the member is left out; the times are aware datetimes all the same."""
    gateway = await start()
    async with gateway.connect(user_agent_header=None) as client:
        answer = await manage(gateway.endpoint).get(await own_id(client))
    assert answer["Identity"] == {"SourceIp": "127.0.0.1"}
    assert answer["ConnectedAt"].tzinfo is not None
    assert answer["LastActiveAt"].tzinfo is not None


async def test_guess_two_deletes_at_once_end_one_connection_once(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-215, B-304: one 204, one 410, one $disconnect; a post after them is 410 too."""
    gateway = await start()
    async with gateway.connect() as client:
        path = f"/dev/@connections/{await own_id(client)}"
        deletes = [gateway.request("DELETE", path), gateway.request("DELETE", path)]
        assert sorted(status for status, _ in await asyncio.gather(*deletes)) == [204, 410]
        assert (await gateway.request("POST", path, b"late"))[0] == 410
        await client.wait_closed()
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    await gateway.advance(7200)
    assert len(gateway.events_of("DISCONNECT")) == 1


async def test_a_post_does_not_wait_for_its_client(start: "StartGateway", raw: Raw) -> None:
    """B-226: 200 means taken, not received."""
    gateway = await start()
    client = await raw(gateway)
    connection_id = (await client.message(b'{"action":"id"}')).decode()
    path = f"/dev/@connections/{connection_id}"
    client.writer.transport.pause_reading()  # type: ignore[attr-defined] # of a read transport
    statuses = [(await gateway.request("POST", path, b"x" * 4096))[0] for _ in range(20)]
    assert set(statuses) == {200}


async def test_delete_closes_the_connection(
    start: "StartGateway", manage: Manage, eventually: "Eventually"
) -> None:
    """B-200, B-212, B-303: 204; 1000 and no reason for the client; a reason for $disconnect."""
    gateway = await start()
    async with gateway.connect() as client:
        answer = await manage(gateway.endpoint).delete(await own_id(client))
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (1000, "")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    (event,) = await eventually(lambda: gateway.events_of("DISCONNECT"))
    assert event["requestContext"]["disconnectStatusCode"] == 1000
    assert event["requestContext"]["disconnectReason"] == "Connection Closed Normally"


async def closed_id(gateway: "RunningGateway", eventually: "Eventually") -> str:
    """Return the id of a connection that was open and has closed."""
    async with gateway.connect() as client:
        connection_id = await own_id(client)
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    return connection_id


@pytest.mark.parametrize("operation", ["post", "get", "delete"])
async def test_boto3_raises_gone_for_a_closed_connection(
    start: "StartGateway", manage: Manage, eventually: "Eventually", operation: str
) -> None:
    """B-214, B-215: 410 becomes GoneException with an empty message."""
    gateway = await start()
    connection_id = await closed_id(gateway, eventually)
    management = manage(gateway.endpoint)
    arguments = [connection_id, b"x"] if operation == "post" else [connection_id]
    with pytest.raises(management.client.exceptions.GoneException) as gone:
        await getattr(management, operation)(*arguments)
    assert gone.value.response["Error"] == {"Code": "GoneException", "Message": ""}
    assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


async def test_aiobotocore_posts_and_raises_gone(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-200, B-214: the same through the async client that functions use."""
    gateway = await start()
    gone = await closed_id(gateway, eventually)
    async with (
        gateway.connect() as client,
        get_session().create_client(
            "apigatewaymanagementapi",
            endpoint_url=gateway.endpoint,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        ) as management,
    ):
        await management.post_to_connection(ConnectionId=await own_id(client), Data=b"hello")
        assert await client.recv() == "hello"
        with pytest.raises(management.exceptions.GoneException):
            await management.post_to_connection(ConnectionId=gone, Data=b"hello")


@pytest.mark.parametrize("connection_id", ["test-connection-123", "non-existing-id", "a"])
async def test_a_malformed_id_is_400(
    start: "StartGateway", manage: Manage, connection_id: str
) -> None:
    """B-216: BadRequestException is not in the service model, so it is a plain ClientError."""
    gateway = await start()
    with pytest.raises(ClientError) as refused:
        await manage(gateway.endpoint).post(connection_id, b"x")
    assert type(refused.value) is ClientError
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("BadRequestException", "Invalid connectionId")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(("status", "code"), [(403, "Forbidden"), (410, "Gone")])
async def test_an_id_of_elsewhere_is_forbidden_unless_told_otherwise(
    start: "StartGateway", manage: Manage, status: int, code: str
) -> None:
    """B-202, B-217, B-334: not reliably 410, so 403 by default, with a switch."""
    gateway = await start(foreign_connection_status=status)
    management = manage(gateway.endpoint)
    with pytest.raises(getattr(management.client.exceptions, f"{code}Exception")):
        await management.post(FOREIGN_ID, b"x")


@pytest.mark.parametrize("path", ["/@connections", "/prod/@connections", "/dev/connections"])
async def test_a_wrong_path_is_forbidden(start: "StartGateway", path: str) -> None:
    """B-218: the stage is part of the path."""
    gateway = await start()
    status, answer = await gateway.request("POST", f"{path}/{FOREIGN_ID}", b"x")
    assert status == 403
    assert answer.endswith(b'{"message":"Forbidden"}')
    assert b"\r\nx-amzn-ErrorType: ForbiddenException\r\n" in answer


async def test_at_sign_and_equals_sign_may_be_encoded(start: "StartGateway") -> None:
    """B-205: all four spellings of a path; unsigned, as signatures are not checked (B-201)."""
    gateway = await start()
    async with gateway.connect() as client:
        connection_id = await own_id(client)
        for marker in ("@", "%40"):
            for spelled in (connection_id, connection_id.replace("=", "%3D")):
                path = f"/dev/{marker}connections/{spelled}"
                assert (await gateway.request("POST", path, path.encode()))[0] == 200
                assert await client.recv() == path


async def test_the_largest_payload_is_131072_bytes(start: "StartGateway", manage: Manage) -> None:
    """B-204, B-223, B-337: one byte more is 413, as modelled; the connection stays open."""
    gateway = await start()
    async with gateway.connect() as client:
        connection_id = await own_id(client)
        management = manage(gateway.endpoint)
        await management.post(connection_id, b"x" * 131_072)
        assert await client.recv() == "x" * 131_072
        with pytest.raises(management.client.exceptions.PayloadTooLargeException):
            await management.post(connection_id, b"x" * 131_073)
        await management.post(connection_id, b"still here")
        assert await client.recv() == "still here"


@pytest.mark.parametrize("excess_bytes", [1_000_000, 3_000_000])
async def test_a_far_too_large_payload_is_413_too(
    start: "StartGateway", manage: Manage, excess_bytes: int
) -> None:
    """B-223: however much too large, and nothing of it is kept."""
    gateway = await start()
    async with gateway.connect() as client:
        management = manage(gateway.endpoint)
        connection_id = await own_id(client)
        path = f"/dev/@connections/{connection_id}"
        status, _ = await gateway.request("POST", path, b"x" * excess_bytes)
        assert status == 413
        await management.post(connection_id, b"still here")
        assert await client.recv() == "still here"


async def test_a_post_inside_its_own_connect_is_gone(start: "StartGateway", manage: Manage) -> None:
    """B-220: posting or getting; the connection exists only after $connect has returned."""
    codes: list[str] = []

    async def connect(event: Event) -> object:
        connection_id = event["requestContext"]["connectionId"]
        for call in (management.post(connection_id, b"too early"), management.get(connection_id)):
            try:
                await call
            except ClientError as error:
                codes.append(error.response["Error"]["Code"])
        return {"statusCode": 200}

    gateway = await start({"$connect": connect})
    management = manage(gateway.endpoint)
    async with gateway.connect():
        assert codes == ["GoneException"] * 2


async def test_awaited_posts_arrive_in_order(start: "StartGateway", manage: Manage) -> None:
    """B-292: one after the other, they keep their order in practice."""
    gateway = await start()
    async with gateway.connect() as client:
        connection_id = await own_id(client)
        management = manage(gateway.endpoint)
        sent = [f"message {number}" for number in range(50)]
        for text in sent:
            await management.post(connection_id, text.encode())
        assert [await client.recv() for _ in sent] == sent


async def test_a_gone_answer_is_empty(start: "StartGateway", eventually: "Eventually") -> None:
    """B-214: no body; the code is in a header alone."""
    gateway = await start()
    connection_id = await closed_id(gateway, eventually)
    status, answer = await gateway.request("GET", f"/dev/@connections/{connection_id}")
    assert status == 410
    assert b"\r\nx-amzn-ErrorType: GoneException\r\n" in answer
    assert answer.endswith(b"Content-Length: 0\r\n\r\n")


async def test_get_speaks_of_times_as_text(start: "StartGateway") -> None:
    """B-210: ISO 8601 with milliseconds and Z."""
    gateway = await start()
    async with gateway.connect() as client:
        path = f"/dev/@connections/{await own_id(client)}"
        _, answer = await gateway.request("GET", path)
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert body["connectedAt"] == "2026-03-05T09:07:03.250Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["lastActiveAt"])


async def test_a_connection_may_be_gone_for_a_moment_after_connect(start: "StartGateway") -> None:
    """B-221: inferred; `opening_window_s` is how long, by default no time at all."""
    gateway = await start(opening_window_s=1.0)
    async with gateway.connect():
        connection_id = gateway.events[0]["requestContext"]["connectionId"]
        path = f"/dev/@connections/{connection_id}"
        assert (await gateway.request("POST", path, b"x"))[0] == 410
        await gateway.advance(1)
        assert (await gateway.request("POST", path, b"x"))[0] == 200
