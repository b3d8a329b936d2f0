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


def address_of(deployment: Deployment, api: WebSocketApi, authority: str) -> str:
    """Return what stands after the scheme in an API's URL: `localhost:3001/dev`.

    `authority` is the gateway's. Where the API is at a custom domain alone, that stands in for it
    (B-327), with the gateway's port.
    """
    if not api.default_endpoint:
        for mapping in deployment.domains:
            if (mapping.api_id, mapping.stage) == (api.api_id, api.stage):
                return _at_domain(mapping, authority)
    return authority + path_of(api, deployment.apis)


def main_address(deployment: Deployment, authority: str) -> str:
    """Return the address of the first API, that of the stage where there is no API."""
    if not deployment.apis:
        return f"{authority}/{deployment.stage}"
    return address_of(deployment, deployment.apis[0], authority)


def address_for_function(deployment: Deployment, function: str, authority: str) -> str:
    """Return where a function's callbacks go to: the first API with a route to it."""
    for api in deployment.apis:
        if function in _functions(api):
            return address_of(deployment, api, authority)
    return main_address(deployment, authority)


def summary_lines(deployment: Deployment, authority: str) -> list[str]:
    """Say where sockets and `@connections` are, for each API; `authority` is the gateway's."""
    lines: list[str] = []
    for api in deployment.apis:
        name = f"  ({api.name})" if len(deployment.apis) > 1 else ""
        here = address_of(deployment, api, authority)
        lines.append(f"  socket        ws://{here}{name}")
        lines.append(f"  @connections  http://{here}/@connections")
        if not api.default_endpoint and here.startswith(authority):
            lines.append(
                "  WARNING       that is disabled, and no custom domain leads there (B-327)"
            )
    lines += [f"  domain        ws://{_at_domain(one, authority)}" for one in deployment.domains]
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


def _at_domain(mapping: DomainMapping, authority: str) -> str:
    port = authority.rpartition(":")[2]
    return f"{mapping.domain}:{port}{f'/{mapping.key}' if mapping.key else ''}"


def _functions(api: WebSocketApi) -> Iterator[str]:
    for route in api.routes.values():
        if route.function is not None:
            yield route.function
        if isinstance(route.authorization, Authorizer):
            yield route.authorization.function
