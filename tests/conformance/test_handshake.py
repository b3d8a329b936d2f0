"""The handshake on the wire: what a client is answered before any frame (sections 2, 3 and 12)."""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidStatus, NegotiationError
from websockets.typing import Subprotocol

if TYPE_CHECKING:
    from tests.conformance.conftest import Function, RunningGateway, StartGateway, TwoWay
    from tests.conftest import Eventually

Event = dict[str, Any]
Marking = Callable[["Function"], "TwoWay"]
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


async def refused_status(gateway: "RunningGateway", path: str = "/dev") -> tuple[int, bytes]:
    """Connect where that must fail and return status and body of the refusal."""
    with pytest.raises(InvalidStatus) as refusal:
        async with gateway.connect(path):
            pass
    response = refusal.value.response
    return response.status_code, bytes(response.body or b"")


@pytest.mark.parametrize("path", ["/dev", "/dev/", "/dev?room=blue", "/dev/?room=blue"])
async def test_a_client_connects_to_the_stage(start: "StartGateway", path: str) -> None:
    """B-020: the stage is the path; a slash after it and a query string do no harm."""
    gateway = await start()
    async with gateway.connect(path) as client:
        await client.send('{"action": "echo"}')
        assert await client.recv() == '{"action": "echo"}'


@pytest.mark.parametrize("path", ["/", "/prod", "/DEV"])
async def test_an_unknown_stage_is_forbidden(start: "StartGateway", path: str) -> None:
    """B-023: 403, with AWS's body."""
    gateway = await start()
    assert await refused_status(gateway, path) == (403, b'{"message":"Forbidden"}')
    assert gateway.events == []


async def test_guess_more_path_than_the_stage_is_forbidden(start: "StartGateway") -> None:
    """B-024, B-022: a guess; that there are no path variables is documented."""
    gateway = await start()
    assert await refused_status(gateway, "/dev/rooms") == (403, b'{"message":"Forbidden"}')
    assert gateway.events == []


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_any_2xx_accepts(start: "StartGateway", status: int) -> None:
    """B-041: $connect accepts with any 2xx."""

    async def connect(event: Event) -> object:
        return {"statusCode": status}

    gateway = await start({"$connect": connect})
    async with gateway.connect() as client:
        assert client.response is not None
        assert client.response.status_code == 101


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 501])
async def test_any_other_status_is_the_answer_to_the_handshake(
    start: "StartGateway", status: int
) -> None:
    """B-042: a rejection is an HTTP status before any frame, never a close code."""

    async def connect(event: Event) -> object:
        return {"statusCode": status}

    gateway = await start({"$connect": connect})
    assert (await refused_status(gateway))[0] == status


async def test_guess_the_body_of_a_rejection_is_the_functions(start: "StartGateway") -> None:
    """B-054: a guess; browsers can't read it anyway."""

    async def connect(event: Event) -> object:
        return {"statusCode": 403, "body": "not you"}

    gateway = await start({"$connect": connect})
    assert await refused_status(gateway) == (403, b"not you")


async def test_guess_a_rejection_of_the_gateways_own_says_which_request(
    start: "StartGateway",
) -> None:
    """B-054: a guess: message, connectionId and requestId of the CONNECT event."""
    gateway = await start({"$connect": None})
    _, body = await refused_status(gateway)
    context = gateway.events[0]["requestContext"]
    assert json.loads(body) == {
        "message": "Internal server error",
        "connectionId": context["connectionId"],
        "requestId": context["requestId"],
    }


async def test_guess_no_disconnect_follows_a_rejected_connect(start: "StartGateway") -> None:
    """B-055: a guess: a connection that never was does not disconnect."""

    async def connect(event: Event) -> object:
        return {"statusCode": 403}

    gateway = await start({"$connect": connect, "$disconnect": connect})
    await refused_status(gateway)
    await gateway.advance(7200)
    assert [e["requestContext"]["eventType"] for e in gateway.events] == ["CONNECT"]


