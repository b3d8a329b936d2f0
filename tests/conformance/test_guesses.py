"""What is a guess, decided the other way, on the wire; the defaults are beside their facts too."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus

if TYPE_CHECKING:
    from tests.conformance.conftest import Function, Management, StartGateway, TwoWay
    from tests.conftest import Eventually

Event = dict[str, Any]
Manage = Callable[..., "Management"]
Marking = Callable[["Function"], "TwoWay"]
IDLE_S = 600.0


async def own_id(client: Any) -> str:  # noqa: ANN401
    """Ask the gateway for the client's own connection id."""
    await client.send('{"action": "id"}')
    return str(await client.recv())


async def refuse(event: Event) -> object:
    """Let nobody in."""
    return {"statusCode": 403}


@pytest.mark.parametrize("status", [403, 404])
async def test_guess_more_path_than_the_stage(start: "StartGateway", status: int) -> None:
    """B-024."""
    gateway = await start(extra_path_status=status)
    with pytest.raises(InvalidStatus) as refusal:
        await gateway.connect("/dev/rooms")
    assert refusal.value.response.status_code == status


@pytest.mark.parametrize("with_ids", [True, False])
async def test_guess_the_ids_in_a_refusal(start: "StartGateway", *, with_ids: bool) -> None:
    """B-054."""
    gateway = await start({"$connect": None}, rejection_has_ids=with_ids)
    with pytest.raises(InvalidStatus) as refusal:
        await gateway.connect()
    body = json.loads(refusal.value.response.body or b"")
    names = {"message", "connectionId", "requestId"} if with_ids else {"message"}
    assert set(body) == names


@pytest.mark.parametrize("follows", [False, True])
async def test_guess_a_disconnect_after_a_refusal(start: "StartGateway", *, follows: bool) -> None:
    """B-055: for the connection that never was."""
    gateway = await start(
        {"$connect": refuse, "$disconnect": refuse}, disconnect_after_rejection=follows
    )
    with pytest.raises(InvalidStatus):
        await gateway.connect()
    await gateway.advance(1)
    kinds = [event["requestContext"]["eventType"] for event in gateway.events]
    assert kinds == (["CONNECT", "DISCONNECT"] if follows else ["CONNECT"])


@pytest.mark.parametrize("sent", [False, True])
async def test_guess_a_first_frame_from_connect(
    start: "StartGateway", two_way: Marking, *, sent: bool
) -> None:
    """B-056."""

    async def welcome(event: Event) -> object:
        return {"statusCode": 200, "body": "welcome" if "body" not in event else "echo"}

    routes = {"$connect": two_way(welcome), "$default": two_way(welcome)}
    gateway = await start(routes, connect_response=sent)
    async with gateway.connect() as client:
        await client.send("hi")
        assert await client.recv() == ("welcome" if sent else "echo")


@pytest.mark.parametrize("selectable", [False, True])
@pytest.mark.parametrize("key", ["$connect", "$disconnect"])
async def test_guess_a_message_to_a_reserved_route(
    start: "StartGateway", eventually: "Eventually", key: str, *, selectable: bool
) -> None:
    """B-160."""
    gateway = await start(reserved_routes_selectable=selectable)
    async with gateway.connect() as client:
        await client.send(json.dumps({"action": key}))
        (event,) = await eventually(lambda: gateway.events_of("MESSAGE"))
    assert event["requestContext"]["routeKey"] == (key if selectable else "$default")


async def test_guess_a_post_that_is_no_text(start: "StartGateway", manage: Manage) -> None:
    """B-207: 400, or a binary frame."""
    gateway = await start()
    async with gateway.connect() as client:
        with pytest.raises(ClientError, match="BadRequestException"):
            await manage(gateway.endpoint).post(await own_id(client), b"\xff\xfe")
    gateway = await start(binary_posts=True)
    async with gateway.connect() as client:
        await manage(gateway.endpoint).post(await own_id(client), b"\xff\xfe")
        assert await client.recv() == b"\xff\xfe"


async def test_guess_an_empty_post(start: "StartGateway", manage: Manage) -> None:
    """B-208: an empty frame, or 400."""
    gateway = await start()
    async with gateway.connect() as client:
        await manage(gateway.endpoint).post(await own_id(client), b"")
        assert await client.recv() == ""
    gateway = await start(refuse_empty_posts=True)
    async with gateway.connect() as client:
        with pytest.raises(ClientError, match="BadRequestException"):
            await manage(gateway.endpoint).post(await own_id(client), b"")


@pytest.mark.parametrize("code", [1000, 1001])
async def test_guess_the_close_code_after_a_delete(
    start: "StartGateway", manage: Manage, code: int
) -> None:
    """B-212: without a reason."""
    gateway = await start(deleted_close_code=code)
    async with gateway.connect() as client:
        await manage(gateway.endpoint).delete(await own_id(client))
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (code, "")


@pytest.mark.parametrize("counts", [False, True])
async def test_guess_pings_and_the_idle_limit(start: "StartGateway", *, counts: bool) -> None:
    """B-273."""
    gateway = await start(ping_resets_idle_timer=counts)
    async with gateway.connect() as client:
        await gateway.advance(IDLE_S - 1)
        await (await client.ping())
        await gateway.advance(1.1)
        if counts:
            await client.send('{"action": "echo"}')
            assert await client.recv() == '{"action": "echo"}'
        else:
            with pytest.raises(ConnectionClosed):
                await client.recv()


@pytest.mark.parametrize("text", ["Message too long", "Too big"])
async def test_guess_the_text_of_413(start: "StartGateway", text: str) -> None:
    """B-223."""
    gateway = await start(too_long_message=text, message_bytes_max=100)
    async with gateway.connect() as client:
        path = f"/dev/@connections/{await own_id(client)}"
        status, answer = await gateway.request("POST", path, b"x" * 101)
    assert status == 413
    assert answer.endswith(json.dumps({"message": text}, separators=(",", ":")).encode())


@pytest.mark.parametrize("status", [426, 403])
async def test_guess_a_plain_get_of_the_socket(start: "StartGateway", status: int) -> None:
    """B-025: hardly more than a guess."""
    gateway = await start(plain_get_status=status)
    assert (await gateway.request("GET", "/dev"))[0] == status


@pytest.mark.parametrize("code", [1006, 1001])
async def test_guess_the_code_of_a_connection_that_was_lost(
    start: "StartGateway", eventually: "Eventually", code: int
) -> None:
    """B-134."""
    gateway = await start(lost_close_code=code)
    async with gateway.connect() as client:
        client.transport.abort()
        (event,) = await eventually(lambda: gateway.events_of("DISCONNECT"))
    assert event["requestContext"]["disconnectStatusCode"] == code
