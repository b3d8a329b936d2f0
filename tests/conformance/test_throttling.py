"""Throttling (section 13): one account bucket, stages, routes, and the three forms of 429."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from msgspec import structs
from websockets.exceptions import InvalidStatus

from gatepost.gateway.core.deployment import (
    ApiKey,
    Deployment,
    LambdaProxy,
    Mock,
    Route,
    Throttle,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.conftest import Management, RunningGateway, StartGateway

Event = dict[str, Any]

HELLO = Mock('{"statusCode": 200}', {"200": "hello"})


async def accept(event: Event) -> object:
    """Do nothing, successfully."""
    return {"statusCode": 200}


def limited(throttle: Throttle) -> "Callable[[Deployment], Deployment]":
    """Give the stage a default throttle."""

    def change(deployment: Deployment) -> Deployment:
        (one,) = deployment.apis
        return structs.replace(deployment, apis=(structs.replace(one, throttle=throttle),))

    return change


async def status_of_connect(gateway: "RunningGateway") -> int:
    """Try to connect; return the handshake's status."""
    try:
        async with gateway.connect():
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_a_throttled_handshake_is_answered_429(start: "StartGateway") -> None:
    """B-312, B-048: the body is exact, `$connect` does not run, a second later it may."""
    gateway = await start(
        {"$connect": accept}, connect_throttle=Throttle(1, 1), account_throttle=None
    )
    assert await status_of_connect(gateway) == 101
    with pytest.raises(InvalidStatus) as refused:
        async with gateway.connect():
            pass
    assert refused.value.response.status_code == 429
    assert refused.value.response.body == b'{"message":"Too Many Requests"}'
    assert len(gateway.events_of("CONNECT")) == 1
    await gateway.advance(1)
    assert await status_of_connect(gateway) == 101


