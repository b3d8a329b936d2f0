"""Which functions a deployment can't do without."""

from gatepost.gateway.core.deployment import (
    Authorizer,
    HttpApi,
    HttpAuthorizer,
    HttpRoute,
    LambdaProxy,
    Mock,
    Route,
    WebSocketApi,
)
from gatepost.gateway.template.routed import behind_routes


def test_functions_behind_routes_and_authorizers_are_needed() -> None:
    """Of both kinds of API; other integrations need none."""
    routes = {
        "$connect": Route("$connect", LambdaProxy("a"), authorization=Authorizer("x", "b")),
        "mock": Route("mock", Mock()),
        "none": Route("none"),
    }
    guarded = HttpRoute("GET", "/", "c", "2.0", authorizer=HttpAuthorizer("y", "d"))
    web = HttpApi("id", "web", "$default", "http", (guarded, HttpRoute("GET", "/x", "e", "2.0")))
    assert behind_routes([WebSocketApi("id", "socket", "dev", routes), web]) == set("abcde")
