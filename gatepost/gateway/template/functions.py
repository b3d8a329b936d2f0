"""The `functions` section: functions, and the routes that their websocket events make.

Responsible for the functions behind a route; others are not run here, and a notice says so.
Source: the framework's reference of serverless.yml and of the websocket event.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import CONNECT, Function, LambdaProxy, Route
from gatepost.gateway.template.intrinsics import Known
from gatepost.gateway.template.variables import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.gateway.template.intrinsics import Intrinsics
    from gatepost.gateway.template.view import View

TIMEOUT_S_DEFAULT: Final = 6
TIMEOUT_S_MAX: Final = 900
MEMORY_MB_DEFAULT: Final = 1024
MEMORY_MB_MIN: Final = 128
MEMORY_MB_MAX: Final = 10_240
RUNTIME_DEFAULT: Final = "nodejs24.x"
"""What the framework takes when a template names no runtime."""

_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HANDLER: Final = re.compile(r"[^\s]+\.[^\s./]+")
_EVENT_KEYS: Final = frozenset({"route", "routeResponseSelectionExpression", "authorizer"})


@dataclass(frozen=True, slots=True)
class Section:
    """The functions of a template as written: their views by key, and their names when deployed."""

    views: "dict[str, View]"
    names: dict[str, str]


@dataclass(slots=True)
class Routed:
    """What the functions behind routes come to."""

    functions: dict[str, Function] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Event:
    """One websocket event."""

    view: "View"
    route_key: str
    two_way: bool


@dataclass(frozen=True, slots=True)
class _Settings:
    """A function's settings, which the provider's stand in for."""

    function: "View"
    provider: "View"

    def either(self, key: str) -> "View | None":
        own = self.function.get(key)
        return self.provider.get(key) if own is None else own

    def number(self, key: str, low: int, high: int) -> int | None:
        value = self.either(key)
        return None if value is None else value.integer(low, high)


def collect(section: "View", *, service: str, stage: str) -> Section:
    """Return the functions of the section, which is a mapping or a list of mappings."""
    views: dict[str, View] = {}
    for part in section.elements() if section.is_list else [section]:
        if part.is_empty:
            continue
        for key, view in part.items():
            if key in views:
                raise view.error(f"is there twice, first at {views[key].place}")
            if not view.is_empty:
                views[key] = view
    names = {}
    for key, view in views.items():
        given = view.get("name")
        names[key] = f"{service}-{stage}-{key}" if given is None else given.text()
    return Section(views, names)


def known(section: Section, region: str) -> dict[str, Known]:
    """Return what Ref and GetAtt give for each function, by the framework's logical ids."""
    prefix = f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:"
    return {
        _logical_id(key): Known(name, {"Arn": prefix + name}) for key, name in section.names.items()
    }


def _logical_id(key: str) -> str:
    normal = key.replace("-", "Dash").replace("_", "Underscore")
    return f"{normal[:1].upper()}{normal[1:]}LambdaFunction"


def read_routed(
    section: Section, provider: "View", *, root: "Path", intrinsics: "Intrinsics"
) -> Routed:
    """Read every function that a route leads to, and the routes.

    Raises TemplateError, among others for two functions on one route and for an authorizer.
    """
    routed = Routed()
    places: dict[str, View] = {}
    for key, view in section.views.items():
        events = list(_websocket_events(view, routed.notices))
        if not events:
            routed.notices.append(f"{view.place}: {key} has no websocket event and is not run here")
            continue
        name = section.names[key]
        for event in events:
            if event.route_key in places:
                raise event.view.error(
                    f"makes route {event.route_key}, which {places[event.route_key].path} "
                    f"makes already at {places[event.route_key].place}"
                )
            places[event.route_key] = event.view
            routed.routes[event.route_key] = Route(
                event.route_key, LambdaProxy(name), two_way=event.two_way
            )
        if name in routed.functions:
            raise view.error(f"has the name {name}, as another function has")
        if "layers" in view or "layers" in provider:
            routed.notices.append(f"{view.place}: layers of {key} have no effect here")
        settings = _Settings(view, provider)
        routed.functions[name] = _function(name, settings, root=root, intrinsics=intrinsics)
    return routed


def _websocket_events(function: "View", notices: list[str]) -> "Iterator[_Event]":
    events = function.get("events")
    if events is None:
        return
    other: set[str] = set()
    for event in events.elements():
        if event.is_mapping and "websocket" in event:
            yield _websocket_event(event, notices)
        elif event.is_mapping:
            other.update(event.keys())
        else:
            other.add(event.text())
    if other:
        notices.append(f"{function.place}: {', '.join(sorted(other))} events have no effect here")


def _websocket_event(event: "View", notices: list[str]) -> _Event:
    websocket = event.get("websocket")
    if websocket is None:
        raise event.error("names no route; indent 'route' below 'websocket'")
    if not websocket.is_mapping:
        return _Event(websocket, websocket.text(), two_way=False)
    route_key = websocket.require("route").text()
    if websocket.get("authorizer") is not None:
        raise websocket.require("authorizer").error(
            "is not supported yet: rather than let everyone in, the route is refused"
            if route_key == CONNECT
            else f"belongs on route {CONNECT}; AWS has authorizers on no other route"
        )
    response = websocket.get("routeResponseSelectionExpression")
    if response is not None and response.text() != "$default":
        raise response.error("can only be $default")
    unknown = sorted(set(websocket.keys()) - _EVENT_KEYS)
    if unknown:
        notices.append(f"{websocket.place}: {', '.join(unknown)} of {route_key} has no effect here")
    return _Event(websocket, route_key, two_way=response is not None)


def _function(
    name: str, settings: _Settings, *, root: "Path", intrinsics: "Intrinsics"
) -> Function:
    view = settings.function
    if (image := view.get("image")) is not None:
        raise image.error("can't be run here: a container image names no handler")
    handler = view.require("handler")
    if not _HANDLER.fullmatch(handler.text()):
        raise handler.error(f"is {handler.text()!r}; it must be a module and a name: app.handler")
    runtime, module = settings.either("runtime"), view.get("module")
    return Function(
        name=name,
        handler=handler.text(),
        runtime=RUNTIME_DEFAULT if runtime is None else runtime.text(),
        # `module` is serverless-python-requirements' word for a function's own folder.
        code_root=root if module is None else root / module.text(),
        environment=_environment(settings, intrinsics),
        timeout_s=settings.number("timeout", 1, TIMEOUT_S_MAX) or TIMEOUT_S_DEFAULT,
        memory_mb=settings.number("memorySize", MEMORY_MB_MIN, MEMORY_MB_MAX) or MEMORY_MB_DEFAULT,
    )


def _environment(settings: _Settings, intrinsics: "Intrinsics") -> dict[str, str]:
    """Return the provider's variables and the function's own, which win."""
    merged: dict[str, View] = {}
    for owner in (settings.provider, settings.function):
        if (environment := owner.get("environment")) is not None:
            merged.update(environment.items())
    values = {}
    for name, value in merged.items():
        if not _VARIABLE_NAME.fullmatch(name):
            raise value.error("can't be the name of an environment variable")
        text = None if value.is_empty else intrinsics.text(value)
        if text is not None:
            values[name] = text
    return values