async def test_500_new_connections_a_second_are_the_default(start: "StartGateway") -> None:
    """B-057: a burst of as many is inferred."""
    gateway = await start({"$connect": Route("$connect", Mock('{"statusCode": 403}'))})
    handshake = (
        f"GET /dev HTTP/1.1\r\nHost: {gateway.authority}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
    statuses = [(await gateway.exchange(handshake))[0][9:12] for _ in range(502)]
    assert statuses == [b"403"] * 500 + [b"429"] * 2


async def test_guess_a_throttled_message_gives_a_frame_and_the_connection_stays(
    start: "StartGateway",
) -> None:
    """B-313: a guess; B-311: a route's own limit, shared by all clients."""
    limited = Route("$default", HELLO, two_way=True, throttle=Throttle(1, 2))
    gateway = await start({"$default": limited, "$connect": accept})
    async with gateway.connect() as one, gateway.connect() as other:
        for client in (one, other):
            await client.send("x")
            assert await client.recv() == "hello"
        await other.send("x")
        text = await other.recv()
        connection_id = gateway.events[1]["requestContext"]["connectionId"]
        request_id = json.loads(text)["requestId"]
        assert text == (
            f'{{"message": "Too Many Requests", "connectionId":"{connection_id}", '
            f'"requestId":"{request_id}"}}'
        )
        await gateway.advance(1)
        await other.send("x")
        assert await other.recv() == "hello"


async def test_a_throttled_post_is_a_limit_exceeded_exception(
    start: "StartGateway", manage: "Callable[..., Management]"
) -> None:
    """B-314, B-202, B-224: with an empty body; calls count like everything else."""
    gateway = await start({"$connect": accept}, account_throttle=Throttle(1, 3))
    management = manage(gateway.endpoint)
    async with gateway.connect() as client:
        connection_id = gateway.events[0]["requestContext"]["connectionId"]
        for _ in range(2):
            await management.post(connection_id, b"x")
            assert await client.recv() == "x"
        for call in (management.post(connection_id, b"x"), management.get(connection_id)):
            with pytest.raises(ClientError) as refused:
                await call
            response = refused.value.response
            assert response["Error"]["Code"] == "LimitExceededException"
            assert response["Error"]["Message"] == ""
            assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert isinstance(refused.value, management.client.exceptions.LimitExceededException)
        status, answer = await gateway.request("POST", f"/dev/@connections/{connection_id}", b"x")
        assert status == 429
        assert answer.endswith(b"\r\n\r\n")
        await gateway.advance(1)
        await management.post(connection_id, b"y")
        assert await client.recv() == "y"


async def test_an_account_has_one_bucket(start: "StartGateway") -> None:
    """B-310: handshakes, messages and posts take from the same; what a stage allows is less."""
    gateway = await start(
        {"$default": Route("$default", HELLO, two_way=True)}, account_throttle=Throttle(1, 3)
    )
    async with gateway.connect() as client:
        await client.send("x")
        assert await client.recv() == "hello"
        connection_id = gateway.reports[0].connection_id
        path = f"/dev/@connections/{connection_id}"
        assert (await gateway.request("POST", path, b"posted"))[0] == 200
        assert await client.recv() == "posted"
        assert (await gateway.request("POST", path, b"x"))[0] == 429
        assert await status_of_connect(gateway) == 429
        await client.send("x")
        assert json.loads(await client.recv())["message"] == "Too Many Requests"


async def test_the_default_is_10_000_requests_a_second_after_a_burst_of_5_000(
    start: "StartGateway",
) -> None:
    """B-310: posts to an unknown connection count as well."""
    gateway = await start()
    request = (
        f"GET /dev/@connections/L0SM9cOFvHcCIhw%3D HTTP/1.1\r\nHost: {gateway.authority}\r\n\r\n"
    ).encode()

    async def statuses(count: int) -> list[int]:
        found: list[int] = []
        for _ in range(count // 100):
            answers = await gateway.exchange(request * 100, replies=100)
            found += [int(answer.split(b" ", 2)[1]) for answer in answers]
        return found

    assert (await statuses(5100)).count(429) == 100
    await gateway.advance(0.03125)
    assert (await statuses(400)).count(403) == 312


async def test_a_stage_limits_each_route_that_has_no_limit_of_its_own(
    start: "StartGateway",
) -> None:
    """B-311: DefaultRouteSettings and RouteSettings, `$connect` among the routes."""
    routes = {
        "$default": Route("$default", HELLO, two_way=True),
        "own": Route("own", HELLO, two_way=True, throttle=Throttle(0, 0)),
        "f": accept,
        "$connect": Route("$connect", LambdaProxy("f"), throttle=Throttle(100, 100)),
    }
    gateway = await start(routes, change=limited(Throttle(1, 2)))
    async with gateway.connect() as client, gateway.connect(), gateway.connect():
        for text in ("hello", "hello", "Too Many Requests"):
            await client.send("x")
            assert text in str(await client.recv())
        await client.send('{"action":"own"}')
        assert "Too Many Requests" in str(await client.recv())


async def test_limits_of_0_shut_a_stage(start: "StartGateway") -> None:
    """B-315: the trap of a settings block without limits; each connect is answered 429."""
    gateway = await start({"$connect": accept}, change=limited(Throttle(0, 0)))
    for _ in range(2):
        assert await status_of_connect(gateway) == 429
        await gateway.advance(60)
    assert gateway.events == []


async def test_a_usage_plan_throttles_its_key_alone(start: "StartGateway") -> None:
    """B-086: 429 where the key is right and used too often; another key goes on."""
    keys = tuple(ApiKey(name, f"{name}-value-0123456789", Throttle(1, 1)) for name in ("a", "b"))

    def change(deployment: Deployment) -> Deployment:
        (one,) = deployment.apis
        return structs.replace(deployment, apis=(structs.replace(one, api_keys=keys),))

    connect = Route("$connect", LambdaProxy("f"), api_key_required=True)
    gateway = await start({"$connect": connect, "f": accept}, change=change)

    async def status(key: str) -> int:
        try:
            async with gateway.connect(additional_headers={"x-api-key": key}):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    assert [await status(keys[0].value) for _ in range(2)] == [101, 429]
    assert await status(keys[1].value) == 101
    assert await status("wrong") == 403
    await gateway.advance(1)
    assert await status(keys[0].value) == 101