async def test_a_connect_function_that_raises_is_502(start: "StartGateway") -> None:
    """B-043: the function raised."""

    async def connect(event: Event) -> object:
        raise ValueError("broken")

    gateway = await start({"$connect": connect})
    status, body = await refused_status(gateway)
    assert status == 502
    assert json.loads(body)["message"] == "Internal server error"


async def test_a_connect_function_that_cant_be_invoked_is_500(start: "StartGateway") -> None:
    """B-044: the integration is broken."""
    gateway = await start({"$connect": None})
    assert (await refused_status(gateway))[0] == 500


@pytest.mark.parametrize("result", [None, "ok", [], {}, {"statusCode": "yes"}])
async def test_a_malformed_result_of_connect_is_502(start: "StartGateway", result: object) -> None:
    """B-045: no object with an integer statusCode."""

    async def connect(event: Event) -> object:
        return result

    gateway = await start({"$connect": connect})
    assert (await refused_status(gateway))[0] == 502


async def test_a_connect_function_that_is_too_slow_is_504(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-046, B-275: nobody waits longer than 29 s for $connect."""
    answered = asyncio.Event()

    async def connect(event: Event) -> object:
        await answered.wait()
        return {"statusCode": 200}

    gateway = await start({"$connect": connect})
    refusal = asyncio.create_task(refused_status(gateway))
    await eventually(lambda: gateway.events)
    await gateway.advance(28.9)
    assert not refusal.done()
    await gateway.advance(0.2)
    assert (await refusal)[0] == 504
    answered.set()


async def test_no_message_runs_before_connect_has_ended(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-040, B-294: what a client sent ahead of the 101 is worked on after it."""
    answered = asyncio.Event()

    async def connect(event: Event) -> object:
        await answered.wait()
        return {"statusCode": 200}

    async def function(event: Event) -> object:
        return None

    gateway = await start({"$connect": connect, "$default": function})
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.server.port)
    writer.write(
        f"GET /dev HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
        + b"\x81\x85\x00\x00\x00\x00early"
    )
    await eventually(lambda: gateway.events)
    await gateway.advance(1.0)
    assert gateway.events_of("MESSAGE") == []
    answered.set()
    (event,) = await eventually(lambda: gateway.events_of("MESSAGE"))
    assert event["body"] == "early"
    assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
    writer.transport.abort()


async def test_guess_connect_never_sends_a_frame(start: "StartGateway", two_way: Marking) -> None:
    """B-056: a guess about a route response on $connect: its body goes nowhere."""

    async def connect(event: Event) -> object:
        return {"statusCode": 200, "body": "welcome"}

    async def echo(event: Event) -> object:
        return {"statusCode": 200, "body": event["body"]}

    gateway = await start({"$connect": two_way(connect), "$default": two_way(echo)})
    async with gateway.connect() as client:
        await client.send("first frame")
        assert await client.recv() == "first frame"


async def test_without_a_connect_route_everybody_is_accepted(start: "StartGateway") -> None:
    """B-047: $connect is optional."""
    gateway = await start({"$default": None})
    async with gateway.connect():
        assert gateway.events == []


async def test_no_header_of_the_function_reaches_the_101(start: "StartGateway") -> None:
    """B-049, B-053: on success body and headers of $connect go nowhere."""

    async def connect(event: Event) -> object:
        return {"statusCode": 200, "headers": {"Set-Cookie": "a=b", "X-Own": "1"}, "body": "hello"}

    gateway = await start({"$connect": connect})
    async with gateway.connect() as client:
        assert client.response is not None
        assert "Set-Cookie" not in client.response.headers
        assert "X-Own" not in client.response.headers


@pytest.mark.parametrize("name", ["Sec-WebSocket-Protocol", "sec-websocket-protocol"])
async def test_the_function_chooses_the_subprotocol(start: "StartGateway", name: str) -> None:
    """B-050: the offer is in the event as one list; the one returned goes into the 101."""

    async def connect(event: Event) -> object:
        return {"statusCode": 200, "headers": {name: "chat.v1"}}

    gateway = await start({"$connect": connect})
    offered = [Subprotocol("chat.v2"), Subprotocol("chat.v1")]
    async with gateway.connect(subprotocols=offered) as client:
        assert client.subprotocol == "chat.v1"
    (event,) = gateway.events_of("CONNECT")
    assert event["headers"]["Sec-WebSocket-Protocol"] == "chat.v2, chat.v1"


