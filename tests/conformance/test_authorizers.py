"""Lambda authorizers and API keys at `$connect`, over the wire (section 4)."""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs
from websockets.exceptions import InvalidStatus

from gatepost.gateway.core.deployment import ApiKey, Authorizer, Deployment

if TYPE_CHECKING:
    from tests.conformance.conftest import Function, RunningGateway, StartGateway, TwoWay
    from tests.conftest import Eventually

Event = dict[str, Any]
Change = Callable[[Deployment], Deployment]
ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/$connect"
TOKEN = "route.request.querystring.token"


def guarded(*sources: str, **api: object) -> Change:
    """Put an authorizer before `$connect`; `api` are other fields of the API."""

    def change(deployment: Deployment) -> Deployment:
        (one,) = deployment.apis
        authorizer = Authorizer("auth", "authorize", sources)
        keyed = "api_keys" in api
        connect = structs.replace(
            one.routes["$connect"], authorization=authorizer, api_key_required=keyed
        )
        routes = {**one.routes, "$connect": connect}
        return structs.replace(deployment, apis=(structs.replace(one, routes=routes, **api),))

    return change


def policy(resource: object = ARN, effect: str = "Allow", **more: object) -> Event:
    """A result of an authorizer."""
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "u-1", "policyDocument": document, **more}


@pytest.fixture
def guard(start: "StartGateway", two_way: "Callable[[Function], TwoWay]") -> Callable[..., Any]:
    """Start a gateway whose authorizer returns, or raises, `result`."""

    async def begin(result: object, *sources: str, **api: object) -> "RunningGateway":
        async def authorize(event: Event) -> object:
            if isinstance(result, Exception):
                raise result
            return result

        async def accept(event: Event) -> object:
            return {"statusCode": 200}

        async def tell(event: Event) -> object:
            return {"statusCode": 200, "body": json.dumps(event["requestContext"]["authorizer"])}

        gateway = await start(
            {"$connect": accept, "$disconnect": accept, "$default": two_way(tell)},
            change=guarded(*sources, **api),
        )
        gateway.functions["authorize"] = authorize
        return gateway

    return begin


async def refusal(gateway: "RunningGateway", path: str = "/dev", **options: Any) -> int:  # noqa: ANN401
    """Connect, and return the status of the refusal."""
    with pytest.raises(InvalidStatus) as refused:
        await gateway.connect(path, **options)
    return refused.value.response.status_code


async def test_a_missing_identity_source_is_401_without_a_call(guard: Callable[..., Any]) -> None:
    """B-072, B-048: all of them must be there and not empty; names of headers have no case."""
    gateway = await guard(policy(), TOKEN, "route.request.header.X-Device")
    device = {"additional_headers": {"x-device": "d"}}
    for path, options in [("/dev", device), ("/dev?token=", device), ("/dev?token=t", {})]:
        assert await refusal(gateway, path, **options) == 401
    assert gateway.events == []
    async with gateway.connect("/dev?token=t", **device):
        assert len(gateway.events) == 2


@pytest.mark.parametrize(
    ("source", "there"),
    [("stageVariables.tier", True), ("context.identity.sourceIp", True), ("context.none", False)],
)
async def test_identity_may_come_from_the_stage_and_the_context(
    guard: Callable[..., Any],
    source: str,
    there: bool,  # noqa: FBT001
) -> None:
    """B-072: stageVariables.X and context.X."""
    gateway = await guard(policy(), source, stage_variables={"tier": "free"})
    if there:
        await (await gateway.connect()).close()
    else:
        assert await refusal(gateway) == 401
    assert bool(gateway.events) is there


async def test_a_header_as_identity_keeps_every_browser_out(guard: Callable[..., Any]) -> None:
    """B-073: CDK's default source is a header that browsers can't send."""
    gateway = await guard(policy(), "route.request.header.Authorization")
    assert await refusal(gateway, origin="https://app.example.com") == 401
    assert gateway.events == []


async def test_without_identity_sources_the_authorizer_always_runs(
    guard: Callable[..., Any],
) -> None:
    """B-072, B-071: an empty list is allowed; each attempt asks anew, the same one too."""
    gateway = await guard(policy())
    for _ in range(3):
        await (await gateway.connect("/dev?token=same")).close()
    assert [e.get("type") for e in gateway.events].count("REQUEST") == 3


