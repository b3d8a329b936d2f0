"""Integrations and their results over the wire: mocks, HTTP backends, odd results (3, 7, 12)."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from websockets.exceptions import InvalidStatus

from gatepost.gateway.core.deployment import HttpProxy, LambdaMapped, LambdaProxy, Mock, Route

if TYPE_CHECKING:
    from tests.conformance.conftest import Function, StartGateway, TwoWay
    from tests.conftest import Eventually

Event = dict[str, Any]
Marking = Callable[["Function"], "TwoWay"]


@dataclass(slots=True)
class Backend:
    """An HTTP server; `requests` are method, path with query, headers and body of each."""

    requests: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    port: int = 0
    status: int = 200
    body: bytes = b"from the backend"
    headers: dict[str, str] = field(default_factory=dict)
    answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, request: web.Request) -> web.Response:
        """Write the request down and answer as told."""
        body = await request.text()
        self.requests.append((request.method, request.path_qs, dict(request.headers), body))
        await self.answer.wait()
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    def proxy(self, **parameters: str) -> HttpProxy:
        """Return an integration that leads here."""
        mapped = {f"integration.request.header.{name}": v for name, v in parameters.items()}
        return HttpProxy("POST", f"http://127.0.0.1:{self.port}/hook", mapped)


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    """A backend that answers at once."""
    backend = Backend()
    backend.answer.set()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", backend.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    backend.port = runner.addresses[0][1]
    yield backend
    backend.answer.set()
    await runner.cleanup()


async def test_a_message_reaches_an_http_backend_and_its_answer_the_client(
    start: "StartGateway", backend: Backend
) -> None:
    """B-191, B-192: the body whatever the status; the context comes by parameters."""
    proxy = backend.proxy(connectionId="context.connectionId", fixed="'yes'")
    gateway = await start({"$default": Route("$default", proxy, two_way=True)})
    async with gateway.connect() as client:
        for status in (200, 500):
            backend.status = status
            await client.send("hello, grüß")
            assert await client.recv() == "from the backend"
    method, path, headers, body = backend.requests[0]
    assert (method, path, body) == ("POST", "/hook", "hello, grüß")
    assert len(headers["connectionId"]) == 16
    assert headers["fixed"] == "yes"
    assert headers["User-Agent"] == "AmazonAPIGateway_a1b2c3d4e5"


async def test_a_one_way_route_drops_what_a_backend_answers(
    start: "StartGateway", backend: Backend, eventually: "Eventually"
) -> None:
    """B-183, B-190."""
    backend.status = 500
    gateway = await start({"$default": Route("$default", backend.proxy())})
    async with gateway.connect() as client:
        await client.send("x")
        await eventually(lambda: [r for r in gateway.reports if r.status == 500])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 0.1)


@pytest.mark.parametrize(("status", "accepted"), [(200, True), (403, False), (302, False)])
async def test_a_backend_decides_on_connect(
    start: "StartGateway", backend: Backend, status: int, *, accepted: bool
) -> None:
    """B-041, B-042, B-049, B-050: its status is that of the handshake; redirects are a status."""
    backend.status = status
    backend.headers = {"Sec-WebSocket-Protocol": "chat.v1", "Set-Cookie": "a=b"}
    if status == 302:
        backend.headers["Location"] = "/elsewhere"
    gateway = await start({"$connect": Route("$connect", backend.proxy())})
    if accepted:
        async with gateway.connect("/dev?token=t", subprotocols=["chat.v1"]) as client:
            assert client.subprotocol == "chat.v1"
            assert client.response is not None
            assert "Set-Cookie" not in client.response.headers
    else:
        with pytest.raises(InvalidStatus) as refused:
            async with gateway.connect("/dev?token=t"):
                pass
        assert refused.value.response.status_code == status
        assert refused.value.response.body == b"from the backend"
    ((_, path, headers, _),) = backend.requests
    assert path == "/hook?token=t"
    assert headers["Sec-WebSocket-Version"] == "13"
    assert "Upgrade" not in headers


async def test_a_function_behind_templates_gets_and_gives_what_they_make(
    start: "StartGateway",
) -> None:
    """B-186, B-188: neither sees a proxy event, nor does a statusCode count."""

    async def count(event: dict[str, object]) -> dict[str, object]:
        return {"statusCode": 500, "got": event}

    mapped = LambdaMapped(
        "count",
        {"sum": "{\"of\": $input.json('$.n')}", "$default": '{"all": $input.body}'},
        "$request.body.kind",
        response_templates={"$default": "-> $input.json('$.got')"},
    )
    gateway = await start(
        {"count": count, "$default": Route("$default", mapped, two_way=True)},
    )
    async with gateway.connect() as client:
        await client.send('{"kind": "sum", "n": [1, 2]}')
        assert await client.recv() == '-> {"of":[1,2]}'
        await client.send('{"kind": "other"}')
        assert await client.recv() == '-> {"all":{"kind":"other"}}'


async def test_a_message_without_a_template_may_not_pass(start: "StartGateway") -> None:
    """B-187: NEVER; the connection stays open."""

    async def count(event: dict[str, object]) -> dict[str, object]:
        return event

    mapped = LambdaMapped("count", passthrough="NEVER")
    gateway = await start({"count": count, "$default": Route("$default", mapped, two_way=True)})
    async with gateway.connect() as client:
        for _ in range(2):
            await client.send("{}")
            assert json.loads(await client.recv())["message"] == "Internal server error"
    assert not gateway.events


async def test_a_backend_over_29_s_gives_an_error_frame(
    start: "StartGateway", backend: Backend, eventually: "Eventually"
) -> None:
    """B-181, B-275: the same limit for every kind of integration."""
    backend.answer.clear()
    gateway = await start({"$default": Route("$default", backend.proxy(), two_way=True)})
    async with gateway.connect() as client:
        await client.send("x")
        await eventually(lambda: backend.requests)
        await gateway.advance(29.0)
        assert json.loads(await client.recv())["message"] == "Endpoint request timed out"
        backend.answer.set()
        await client.send("y")
        assert await client.recv() == "from the backend"


async def test_a_backend_that_is_not_there_gives_an_error_frame(
    start: "StartGateway",
) -> None:
    """B-180, B-044: the connection stays open; at `$connect` it is 500."""
    with socket.socket() as deaf:  # has a port, and does not listen
        deaf.bind(("127.0.0.1", 0))
        nowhere = HttpProxy("POST", f"http://127.0.0.1:{deaf.getsockname()[1]}/")
    gateway = await start({"$default": Route("$default", nowhere)})
    async with gateway.connect() as client:
        for _ in range(2):
            await client.send("x")
            assert json.loads(await client.recv())["message"] == "Internal server error"
    gateway = await start({"$connect": Route("$connect", nowhere)})
    with pytest.raises(InvalidStatus) as refused:
        async with gateway.connect():
            pass
    assert refused.value.response.status_code == 500


async def test_a_mock_answers_without_a_backend(start: "StartGateway") -> None:
    """B-190, B-191: on `$connect`, `$disconnect` and messages, with what a template refers to."""
    mock = Mock(
        '{"statusCode": 200}',
        {"200": '{"id":"$context.connectionId","text":$input.json(\'$.text\')}'},
    )
    routes = {
        "$connect": Route("$connect", Mock('{"statusCode": 201}')),
        "$disconnect": Route("$disconnect", Mock()),
        "$default": Route("$default", mock, two_way=True),
        "quiet": Route("quiet", mock),
    }
    gateway = await start(routes)
    async with gateway.connect() as client:
        await client.send('{"action":"quiet"}')
        await client.send('{"text":"a \\"b\\""}')
        answer = json.loads(await client.recv())
    assert answer["text"] == 'a "b"'
    assert answer["id"] == gateway.reports[0].connection_id


async def test_a_mock_refuses_on_connect(start: "StartGateway") -> None:
    """B-042: with the status that its request template gives."""
    gateway = await start({"$connect": Route("$connect", Mock('{"statusCode": 403}'))})
    with pytest.raises(InvalidStatus) as refused:
        async with gateway.connect():
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("result", [{}, {"body": "x"}, "ok", [], 5, {"statusCode": "200"}])
async def test_a_malformed_result_on_connect_is_refused(
    start: "StartGateway", result: object
) -> None:
    """B-045: 502; a `statusCode` must be there and be an integer."""

    async def connect(event: Event) -> object:
        return result

    gateway = await start({"$connect": connect})
    with pytest.raises(InvalidStatus) as refused:
        async with gateway.connect():
            pass
    assert refused.value.response.status_code == 502


async def test_a_connect_result_without_status_may_accept(start: "StartGateway") -> None:
    """B-045: contested for an object without `statusCode`, so a setting turns it."""

    async def connect(event: Event) -> object:
        return {}

    gateway = await start({"$connect": connect}, accept_connect_without_status=True)
    async with gateway.connect() as client:
        await client.ping()


@pytest.mark.parametrize(
    "result",
    [
        "ok",
        {"body": "no status"},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "body": "/w==", "isBase64Encoded": True},
        pytest.param({"statusCode": 200, "body": "x" * 131_073}, id="over 128 KiB"),
    ],
)
async def test_a_result_that_is_no_message_fails_a_two_way_route_alone(
    start: "StartGateway", two_way: Marking, eventually: "Eventually", result: object
) -> None:
    """B-045, B-182, B-250: inferred; a one-way route has no use for it."""

    async def function(event: Event) -> object:
        return result

    gateway = await start({"$default": two_way(function), "one-way": function})
    async with gateway.connect() as client:
        await client.send('{"action":"one-way"}')
        await eventually(lambda: [r for r in gateway.reports if r.route_key == "one-way"])
        await client.send("x")
        assert json.loads(await client.recv())["message"] == "Internal server error"


@pytest.mark.parametrize("result", [None, {"statusCode": 200}, {"statusCode": 200, "body": None}])
async def test_a_two_way_route_sends_an_empty_frame_for_nothing(
    start: "StartGateway", two_way: Marking, result: object
) -> None:
    """B-193: single report; `null` is inferred to be the same."""

    async def function(event: Event) -> object:
        return result

    gateway = await start({"$default": two_way(function)})
    async with gateway.connect() as client:
        await client.send("x")
        assert await client.recv() == ""


async def test_a_long_response_is_fragmented_like_a_post(
    start: "StartGateway", two_way: Marking
) -> None:
    """B-195, B-250, B-253: 128 KiB arrive in frames of at most 32 KiB."""

    async def function(event: Event) -> object:
        return {"statusCode": 200, "body": "x" * 131_072}

    gateway = await start({"$default": two_way(function)})
    async with gateway.connect() as client:
        await client.send("x")
        sizes = [len(part) async for part in client.recv_streaming()]
    assert sizes == [32_768] * 4


async def test_a_base64_response_arrives_as_text(start: "StartGateway", two_way: Marking) -> None:
    """B-191: `isBase64Encoded` is undone; the frame is text as ever."""

    async def function(event: Event) -> object:
        return {"statusCode": 200, "body": "Z3LDvMOf", "isBase64Encoded": True}

    gateway = await start({"$default": two_way(function)})
    async with gateway.connect() as client:
        await client.send("x")
        assert await client.recv() == "grüß"


async def test_an_integration_timeout_is_the_routes_own(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-275, B-181: from 50 ms; a shorter one rings earlier."""
    release = asyncio.Event()

    async def slow(event: Event) -> object:
        await release.wait()
        return None

    route = Route("$default", LambdaProxy("slow"), integration_timeout_s=0.05)
    gateway = await start({"$default": route, "slow": slow})
    async with gateway.connect() as client:
        await client.send("x")
        await eventually(lambda: gateway.events)
        await gateway.advance(0.05)
        assert json.loads(await client.recv())["message"] == "Endpoint request timed out"
        release.set()
