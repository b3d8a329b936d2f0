"""`websocket` events: the routes of the WebSocket API and the authorizer of `$connect`.

Source: the framework's reference of the websocket event; osls for what an authorizer that names no
identity source gets.
"""

import re
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import CONNECT, Authorizer, LambdaProxy, Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.gateway.template.events import Event
    from gatepost.gateway.template.functions import Reading
    from gatepost.gateway.template.view import View

IDENTITY_SOURCE_DEFAULT: Final = "route.request.header.Auth"
"""What the framework writes for an authorizer that names none."""

_IDENTITY_SOURCE: Final = re.compile(
    r"(route\.request\.(header|querystring)|stageVariables|context)\.\S+"
)
_KEYS: Final = frozenset({"route", "routeResponseSelectionExpression", "authorizer"})


def read_routes(reading: "Reading", events: "Iterable[Event]") -> dict[str, Route]:
    """Return the routes by key.

    Raises TemplateError, among others for two functions on one route and for an authorizer that
    can't be run.
    """
    routes: dict[str, Route] = {}
    places: dict[str, View] = {}
    for event in events:
        view, route = _route(reading, event)
        if route.key in places:
            raise view.error(
                f"makes route {route.key}, which {places[route.key].path} "
                f"makes already at {places[route.key].place}"
            )
        places[route.key] = view
        routes[route.key] = route
    return routes


def _route(reading: "Reading", event: "Event") -> "tuple[View, Route]":
    target = LambdaProxy(reading.section.names[event.key])
    websocket = event.view.get("websocket")
    if websocket is None:
        raise event.view.error("names no route; indent 'route' below 'websocket'")
    if not websocket.is_mapping:
        return websocket, Route(websocket.text(), target)
    key = websocket.require("route").text()
    response = websocket.get("routeResponseSelectionExpression")
    if response is not None and response.text() != "$default":
        raise response.error("can only be $default")
    unknown = sorted(set(websocket.keys()) - _KEYS)
    if unknown:
        reading.notices.append(
            f"{websocket.place}: {', '.join(unknown)} of {key} has no effect here"
        )
    authorizer = websocket.get("authorizer")
    if authorizer is not None and key != CONNECT:
        raise authorizer.error(f"belongs on route {CONNECT}; AWS has authorizers on no other route")
    return websocket, Route(
        key,
        target,
        two_way=response is not None,
        authorization="NONE" if authorizer is None else _authorizer(reading, authorizer),
    )


def _authorizer(reading: "Reading", view: "View") -> Authorizer:
    reference, sources = view, None
    if view.is_mapping:
        reference = view.get("arn") or view.require("name")
        sources = view.get("identitySource")
    function = reading.function_of(reference)
    name = view.get("name") if view.is_mapping else None
    return Authorizer(
        name=function if name is None else name.text(),
        function=function,
        identity_sources=(
            (IDENTITY_SOURCE_DEFAULT,) if sources is None else _identity_sources(sources)
        ),
    )


def _identity_sources(view: "View") -> tuple[str, ...]:
    """Return the sources of a list, or of a text with commas between them (B-072)."""
    if view.is_list:
        sources = [element.text() for element in view.elements()]
    else:
        sources = [source.strip() for source in view.text().split(",")]
    for source in sources:
        if not _IDENTITY_SOURCE.fullmatch(source):
            raise view.error(
                f"has {source!r}; a source is route.request.header.NAME, "
                "route.request.querystring.NAME, stageVariables.NAME or context.NAME"
            )
    return tuple(sources)
