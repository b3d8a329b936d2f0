"""Route selection and model validation (section 6) over the wire."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from gatepost.gateway.core.deployment import LambdaProxy, Mock, Route
from gatepost.gateway.core.routes import ExpressionError

if TYPE_CHECKING:
    from tests.conformance.conftest import StartGateway
    from tests.conftest import Eventually

Event = dict[str, Any]

JOIN = '{"service":"chat","action":"join"}'
NAMED = {"200": "$context.routeKey"}
ANSWER = '{"statusCode": 200}'


def naming(key: str) -> Route:
    """Return a route that answers each message with its own key."""
    return Route(key, Mock(ANSWER, NAMED), two_way=True)


async def accept(event: Event) -> object:
    """Do nothing, successfully."""
    return {"statusCode": 200}


@pytest.mark.parametrize(
    ("expression", "message", "key"),
    [
        ("$request.body.action", JOIN, "join"),
        ("${request.body.service}/${request.body.action}", JOIN, "chat/join"),
        ("${request.body.action}-${request.body.missing}", JOIN, "join-"),
        ("action", JOIN, "action"),
        ("x-$request.body.missing", JOIN, "x-"),
        ("$request.body.list", '{"list":["item1","item2"]}', "[item1, item2]"),
        ("$request.body.n", '{"n":1.5}', "1.5"),
        ("$request.body.b", '{"b":true}', "true"),
        ("x$request.body.none", '{"none":null}', "x"),
        ("$request.body.service.do", '{"service":{"do":"it"}}', "it"),
        ("$request.body.a", '{"a":"x$request.body.b","b":"x"}', "x$request.body.b"),
    ],
)
async def test_the_expression_is_evaluated(
    start: "StartGateway", expression: str, message: str, key: str
) -> None:
    """B-152, B-153, B-154, B-155, B-156, B-167: the table of the guide, and what else it says."""
    routes = {name: naming(name) for name in (key, "$default")}
    gateway = await start(routes, expression=expression)
    async with gateway.connect() as client:
        await client.send(message)
        assert await client.recv() == key


async def test_the_expression_is_whatever_the_template_says(start: "StartGateway") -> None:
    """B-150: `action` is a convention; where another name is chosen it means nothing."""
    routes = {name: naming(name) for name in ("join", "$default")}
    gateway = await start(routes, expression="$request.body.type")
    async with gateway.connect() as client:
        await client.send('{"action":"join"}')
        assert await client.recv() == "$default"
        await client.send('{"type":"join"}')
        assert await client.recv() == "join"


async def test_connect_and_disconnect_do_not_depend_on_the_expression(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-151: they run whatever it says, once each, and no message's value leads to them."""
    routes = dict.fromkeys(("$connect", "$disconnect", "$default"), accept)
    gateway = await start(routes, expression="\\$disconnect")
    async with gateway.connect("/dev?action=join") as client:
        await client.send("x")
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    keys = [event["requestContext"]["routeKey"] for event in gateway.events]
    assert keys == ["$connect", "$default", "$disconnect"]


async def test_an_expression_that_cant_be_read_is_refused_at_the_start(
    start: "StartGateway",
) -> None:
    """B-152: nothing but `$request.body` selects a route."""
    with pytest.raises(ExpressionError, match=r"\$context"):
        await start(expression="$context.stage")


async def test_the_route_key_matches_exactly(start: "StartGateway") -> None:
    """B-157, B-165: no other case, no part; the connection stays open."""
    gateway = await start({"join": naming("join")})
    async with gateway.connect() as client:
        for action in ("Join", "JOIN", "join ", "joi", ""):
            await client.send(json.dumps({"action": action}))
            assert json.loads(await client.recv())["message"] == "Forbidden"
        await client.send(JOIN)
        assert await client.recv() == "join"


