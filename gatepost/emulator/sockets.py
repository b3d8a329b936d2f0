"""Where the WebSocket APIs of a run are: for people, for pages and for functions.

What leads to an API is decided by the gateway (core/addresses.py); here are the URLs made of it.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import structs

from gatepost.emulator.errors import UserError
from gatepost.gateway.core.addresses import path_of
from gatepost.gateway.core.deployment import Authorizer, Deployment, DomainMapping, WebSocketApi

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def main_path(deployment: Deployment) -> str:
    """Return the path of the first API's socket, that of the stage where there is no API."""
    apis = deployment.apis
    return path_of(apis[0], apis) if apis else f"/{deployment.stage}"


def path_for_function(deployment: Deployment, function: str) -> str:
    """Return the path that a function's callbacks go to: of the first API with a route to it."""
    for api in deployment.apis:
        if function in _functions(api):
            return path_of(api, deployment.apis)
    return main_path(deployment)


def summary_lines(deployment: Deployment, authority: str) -> list[str]:
    """Say where sockets and `@connections` are, for each API; `authority` is the gateway's."""
    port = authority.rpartition(":")[2]
    lines: list[str] = []
    for api in deployment.apis:
        name = f"  ({api.name})" if len(deployment.apis) > 1 else ""
        here = authority + path_of(api, deployment.apis)
        lines.append(f"  socket        ws://{here}{name}")
        lines.append(f"  @connections  http://{here}/@connections")
    for mapping in deployment.domains:
        key = f"/{mapping.key}" if mapping.key else ""
        lines.append(f"  domain        ws://{mapping.domain}:{port}{key}")
    return lines


def with_domain(deployment: Deployment, given: str | None) -> Deployment:
    """Map the custom domain of `--domain`, `HOST` or `HOST/KEY`, to the first API.

    Raises UserError where there is no API or no host. Whether the key can be one is the gateway's
    to say.
    """
    if given is None:
        return deployment
    host, _, key = given.partition("/")
    if not _HOST_NAME.fullmatch(host):
        raise UserError(f"--domain {given}: expected a host without a port, or HOST/KEY.")
    if not deployment.apis:
        raise UserError(f"--domain {given}: the template has no WebSocket API.")
    api = deployment.apis[0]
    mapping = DomainMapping(host, api.api_id, api.stage, key)
    return structs.replace(deployment, domains=(*deployment.domains, mapping))


def _functions(api: WebSocketApi) -> Iterator[str]:
    for route in api.routes.values():
        if route.function is not None:
            yield route.function
        if isinstance(route.authorization, Authorizer):
            yield route.authorization.function
