"""Several APIs, stages and custom domains on one port (sections 2 and 15)."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from msgspec import structs
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gatepost.gateway.core.deployment import Deployment, DomainMapping

if TYPE_CHECKING:
    from tests.conformance.conftest import (
        Function,
        Management,
        RunningGateway,
        StartGateway,
        TwoWay,
    )

Manage = Callable[..., "Management"]
Event = dict[str, Any]


async def context_of(event: Event) -> object:
    """Return the request's context, and the stage variables."""
    told = {**event["requestContext"], "variables": event.get("stageVariables")}
    return {"statusCode": 200, "body": json.dumps(told)}


def with_others(*domains: DomainMapping) -> Callable[[Deployment], Deployment]:
    """Add an API of the same stage, and another stage of the first API, and domains."""

    def change(deployment: Deployment) -> Deployment:
        (one,) = deployment.apis
        other = structs.replace(one, api_id="f6g7h8i9j0", name="other")
        test = structs.replace(one, stage="test", stage_variables={"tier": "free"})
        return structs.replace(deployment, apis=(one, other, test), domains=domains)

    return change


@pytest.fixture
def begin(start: "StartGateway", two_way: "Callable[[Function], TwoWay]") -> Callable[..., Any]:
    """Start a gateway of several APIs that tell what they were asked."""

    async def begin(*domains: DomainMapping) -> "RunningGateway":
        return await start({"$default": two_way(context_of)}, change=with_others(*domains))

    return begin


def at(gateway: "RunningGateway", host: str, path: str) -> connect:
    """Connect to the gateway under another host."""
    uri = f"ws://{host}{path}"
    return connect(uri, host="127.0.0.1", port=gateway.server.port, compression=None, proxy=None)


async def ask(client: Any) -> Event:  # noqa: ANN401
    """Return the context that a message of the client had."""
    await client.send("x")
    told: Event = json.loads(await client.recv())
    return told


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/test", ("a1b2c3d4e5", "test")),
        ("/a1b2c3d4e5/dev", ("a1b2c3d4e5", "dev")),
        ("/f6g7h8i9j0/dev/", ("f6g7h8i9j0", "dev")),
        ("/a1b2c3d4e5/test", ("a1b2c3d4e5", "test")),
    ],
)
async def test_each_api_and_stage_has_a_path_that_its_events_lead_back_to(
    begin: Callable[..., Any], manage: Manage, path: str, expected: tuple[str, str]
) -> None:
    """B-020, B-021, B-008: `https://{domainName}/{stage}` is where the callbacks go."""
    gateway = await begin()
    async with gateway.connect(path) as client:
        told = await ask(client)
        assert (told["apiId"], told["stage"]) == expected
        endpoint = f"http://{told['domainName']}/{told['stage']}"
        await manage(endpoint).post(told["connectionId"], b"hello")
        assert await client.recv() == "hello"


async def test_stage_variables_are_those_of_the_stage(begin: Callable[..., Any]) -> None:
    """B-106: absent on the stage that has none."""
    gateway = await begin()
    async with gateway.connect("/test") as client:
        assert (await ask(client))["variables"] == {"tier": "free"}
    async with gateway.connect("/a1b2c3d4e5/dev") as client:
        assert (await ask(client))["variables"] is None


@pytest.mark.parametrize(
    "path", ["/dev", "/", "/prod", "/f6g7h8i9j0/test", "/f6g7h8i9j0", "/test/more", "/zzz/dev"]
)
async def test_guess_a_path_that_leads_to_no_stage_is_forbidden(
    begin: Callable[..., Any], path: str
) -> None:
    """B-022, B-023, B-024: a stage that two APIs have is not enough; 403 in JSON."""
    gateway = await begin()
    with pytest.raises(InvalidStatus) as refused:
        await gateway.connect(path)
    response = refused.value.response
    assert response.status_code == 403
    assert json.loads(response.body or b"") == {"message": "Forbidden"}
    assert response.headers["x-amzn-ErrorType"] == "ForbiddenException"


@pytest.mark.parametrize("host", ["f6g7h8i9j0.localhost:3001",
                                  "f6g7h8i9j0.execute-api.us-east-1.amazonaws.com"])  # fmt: skip
async def test_a_host_that_begins_with_an_api_s_id_leads_to_it(
    begin: Callable[..., Any], host: str
) -> None:
    """B-020: as on AWS; only the stage stands in the path, and domainName is that host (B-008)."""
    gateway = await begin()
    async with at(gateway, host, "/dev") as client:
        told = await ask(client)
    assert (told["apiId"], told["domainName"]) == ("f6g7h8i9j0", host)
    with pytest.raises(InvalidStatus):
        await at(gateway, host, "/test")


async def test_a_connection_is_known_to_its_own_api_alone(
    begin: Callable[..., Any], manage: Manage
) -> None:
    """B-218: another API, and another stage, has no such connection."""
    gateway = await begin()
    base = f"http://{gateway.authority}"
    async with gateway.connect("/f6g7h8i9j0/dev") as client:
        connection_id = (await ask(client))["connectionId"]
        for other in ("/a1b2c3d4e5/dev", "/test"):
            with pytest.raises(ClientError):
                await manage(base + other).post(connection_id, b"x")
        await manage(f"{base}/f6g7h8i9j0/dev").post(connection_id, b"right")
        assert await client.recv() == "right"


ROOT = DomainMapping("ws.example.com", "f6g7h8i9j0", "dev")
KEYED = DomainMapping("ws.example.com", "a1b2c3d4e5", "test", "v1")