async def test_no_chosen_subprotocol_is_no_refusal(start: "StartGateway") -> None:
    """B-051: the 101 then comes without the header, and the client decides what that means."""
    gateway = await start()
    async with gateway.connect(subprotocols=[Subprotocol("chat.v1")]) as client:
        assert client.response is not None
        assert "Sec-WebSocket-Protocol" not in client.response.headers


async def test_guess_a_subprotocol_that_was_not_offered_is_passed_on(
    start: "StartGateway",
) -> None:
    """B-052: a guess; a client library fails it, as browsers do."""

    async def connect(event: Event) -> object:
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat.v9"}}

    gateway = await start({"$connect": connect})
    with pytest.raises(NegotiationError, match=r"chat\.v9"):
        await gateway.connect(subprotocols=[Subprotocol("chat.v1")])
    gateway = await start({"$connect": connect}, pass_unoffered_subprotocol=False)
    async with gateway.connect(subprotocols=[Subprotocol("chat.v1")]) as client:
        assert client.subprotocol is None


@pytest.mark.parametrize("origin", [None, "https://somewhere.example"])
async def test_the_gateway_checks_no_origin(start: "StartGateway", origin: str | None) -> None:
    """B-029: Origin is a header on the event and nothing more."""
    gateway = await start()
    async with gateway.connect(origin=origin):
        (event,) = gateway.events
    assert event["headers"].get("Origin") == origin


async def test_a_plain_get_of_the_socket_needs_an_upgrade(start: "StartGateway") -> None:
    """B-025: 426 for a GET without upgrade headers."""
    gateway = await start()
    status, answer = await gateway.request("GET", "/dev")
    assert status == 426
    assert b"\r\nUpgrade: websocket\r\n" in answer


async def test_a_url_over_4096_characters_is_414(start: "StartGateway") -> None:
    """B-028: the limit of a URL."""
    gateway = await start()
    assert (await refused_status(gateway, "/dev?a=" + "x" * 4090))[0] == 414
    async with gateway.connect("/dev?a=" + "x" * 4080):
        pass


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET /dev HTTP/1.1", "Sec-WebSocket-Version: 13\r\n", 400),
        ("GET /dev HTTP/1.1", f"Sec-WebSocket-Key: {KEY}\r\n", 400),
        ("GET /dev HTTP/1.1", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", 400),
        ("GET /dev HTTP/1.1", f"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: {KEY}\r\n", 426),
        ("POST /dev HTTP/1.1", f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n", 405),
    ],
)
async def test_a_malformed_handshake_never_reaches_a_function(
    start: "StartGateway", request_line: str, headers: str, status: int
) -> None:
    """B-040: RFC 6455 4.2.1 and 4.4: no key, a bad key, no version, another version, no GET."""
    gateway = await start()
    (answer,) = await gateway.exchange(
        f"{request_line}\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"{headers}\r\n".encode()
    )
    assert int(answer.split(b" ")[1]) == status
    assert (b"Sec-WebSocket-Version: 13" in answer) is (status == 426)
    assert answer.lower().count(b"content-type:") == 1
    assert gateway.events == []


async def test_a_client_that_leaves_before_the_answer_is_disconnected_once(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-040: the upgrade is pending; a row written by $connect is cleaned up by $disconnect."""
    answered = asyncio.Event()

    async def connect(event: Event) -> object:
        await answered.wait()
        return {"statusCode": 200}

    async def disconnect(event: Event) -> object:
        return None

    gateway = await start({"$connect": connect, "$disconnect": disconnect})
    connecting = asyncio.create_task(refused_status(gateway))
    await eventually(lambda: gateway.events)
    connecting.cancel()
    await eventually(lambda: [r for r in gateway.reports if r.kind == "connect"])
    answered.set()
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    assert len(gateway.events) == 2