async def test_the_authorizer_event_has_these_keys_and_no_others(
    guard: Callable[..., Any],
) -> None:
    """B-074, B-075, B-011: the headers of the upgrade too, and objects where there is nothing."""
    gateway = await guard(policy())
    async with gateway.connect():
        asked, connected = gateway.events
    assert set(asked) == {
        "type", "methodArn", "headers", "multiValueHeaders", "queryStringParameters",
        "multiValueQueryStringParameters", "stageVariables", "requestContext",
    }  # fmt: skip
    assert (asked["type"], asked["methodArn"]) == ("REQUEST", ARN)
    added = {"Connection": "upgrade", "Upgrade": "websocket", "content-length": "0"}
    assert asked["headers"] == {**connected["headers"], **added}
    assert asked["multiValueHeaders"].keys() == asked["headers"].keys()
    assert asked["multiValueHeaders"]["Upgrade"] == ["websocket"]
    for empty in ("queryStringParameters", "multiValueQueryStringParameters", "stageVariables"):
        assert asked[empty] == {}
    told = connected["requestContext"]
    assert {**asked["requestContext"], "authorizer": told["authorizer"]} == told
    assert asked["requestContext"]["connectionId"]


async def test_the_authorizer_event_has_query_and_stage_variables(
    guard: Callable[..., Any],
) -> None:
    """B-074: with all values in the multi form."""
    gateway = await guard(policy(), stage_variables={"tier": "free"})
    async with gateway.connect("/dev?room=red&room=bl%C3%BC"):
        asked = gateway.events[0]
    assert asked["queryStringParameters"] == {"room": "blü"}
    assert asked["multiValueQueryStringParameters"] == {"room": ["red", "blü"]}
    assert asked["stageVariables"] == {"tier": "free"}


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        (ARN, 101),
        ([ARN + "x", ARN], 101),
        (ARN.replace("$connect", "*"), 101),
        ("*", 101),
        (ARN.replace("dev/$connect", "*/*"), 101),
        (ARN.replace("$connect", "*/*"), 403),
        (ARN.replace("$connect", "$default"), 403),
        (ARN.replace("dev", "prod"), 403),
    ],
)
async def test_the_policy_must_allow_the_connect_route(
    guard: Callable[..., Any], resource: object, status: int
) -> None:
    """B-077, B-078: the REST-style `{stage}/*/*` wants one more segment."""
    gateway = await guard(policy(resource))
    if status == 101:
        await (await gateway.connect()).close()
    else:
        assert await refusal(gateway) == status
    assert len(gateway.events_of("CONNECT")) == (2 if status == 101 else 1)


async def test_a_deny_is_403(guard: Callable[..., Any]) -> None:
    """B-078, B-048, B-081: and it wins over an Allow; nothing changes the gateway's answer."""
    gateway = await guard(policy("*", "Deny", context={"message": "own"}))
    with pytest.raises(InvalidStatus) as refused:
        await gateway.connect()
    response = refused.value.response
    assert response.status_code == 403
    assert json.loads(response.body or b"")["message"] == "Forbidden"
    assert response.headers["x-amzn-ErrorType"] == "ForbiddenException"
    both = policy("*")
    both["policyDocument"]["Statement"] += policy("*", "Deny")["policyDocument"]["Statement"]
    gateway = await guard(both)
    assert await refusal(gateway) == 403