@pytest.mark.parametrize(
    ("host", "path", "api"),
    [
        ("ws.example.com", "/", "f6g7h8i9j0"),
        ("ws.example.com", "", "f6g7h8i9j0"),
        ("WS.example.com:8443", "/v1", "a1b2c3d4e5"),
        ("ws.example.com", "/v1/", "a1b2c3d4e5"),
    ],
)
async def test_on_a_custom_domain_the_stage_is_not_in_the_path(
    begin: Callable[..., Any], host: str, path: str, api: str
) -> None:
    """B-325, B-008: nothing, or the key; domainName is the domain as the client wrote it."""
    gateway = await begin(ROOT, KEYED)
    async with at(gateway, host, path) as client:
        told = await ask(client)
    assert (told["apiId"], told["domainName"].lower()) == (api, host.lower())


async def call(gateway: "RunningGateway", host: str, path: str) -> tuple[int, bytes]:
    """Post to the gateway under another host; status and answer."""
    request = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\n\r\nx"
    (answer,) = await gateway.exchange(request.encode())
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.parametrize("base", ["", "/v1"])
async def test_callbacks_over_a_custom_domain_have_no_stage_either(
    begin: Callable[..., Any], base: str
) -> None:
    """B-326, B-218: with the stage, as AWS's own sample builds it, no route is found."""
    gateway = await begin(ROOT, KEYED)
    async with at(gateway, "ws.example.com", base or "/") as client:
        told = await ask(client)
        rest = f"@connections/{told['connectionId']}"
        status, answer = await call(gateway, "ws.example.com", f"{base}/{told['stage']}/{rest}")
        assert status == 403
        assert f"No method found matching route {told['stage']}/{rest} for http method POST." in (
            answer.decode()
        )
        status, _ = await call(gateway, "ws.example.com", f"{base}/{rest}")
        assert (status, await client.recv()) == (200, "x")


async def test_the_api_s_own_address_serves_beside_the_domain(
    begin: Callable[..., Any], manage: Manage
) -> None:
    """B-326: `https://{apiId}.execute-api...` stays right for callbacks."""
    gateway = await begin(ROOT)
    async with at(gateway, "ws.example.com", "/") as client:
        connection_id = (await ask(client))["connectionId"]
        await manage(f"http://{gateway.authority}/f6g7h8i9j0/dev").post(connection_id, b"hi")
        assert await client.recv() == "hi"


async def test_without_default_endpoint_only_the_custom_domain_serves(
    start: "StartGateway", two_way: "Callable[[Function], TwoWay]"
) -> None:
    """B-327: sockets and callbacks; elsewhere the API is none, other APIs stay where they are."""

    def hide(deployment: Deployment) -> Deployment:
        one, other, test = with_others(ROOT)(deployment).apis
        hidden = structs.replace(other, default_endpoint=False)
        return structs.replace(deployment, apis=(one, hidden, test), domains=(ROOT,))

    gateway = await start({"$default": two_way(context_of)}, change=hide)
    async with at(gateway, "ws.example.com", "/") as client:
        told = await ask(client)
        rest = f"@connections/{told['connectionId']}"
        assert (told["apiId"], told["stage"]) == ("f6g7h8i9j0", "dev")
        for host, path in (("localhost", "/f6g7h8i9j0/dev"), ("f6g7h8i9j0.localhost", "/dev")):
            with pytest.raises(InvalidStatus) as refused:
                await at(gateway, host, path)
            assert refused.value.response.status_code == 403
            assert refused.value.response.headers["x-amzn-ErrorType"] == "ForbiddenException"
            assert (await call(gateway, host, f"{path}/{rest}"))[0] == 403
        status, _ = await call(gateway, "ws.example.com", f"/{rest}")
        assert (status, await client.recv()) == (200, "x")
    async with at(gateway, "localhost", "/a1b2c3d4e5/dev") as client:
        assert (await ask(client))["apiId"] == "a1b2c3d4e5"


@pytest.mark.parametrize("path", ["/ping", "/sping", "/v2", "/v1/more"])
async def test_guess_nothing_else_is_on_a_custom_domain(
    begin: Callable[..., Any], path: str
) -> None:
    """B-026, B-024: `/ping` and `/sping` are the service's; they can't be keys either."""
    gateway = await begin(ROOT, KEYED)
    with pytest.raises(InvalidStatus):
        await at(gateway, "ws.example.com", path)
    with pytest.raises(ValueError, match="can't be a mapping key"):
        await begin(structs.replace(ROOT, key="ping"))


@pytest.mark.parametrize(
    ("host", "path"), [("f6g7h8i9j0.localhost", "/dev"), ("ws.example.com", "/")]
)
async def test_hosts_of_an_api_speak_tls_too(
    begin: Callable[..., Any], host: str, path: str
) -> None:
    """B-027, B-325: the certificate holds for an API's own host and for its custom domain."""
    gateway = await begin(ROOT)
    uri = f"wss://{host}:{gateway.server.port}{path}"
    async with connect(
        uri, host="127.0.0.1", port=gateway.server.port, ssl=gateway.trusting(), proxy=None
    ) as client:
        assert (await ask(client))["apiId"] == "f6g7h8i9j0"


async def test_a_domain_of_sockets_maps_no_http_api(begin: Callable[..., Any]) -> None:
    """B-328: an API of another kind is none that a mapping could lead to."""
    with pytest.raises(ValueError, match="no WebSocket API h1h2h3h4h5"):
        await begin(ROOT, DomainMapping("ws.example.com", "h1h2h3h4h5", "$default", "http"))
