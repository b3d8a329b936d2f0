"""Messages: route selection, results, error frames, route responses (sections 6, 7, 11, 12)."""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conformance.conftest import Function, StartGateway, TwoWay
    from tests.conftest import Eventually

Event = dict[str, Any]
Marking = Callable[["Function"], "TwoWay"]


def error_frame(event: Event, message: str) -> str:
    """Return the exact text of an error frame about an event (B-175)."""
    context = event["requestContext"]
    return (
        f'{{"message": "{message}", "connectionId":"{context["connectionId"]}", '
        f'"requestId":"{context["requestId"]}"}}'
    )


@pytest.mark.parametrize(
    ("text", "route_key"),
    [
        ('{"action": "echo"}', "echo"),
        ('{"action": "Echo"}', "$default"),
        ('{"action": "missing"}', "$default"),
        ("{}", "$default"),
        ("hello", "$default"),
        ('"echo"', "$default"),
        ("[]", "$default"),
    ],
)
async def test_the_route_is_selected_by_the_message(
    start: "StartGateway", eventually: "Eventually", text: str, route_key: str
) -> None:
    """B-122, B-157, B-158: the event names the route that was selected."""
    gateway = await start()
    async with gateway.connect() as client:
        await client.send(text)
        (event,) = await eventually(lambda: gateway.events_of("MESSAGE"))
    assert event["requestContext"]["routeKey"] == route_key


@pytest.mark.parametrize("key", ["$connect", "$disconnect"])
async def test_guess_a_client_cant_select_connect_or_disconnect(
    start: "StartGateway", eventually: "Eventually", key: str
) -> None:
    """B-160: a guess, the safe one: such a message takes `$default`."""
    gateway = await start()
    async with gateway.connect() as client:
        await client.send(json.dumps({"action": key}))
        (event,) = await eventually(lambda: gateway.events_of("MESSAGE"))
    assert event["requestContext"]["routeKey"] == "$default"


async def test_a_static_expression_leads_every_message_to_default(start: "StartGateway") -> None:
    r"""B-150 to B-152, B-158: `\$default` needs no JSON, and $connect is not selected by it."""
    gateway = await start(expression="\\$default")
    async with gateway.connect() as client:
        for text in ('{"action":"echo"}', "hello"):
            await client.send(text)
        await client.ping()
    routes = [event["requestContext"]["routeKey"] for event in gateway.events]
    assert routes[:3] == ["$connect", "$default", "$default"]


async def test_no_route_gives_a_forbidden_frame_and_the_connection_stays(
    start: "StartGateway", two_way: Marking
) -> None:
    """B-165, B-175: exact text; the next message is served."""

    async def echo(event: Event) -> object:
        return {"statusCode": 200, "body": event["body"]}

    gateway = await start({"echo": two_way(echo)})
    async with gateway.connect() as client:
        await client.send("not JSON")
        text = await client.recv()
        frame = json.loads(text)
        assert text == (
            f'{{"message": "Forbidden", "connectionId":"{frame["connectionId"]}", '
            f'"requestId":"{frame["requestId"]}"}}'
        )
        await client.send('{"action":"echo"}')
        assert await client.recv() == '{"action":"echo"}'


@pytest.mark.parametrize("is_two_way", [False, True])
async def test_a_function_that_raises_gives_an_error_frame(
    start: "StartGateway", two_way: Marking, *, is_two_way: bool
) -> None:
    """B-175, B-176, B-180, B-184: on one-way routes too, once; the connection stays open."""

    async def fail(event: Event) -> object:
        raise RuntimeError("broken")

    gateway = await start({"$default": two_way(fail) if is_two_way else fail})
    async with gateway.connect() as client:
        for count in (1, 2):
            await client.send("x")
            text = await client.recv()
            assert len(gateway.events) == count
            assert text == error_frame(gateway.events[-1], "Internal server error")


async def test_a_function_that_cant_be_invoked_gives_an_error_frame(start: "StartGateway") -> None:
    """B-166, B-180, B-185: a broken integration, or one that takes no more."""
    gateway = await start({"$default": None})
    async with gateway.connect() as client:
        await client.send("x")
        assert await client.recv() == error_frame(gateway.events[0], "Internal server error")


async def test_a_function_over_29_s_gives_an_error_frame_and_goes_on(
    start: "StartGateway", two_way: Marking, eventually: "Eventually"
) -> None:
    """B-181: the frame comes at the limit; what the function returns later goes nowhere."""
    finish = asyncio.Event()

    async def slow(event: Event) -> object:
        await finish.wait()
        return {"statusCode": 200, "body": "late"}

    async def echo(event: Event) -> object:
        return {"statusCode": 200, "body": event["body"]}

    gateway = await start({"$default": two_way(slow), "echo": two_way(echo)})
    async with gateway.connect() as client:
        await client.send("x")
        await eventually(lambda: gateway.events)
        await gateway.advance(29.0)
        assert await client.recv() == error_frame(gateway.events[0], "Endpoint request timed out")
        finish.set()
        await client.send('{"action":"echo"}')
        assert await client.recv() == '{"action":"echo"}'


@pytest.mark.parametrize(
    "result", [None, {"statusCode": 200, "body": "dropped"}, {"statusCode": 501, "body": "dropped"}]
)
async def test_a_one_way_route_sends_nothing(start: "StartGateway", result: object) -> None:
    """B-182, B-183, B-190: whatever the function returns, whatever its status."""

    async def function(event: Event) -> object:
        return result

    gateway = await start({"$default": function})
    async with gateway.connect() as client:
        await client.send("x")
        await client.ping()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 0.1)


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_two_way_route_sends_the_body_whatever_the_status(
    start: "StartGateway", two_way: Marking, status: int
) -> None:
    """B-191, B-192: one text frame with the body."""

    async def function(event: Event) -> object:
        return {"statusCode": status, "body": "answer: ü"}

    gateway = await start({"$default": two_way(function)})
    async with gateway.connect() as client:
        await client.send("x")
        assert await client.recv() == "answer: ü"


async def test_messages_of_one_connection_run_at_the_same_time(
    start: "StartGateway", two_way: Marking
) -> None:
    """B-194, B-290, B-291, B-293: the first answer may come last."""
    second_done = asyncio.Event()

    async def function(event: Event) -> object:
        if event["body"] == "first":
            await second_done.wait()
        else:
            second_done.set()
        return {"statusCode": 200, "body": event["body"]}

    gateway = await start({"$default": two_way(function)})
    async with gateway.connect() as client:
        await client.send("first")
        await client.send("second")
        assert await client.recv() == "second"
        assert await client.recv() == "first"


async def test_disconnect_overtakes_a_slow_message(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-295: $disconnect does not wait for messages that are still worked on."""
    release = asyncio.Event()

    async def slow(event: Event) -> object:
        await release.wait()
        return None

    async def disconnect(event: Event) -> object:
        return None

    gateway = await start({"$default": slow, "$disconnect": disconnect})
    async with gateway.connect() as client:
        await client.send("x")
        await eventually(lambda: gateway.events)
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    release.set()
