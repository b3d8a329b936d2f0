"""Where sockets are, as it is told."""

from pathlib import Path

import pytest
from msgspec import structs

from gatepost.emulator.errors import UserError
from gatepost.emulator.sockets import main_path, path_for_function, summary_lines, with_domain
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
    assert main_path(deployment(TEST, CHAT)) == "/test"
    assert main_path(deployment(CHAT, NEWS)) == "/chat/dev"
    assert main_path(deployment()) == "/dev"


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
    assert path_for_function(deployment(CHAT, NEWS, TEST), function) == path


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
