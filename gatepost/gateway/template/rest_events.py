"""`http` events: the routes of the REST API that the framework makes beside the WebSocket API.

Source: the framework's reference of the http event; osls for defaults.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from gatepost.gateway.core.deployment import Cors, HttpApi, HttpAuthorizer, HttpRoute
from gatepost.gateway.template.http_api_events import CORS_HEADERS, METHODS, read_target, texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.gateway.template.events import Event
    from gatepost.gateway.template.functions import Reading
    from gatepost.gateway.template.view import View

LOGICAL_ID: Final = "ApiGatewayRestApi"
"""Logical id that the framework gives to the API."""

IDENTITY_SOURCE_DEFAULT: Final = "method.request.header.Authorization"
TTL_S_DEFAULT: Final = 300

_KINDS: Final[dict[str, Literal["REQUEST", "TOKEN"]]] = {
    "TOKEN": "TOKEN",
    "CUSTOM": "TOKEN",
    "REQUEST": "REQUEST",
}
_PROXY: Final = ("AWS_PROXY", "LAMBDA_PROXY")


@dataclass(slots=True)
class _Preflight:
    """What the events' `cors` come to: one answer for the API, where AWS has one a path."""

    origins: dict[str, None] = field(default_factory=dict)
    methods: dict[str, None] = field(default_factory=dict)
    headers: dict[str, None] = field(default_factory=dict)
    credentials: bool = False
    max_age_s: int | None = None


def read_rest_api(
    reading: "Reading", events: "Iterable[Event]", *, stage: str, api_id: str, name: str
) -> HttpApi:
    """Read the API of these events; those that no Lambda proxy answers are left out with a notice.

    Raises TemplateError, among others for an authorizer that can't be run.
    """
    routes: dict[tuple[str, str], HttpRoute] = {}
    preflight = _Preflight()
    for event in events:
        view = event.view.require("http")
        method, path = read_target(view, star="/{proxy+}")
        path = path.rstrip("/") or "/"
        if (method, path) in routes:
            raise view.error(f"makes route {method} {path}, which another event makes already")
        if view.is_mapping and not _is_served(reading, view, f"{method} {path}"):
            continue
        authorizer = view.get("authorizer") if view.is_mapping else None
        routes[method, path] = HttpRoute(
            method=method,
            path=path,
            function=reading.section.names[event.key],
            payload="1.0",
            authorizer=None if authorizer is None else _authorizer(reading, authorizer),
        )
        cors = view.get("cors") if view.is_mapping else None
        if cors is not None and (cors.is_mapping or cors.boolean()):
            _add_cors(preflight, cors, method)
    return HttpApi(
        api_id=api_id,
        name=name,
        stage=stage,
        kind="rest",
        routes=tuple(routes.values()),
        cors=_cors(preflight),
    )


def api_name(provider: "View", *, service: str, stage: str) -> str:
    """Return the name of the API: the given one, or `{stage}-{service}`."""
    given = provider.get("apiName")
    return f"{stage}-{service}" if given is None else given.text()


def _is_served(reading: "Reading", view: "View", route: str) -> bool:
    """Say whether a Lambda proxy answers, and what else of the event has no effect here."""
    integration, private = view.get("integration"), view.get("private")
    kind = "" if integration is None else integration.text().upper().replace("-", "_")
    in_background = (view.get("async") is not None) and view.require("async").boolean()
    if (kind and kind not in _PROXY) or (in_background and not kind):
        what = f"integration {kind.lower()}" if kind else "async"
        reading.notices.append(f"{view.place}: {route} is not served here: {what} is not emulated")
        return False
    if private is not None and private.boolean():
        reading.notices.append(f"{private.place}: {route} asks for no API key here")
    if "request" in view:
        reading.notices.append(f"{view.place}: request of {route} has no effect here")
    return True


def _authorizer(reading: "Reading", view: "View") -> HttpAuthorizer:
    reference, kind_name, ttl_s = view, "TOKEN", TTL_S_DEFAULT
    sources = None
    if view.is_mapping:
        if (given := view.get("type")) is not None:
            kind_name = given.text().upper()
        if (ttl := view.get("resultTtlInSeconds")) is not None:
            ttl_s = ttl.integer(0, 3600)
        sources = view.get("identitySource")
        # A pool's ARN or an authorizer's id makes no difference to what follows: it is refused.
        reference = view.get("arn") or view.get("name") or view
    if kind_name not in _KINDS or (reference.is_mapping and reference is view):
        raise view.error(
            f"of type {kind_name} can't be run here, only Lambda authorizers of this template "
            "can: rather than let everyone in, the template is refused"
        )
    function = reading.function_of(reference)
    kind = _KINDS[kind_name]
    default = () if kind == "REQUEST" and ttl_s == 0 else (IDENTITY_SOURCE_DEFAULT,)
    return HttpAuthorizer(
        name=function,
        function=function,
        kind=kind,
        payload="1.0",
        identity_sources=default if sources is None else _sources(sources),
    )


def _sources(view: "View") -> tuple[str, ...]:
    return tuple(part.strip() for text in texts(view) for part in text.split(",") if part.strip())


def _add_cors(preflight: _Preflight, view: "View", method: str) -> None:
    def given(key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = view.get(key) if view.is_mapping else None
        return default if value is None else texts(value)

    used = METHODS if method == "ANY" else (method,)
    preflight.origins |= dict.fromkeys(given("origins", given("origin", ("*",))))
    preflight.methods |= dict.fromkeys(("OPTIONS", *given("methods", ()), *used))
    preflight.headers |= dict.fromkeys(given("headers", CORS_HEADERS))
    credentials = view.get("allowCredentials") if view.is_mapping else None
    preflight.credentials |= credentials is not None and credentials.boolean()
    if view.is_mapping and (max_age := view.get("maxAge")) is not None:
        preflight.max_age_s = max_age.integer(0, 86_400)


def _cors(preflight: _Preflight) -> Cors | None:
    if not preflight.methods:
        return None
    return Cors(
        allow_origins=tuple(preflight.origins),
        allow_methods=tuple(preflight.methods),
        allow_headers=tuple(preflight.headers),
        allow_credentials=preflight.credentials,
        max_age_s=preflight.max_age_s,
    )
