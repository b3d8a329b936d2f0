"""`httpApi` events: the routes of the HTTP API that the framework makes beside the WebSocket API.

Source: the framework's reference of the httpApi event and of provider.httpApi; osls for defaults.
"""

from typing import TYPE_CHECKING, Final, Literal

from gatepost.gateway.core.deployment import Cors, HttpApi, HttpAuthorizer, HttpRoute

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.gateway.template.events import Event
    from gatepost.gateway.template.functions import Reading
    from gatepost.gateway.template.view import View

LOGICAL_ID: Final = "HttpApi"
"""Logical id that the framework gives to the API."""

TIMEOUT_S: Final = 30.0
"""What the framework sets as the integrations' timeout: the longest there is."""

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "OPTIONS", "HEAD", "DELETE")
CORS_HEADERS: Final = (
    *("Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token"),
    *("X-Amz-User-Agent", "X-Amzn-Trace-Id"),
)
"""Headers that a browser may send where a template says no more than `cors: true`."""

Payload = Literal["1.0", "2.0"]

_PAYLOADS: Final[dict[str, Payload]] = {"1.0": "1.0", "1": "1.0", "2.0": "2.0", "2": "2.0"}


def read_http_api(
    reading: "Reading", events: "Iterable[Event]", *, api_id: str, name: str
) -> HttpApi:
    """Read the API of these events.

    Raises TemplateError, among others for an authorizer that can't be run and for two functions on
    one route.
    """
    settings = reading.provider.get("httpApi")
    routes: dict[tuple[str, str], HttpRoute] = {}
    for event in events:
        view = event.view.require("httpApi")
        method, path = read_target(view, star="$default")
        if (method, path) in routes:
            raise view.error(f"makes route {method} {path}, which another event makes already")
        routes[method, path] = HttpRoute(
            method=method,
            path=path,
            function=reading.section.names[event.key],
            payload=_payload(event.function.get("httpApi"), settings),
            timeout_s=TIMEOUT_S,
            authorizer=_authorizer(reading, view, settings),
        )
    cors = None if settings is None else settings.get("cors")
    if settings is not None and (given := settings.get("id")) is not None:
        reading.notices.append(
            f"{given.place}: the HTTP API of another stack (httpApi.id) is not at hand; "
            "its routes of this template are served by themselves"
        )
    return HttpApi(
        api_id=api_id,
        name=name,
        stage="$default",
        kind="http",
        routes=tuple(routes.values()),
        cors=None if cors is None else _cors(cors, [route.method for route in routes.values()]),
    )


def api_name(provider: "View", *, service: str, stage: str) -> str:
    """Return the name of the API: the given one, or `{stage}-{service}`."""
    settings = provider.get("httpApi")
    given = None if settings is None else settings.get("name")
    return f"{stage}-{service}" if given is None else given.text()


def read_target(view: "View", *, star: str) -> tuple[str, str]:
    """Return method and path of an httpApi or http event, short or written out.

    The method is upper case or ANY. `star` is the path that `*` alone stands for.
    """
    if view.is_mapping:
        method, path = view.get("method"), view.require("path").text()
        given = "*" if method is None and path == "*" else view.require("method").text()
    else:
        given, _, path = view.text().partition(" ")
        path = path.strip() or given
    method_name = "ANY" if given == "*" else given.upper()
    if path == "*" and method_name == "ANY":
        return "ANY", star
    if method_name not in (*METHODS, "ANY"):
        raise view.error(f"has the method {given!r}; write GET /path, * /path or *")
    return method_name, path if path.startswith("/") else f"/{path}"


def _payload(*owners: "View | None") -> Payload:
    for owner in owners:
        given = None if owner is None else owner.get("payload")
        if given is not None:
            return read_payload(given)
    return "2.0"


def read_payload(view: "View") -> Payload:
    """Return the version of the payload that a template names."""
    text = view.text()
    if text not in _PAYLOADS:
        raise view.error(f"is {text!r}; there are 1.0 and 2.0")
    return _PAYLOADS[text]


def _authorizer(
    reading: "Reading", event: "View", settings: "View | None"
) -> HttpAuthorizer | None:
    given = event.get("authorizer") if event.is_mapping else None
    if given is None:
        return None
    name = given
    if given.is_mapping:
        kind = given.get("type")
        if (kind is not None and kind.text() == "aws_iam") or "name" not in given:
            raise given.error(_CANNOT_RUN)
        name = given.require("name")
    authorizers = None if settings is None else settings.get("authorizers")
    view = None if authorizers is None else authorizers.get(name.text())
    if view is None:
        raise name.error(f"is {name.text()!r}, which provider.httpApi.authorizers lacks")
    return _lambda_authorizer(reading, name.text(), view)


_CANNOT_RUN: Final = (
    "can't be run here, only Lambda authorizers of this template can: "
    "rather than let everyone in, the template is refused"
)


def _lambda_authorizer(reading: "Reading", name: str, view: "View") -> HttpAuthorizer:
    kind = view.get("type")
    if kind is None or kind.text() != "request":
        raise view.error(_CANNOT_RUN)
    payload, simple = view.get("payloadVersion"), view.get("enableSimpleResponses")
    sources, ttl_s = view.get("identitySource"), view.get("resultTtlInSeconds")
    if ttl_s is not None and ttl_s.integer(0, 3600):
        reading.notices.append(
            f"{ttl_s.place}: results of authorizer {name} are not kept; every request calls it"
        )
    return HttpAuthorizer(
        name=name,
        function=reading.function_of(view.get("functionArn") or view.require("functionName")),
        payload="2.0" if payload is None else read_payload(payload),
        simple=simple is not None and simple.boolean(),
        identity_sources=() if sources is None else texts(sources),
    )


def texts(view: "View") -> tuple[str, ...]:
    """Return the texts of a list, or the only one."""
    elements = view.elements() if view.is_list else [view]
    return tuple(element.text() for element in elements)


def _cors(view: "View", methods: "list[str]") -> Cors | None:
    """Read provider.httpApi.cors; by default the methods of the routes are allowed."""
    used = METHODS if "ANY" in methods else tuple(dict.fromkeys(methods))
    allowed = tuple(dict.fromkeys(("OPTIONS", *used)))
    if not view.is_mapping:
        return Cors(("*",), allowed, CORS_HEADERS) if view.boolean() else None

    def given(key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = view.get(key)
        return default if value is None else texts(value)

    credentials, max_age_s = view.get("allowCredentials"), view.get("maxAge")
    return Cors(
        allow_origins=given("allowedOrigins", ("*",)),
        allow_methods=given("allowedMethods", allowed),
        allow_headers=given("allowedHeaders", CORS_HEADERS),
        expose_headers=given("exposedResponseHeaders", ()),
        allow_credentials=credentials is not None and credentials.boolean(),
        max_age_s=None if max_age_s is None else max_age_s.integer(0, 86_400),
    )
