"""Where sockets are, as it is told."""

from pathlib import Path

import pytest
from msgspec import structs

from gatepost.emulator.errors import UserError
from gatepost.emulator.sockets import (
    address_for_function,
    address_of,
    main_address,
    summary_lines,
    with_domain,
)
from gatepost.gateway.core.deployment import (
    Authorizer,
    Deployment,
    DomainMapping,
    LambdaProxy,
    Route,
    WebSocketApi,
)


def api(api_id: str, stage: str, *functions: str) -> WebSocketApi:
    """An API whose `$connect` is authorized by the first function; the others have routes."""
    auth, *others = functions
    connect = Route("$connect", authorization=Authorizer("auth", auth))
    routes = {name: Route(name, LambdaProxy(name)) for name in others}
    return WebSocketApi(api_id, f"api {api_id}", stage, {"$connect": connect, **routes})


CHAT, NEWS = api("chat", "dev", "auth", "talk"), api("news", "dev", "auth", "read")
TEST = api("test", "test", "check", "talk")


def deployment(*apis: WebSocketApi) -> Deployment:
    """A deployment of these APIs."""
    return Deployment("s", "dev", "us-east-1", "1" * 12, Path(), apis, {})


def test_the_main_socket_is_that_of_the_first_api() -> None:
    """By its own stage, which need not be the deployment's."""
    assert main_address(deployment(TEST, CHAT), "[::1]:1") == "[::1]:1/test"
    assert main_address(deployment(CHAT, NEWS), "[::1]:1") == "[::1]:1/chat/dev"
    assert main_address(deployment(), "[::1]:1") == "[::1]:1/dev"


@pytest.mark.parametrize(("key", "path"), [("", ""), ("v1", "/v1")])
def test_an_api_without_default_endpoint_is_at_its_first_domain(key: str, path: str) -> None:
    """B-327: for pages and functions too; where it has none, nothing leads to it anyway."""
    hidden = structs.replace(NEWS, default_endpoint=False)
    domains = (
        DomainMapping("chat.example.test", "chat", "dev"),
        DomainMapping("news.example.test", "news", "dev", key),
        DomainMapping("late.example.test", "news", "dev"),
    )
    given = structs.replace(deployment(CHAT, hidden), domains=domains)
    address = f"news.example.test:3001{path}"
    assert address_of(given, hidden, "localhost:3001") == address
    assert address_for_function(given, "read", "localhost:3001") == address
    assert main_address(given, "localhost:3001") == "localhost:3001/chat/dev"
    assert summary_lines(given, "localhost:3001")[3] == (
        f"  @connections  http://{address}/@connections"
    )


def test_an_api_that_nothing_leads_to_is_told() -> None:
    """B-327: without default endpoint and without a domain."""
    hidden = structs.replace(CHAT, default_endpoint=False)
    *_, warning = summary_lines(deployment(hidden), "localhost:3001")
    assert "no custom domain leads there" in warning
    reached = with_domain(deployment(hidden), "ws.example.test")
    assert "WARNING" not in "".join(summary_lines(reached, "localhost:3001"))


@pytest.mark.parametrize(
    ("function", "path"),
    [
        ("talk", "/chat/dev"),
        ("read", "/news/dev"),
        ("check", "/test"),
        ("auth", "/chat/dev"),
        ("worker", "/chat/dev"),
    ],
)
def test_a_function_posts_to_the_api_that_uses_it(function: str, path: str) -> None:
    """As an authorizer too; one without a route posts to the first."""
    found = address_for_function(deployment(CHAT, NEWS, TEST), function, "localhost:1")
    assert found == f"localhost:1{path}"


def test_the_summary_names_each_api_and_domain() -> None:
    """The name of the API only where it matters."""
    assert summary_lines(deployment(CHAT), "[::1]:3001") == [
        "  socket        ws://[::1]:3001/dev",
        "  @connections  http://[::1]:3001/dev/@connections",
    ]
    domain = DomainMapping("ws.example.test", "news", "dev", "v1")
    two = structs.replace(deployment(CHAT, NEWS), domains=(domain,))
    assert summary_lines(two, "localhost:3001") == [
        "  socket        ws://localhost:3001/chat/dev  (api chat)",
        "  @connections  http://localhost:3001/chat/dev/@connections",
        "  socket        ws://localhost:3001/news/dev  (api news)",
        "  @connections  http://localhost:3001/news/dev/@connections",
        "  domain        ws://ws.example.test:3001/v1",
    ]


@pytest.mark.parametrize(("given", "key"), [("ws.example.test", ""), ("ws.example.test/v1", "v1")])
def test_a_domain_is_mapped_to_the_first_api(given: str, key: str) -> None:
    """`--domain HOST[/KEY]`."""
    (mapping,) = with_domain(deployment(TEST, CHAT), given).domains
    assert mapping == DomainMapping("ws.example.test", "test", "test", key)
    assert with_domain(deployment(), None) == deployment()


@pytest.mark.parametrize(
    "given", ["", "/v1", "ws.example.test:3001", "wss://ws.example.test", "a b"]
)
def test_a_domain_is_a_host_without_a_port(given: str) -> None:
    """The sentence shows what was given."""
    with pytest.raises(UserError, match=f"--domain {given}: expected a host"):
        with_domain(deployment(CHAT), given)


def test_a_domain_needs_an_api() -> None:
    """A template may have none."""
    with pytest.raises(UserError, match="no WebSocket API"):
        with_domain(deployment(), "ws.example.test")