async def test_an_authorizer_has_29_seconds(
    guard: Callable[..., Any], eventually: "Eventually"
) -> None:
    """B-087, B-080: then it has failed, and the client is refused."""
    gateway = await guard(policy())
    released = asyncio.Event()

    async def hang(event: Event) -> object:
        await released.wait()
        return policy()

    gateway.functions["authorize"] = hang
    connecting = asyncio.create_task(refusal(gateway))
    await eventually(lambda: gateway.events)
    await gateway.advance(28.9)
    assert not connecting.done()
    await gateway.advance(0.2)
    assert await connecting == 500
    released.set()
    assert len(gateway.events) == 1


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (RuntimeError("Unauthorized"), 401),
        (RuntimeError("unauthorized"), 500),
        (RuntimeError("else"), 500),
        ({"statusCode": 401}, 500),
        ("Allow", 500),
        (None, 500),
        ({"isAuthorized": True}, 500),
        (policy(context={"nested": {"x": 1}}), 500),
        (policy(context={"long": "x" * 8192}), 500),
    ],
)
async def test_a_failing_authorizer_keeps_the_client_out(
    guard: Callable[..., Any], result: object, status: int
) -> None:
    """B-079, B-080, B-076, B-070: 401 for one message; a simple response is none; 8 KB at most."""
    gateway = await guard(result)
    assert await refusal(gateway) == status
    assert len(gateway.events) == 1


async def test_the_context_reaches_every_later_event_as_strings(
    guard: Callable[..., Any], eventually: "Eventually"
) -> None:
    """B-082, B-083: beside the principal; on CONNECT with an integer latency as well."""
    gateway = await guard(policy(context={"name": "ü", "n": 1, "f": 0.5, "yes": True}))
    expected = {"name": "ü", "n": "1", "f": "0.5", "yes": "true", "principalId": "u-1"}
    async with gateway.connect() as client:
        await client.send("x")
        assert json.loads(await client.recv()) == expected
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    _, connect = gateway.events_of("CONNECT")
    told = connect["requestContext"]["authorizer"]
    assert type(told.pop("integrationLatency")) is int
    assert told == expected
    (disconnect,) = gateway.events_of("DISCONNECT")
    assert disconnect["requestContext"]["authorizer"] == expected


async def test_a_principal_alone_is_told_too(
    guard: Callable[..., Any], eventually: "Eventually"
) -> None:
    """B-082: as recorded in a DISCONNECT."""
    gateway = await guard(policy())
    await (await gateway.connect()).close()
    await eventually(lambda: gateway.events_of("DISCONNECT"))
    (disconnect,) = gateway.events_of("DISCONNECT")
    assert disconnect["requestContext"]["authorizer"] == {"principalId": "u-1"}


async def test_what_the_authorizer_says_later_closes_no_open_socket(
    guard: Callable[..., Any],
) -> None:
    """B-084: only new connections are asked about."""
    gateway = await guard(policy())
    async with gateway.connect() as client:

        async def deny(event: Event) -> object:
            return policy("*", "Deny")

        gateway.functions["authorize"] = deny
        assert await refusal(gateway) == 403
        await client.send("x")
        assert json.loads(await client.recv()) == {"principalId": "u-1"}


async def test_without_an_authorizer_no_event_has_one(start: "StartGateway") -> None:
    """B-108: the key is absent."""
    gateway = await start()
    async with gateway.connect():
        assert "authorizer" not in gateway.events[0]["requestContext"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"X-Api-Key": "secret"}, 101), ({"x-api-key": "wrong"}, 403), ({}, 403)],
)
async def test_an_api_key_in_a_header(
    guard: Callable[..., Any], headers: dict[str, str], status: int
) -> None:
    """B-086: missing or wrong is 403, and `$connect` is not asked."""
    gateway = await guard(policy(), api_keys=(ApiKey("one", "secret"),))
    if status == 101:
        await (await gateway.connect(additional_headers=headers)).close()
    else:
        assert await refusal(gateway, additional_headers=headers) == status
    assert len(gateway.events_of("CONNECT")) == (2 if status == 101 else 1)


@pytest.mark.parametrize(("named", "status"), [("secret", 101), ("wrong", 403), (None, 403)])
async def test_an_api_key_from_the_authorizer(
    guard: Callable[..., Any], named: str | None, status: int
) -> None:
    """B-086, B-076: `usageIdentifierKey` in place of a header."""
    gateway = await guard(
        policy(usageIdentifierKey=named),
        api_keys=(ApiKey("one", "secret"),),
        api_key_selection_expression="$context.authorizer.usageIdentifierKey",
    )
    if status == 101:
        await (await gateway.connect()).close()
    else:
        assert await refusal(gateway, additional_headers={"x-api-key": "secret"}) == status
