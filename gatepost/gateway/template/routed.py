"""Which functions a deployment can't do without.

Responsible for that alone: a function behind a route or an authorizer must run, others may be left
out.
"""

from typing import TYPE_CHECKING

from gatepost.gateway.core.deployment import Authorizer, WebSocketApi

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.gateway.core.deployment import HttpApi


def behind_routes(apis: "Iterable[WebSocketApi | HttpApi]") -> frozenset[str]:
    """Return the names of the functions that the APIs' routes and authorizers call."""
    names: set[str | None] = set()
    for api in apis:
        if isinstance(api, WebSocketApi):
            for route in api.routes.values():
                names.add(route.function)
                if isinstance(route.authorization, Authorizer):
                    names.add(route.authorization.function)
        else:
            for http_route in api.routes:
                names.add(http_route.function)
                if http_route.authorizer is not None:
                    names.add(http_route.authorizer.function)
    return frozenset(name for name in names if name is not None)