@pytest.mark.parametrize("message", ["hello", '"join"', "5", "[]", "null", ""])
async def test_what_is_no_json_object_goes_to_default(start: "StartGateway", message: str) -> None:
    """B-158: text that is no JSON, and JSON that is no object."""
    gateway = await start({name: naming(name) for name in ("join", "$default")})
    async with gateway.connect() as client:
        await client.send(message)
        assert await client.recv() == "$default"


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("message", ['{action: "join"}', '{"action":"join", body:"b"}'])
async def test_names_without_quotes_count_only_when_a_setting_says_so(
    start: "StartGateway", message: str, *, lenient: bool
) -> None:
    """B-159: single report, so the default is strict."""
    routes = {name: naming(name) for name in ("join", "$default")}
    gateway = await (start(routes, lenient_json=True) if lenient else start(routes))
    async with gateway.connect() as client:
        await client.send(message)
        assert await client.recv() == ("join" if lenient else "$default")


@pytest.mark.parametrize("key", ["$connect", "$disconnect"])
async def test_guess_connect_and_disconnect_are_forbidden_without_default(
    start: "StartGateway", key: str
) -> None:
    """B-160: a guess; their functions see no message, whatever the client sends."""
    gateway = await start({"$connect": accept, "$disconnect": accept})
    async with gateway.connect() as client:
        await client.send(json.dumps({"action": key}))
        assert json.loads(await client.recv())["message"] == "Forbidden"
        assert [e["requestContext"]["eventType"] for e in gateway.events] == ["CONNECT"]


async def test_a_route_without_a_target_is_an_integration_that_fails(
    start: "StartGateway", eventually: "Eventually"
) -> None:
    """B-166: a frame for a message, 500 for a handshake."""
    gateway = await start({"$default": Route("$default")})
    async with gateway.connect() as client:
        for _ in range(2):
            await client.send("x")
            assert json.loads(await client.recv())["message"] == "Internal server error"
    gateway = await start({"$connect": Route("$connect")})
    status, _ = await gateway.request(
        "GET",
        "/dev",
        headers="Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    )
    assert status == 500


async def test_one_integration_serves_many_routes(start: "StartGateway") -> None:
    """B-167: the event tells which route it was."""
    seen = []

    async def function(event: Event) -> object:
        seen.append(event["requestContext"]["routeKey"])
        return {"statusCode": 200, "body": "done"}

    shared = {key: Route(key, LambdaProxy("shared"), two_way=True) for key in ("join", "leave")}
    gateway = await start({**shared, "shared": function})
    async with gateway.connect() as client:
        for key in shared:
            await client.send(json.dumps({"action": key}))
            assert await client.recv() == "done"
    assert seen == ["join", "leave"]


async def test_a_message_that_fits_no_model_is_not_sent_to_the_backend(
    start: "StartGateway",
) -> None:
    """B-168: exact text, with a messageId and no requestId; the connection stays open."""
    model: dict[str, object] = {"type": "object", "required": ["text"]}
    route = Route(
        "$default",
        LambdaProxy("function"),
        two_way=True,
        model_selection_expression="${request.body.kind}",
        models={"chat": model},
    )

    async def function(event: Event) -> object:
        return {"statusCode": 200, "body": "fits"}

    gateway = await start({"$default": route, "function": function, "$connect": accept})
    async with gateway.connect() as client:
        connection_id = gateway.events[0]["requestContext"]["connectionId"]
        for message in ('{"kind":"chat"}', '{"kind":"other","text":"x"}', "no JSON"):
            await client.send(message)
            text = await client.recv()
            message_id = json.loads(text)["messageId"]
            assert text == (
                f'{{"message" : "Bad request body", "connectionId": "{connection_id}", '
                f'"messageId": "{message_id}"}}'
            )
            assert message_id[-5:] == connection_id[-5:]
        assert gateway.events_of("MESSAGE") == []
        await client.send('{"kind":"chat","text":"x"}')
        assert await client.recv() == "fits"


async def test_the_default_model_stands_for_those_that_are_missing(start: "StartGateway") -> None:
    """B-168: as the page on request validation says."""
    route = Route(
        "$default",
        Mock(ANSWER, {"200": "fits"}),
        two_way=True,
        model_selection_expression="${request.body.kind}",
        models={"$default": {"type": "object", "required": ["text"]}},
    )
    gateway = await start({"$default": route})
    async with gateway.connect() as client:
        await client.send('{"kind":"any"}')
        assert json.loads(await client.recv())["message"] == "Bad request body"
        await client.send('{"kind":"any","text":""}')
        assert await client.recv() == "fits"
