"""The HTTP APIs of a stack, and the REST APIs that SAM's events make.

Responsible for routes that lead to functions. A route that leads elsewhere is left out with a
notice; one whose authorizer can't run refuses the template: it never admits everyone.

Source: the CloudFormation reference of AWS::ApiGatewayV2.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from gatepost.gateway.core.deployment import Cors, HttpApi, HttpAuthorizer, HttpRoute
from gatepost.gateway.template.identities import API
from gatepost.gateway.template.part import part_of
from gatepost.gateway.template.stack_functions import function_named
from gatepost.gateway.template.stack_integrations import known_function, with_stage_variables

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from gatepost.gateway.template.part import Part, Resource
    from gatepost.gateway.template.stack import Stack

V2: Final = "AWS::ApiGatewayV2::"
TIMEOUT_S_DEFAULT: Final = {"http": 30.0, "rest": 29.0}
_TIMEOUT_MS_MAX: Final = 30_000
_MAX_AGE_S_MAX: Final = 86_400
_DEFAULT: Final = "$default"
_RUNNING: Final = ("REQUEST", "TOKEN")


@dataclass(frozen=True, slots=True)
class _Api:
    """One API, its id, its kind and the names of functions."""

    resource: "Resource"
    stack: "Stack"
    api_id: str
    kind: Literal["http", "rest"]
    functions: "Container[str]"

    def parts(self, kind: str) -> "Iterator[Resource]":
        """Iterate over the API's parts of a kind: Route, Stage ..."""
        for resource in self.stack.of_kind(f"{V2}{kind}"):
            if resource.require_text("ApiId") == self.api_id:
                yield resource


def read_http_apis(stack: "Stack", functions: "Container[str]") -> tuple[HttpApi, ...]:
    """Read every HTTP API at each of its stages; `functions` are the names there are."""
    apis: list[HttpApi] = []
    for resource in stack.of_kind(API):
        protocol = resource.require_text("ProtocolType")
        if protocol == "WEBSOCKET":
            continue
        if protocol not in {"HTTP", "REST"}:
            raise resource.require("ProtocolType").error(f"is {protocol}, not WEBSOCKET or HTTP")
        kind: Literal["http", "rest"] = "http" if protocol == "HTTP" else "rest"
        api = _Api(resource, stack, stack.ref(resource.logical_id), kind, functions)
        if resource.get("Body") is not None or resource.get("BodyS3Location") is not None:
            stack.notice(resource, "has routes in an OpenAPI document, which are not served here")
        routes = tuple(_routes(api))
        stages: list[Resource | None] = list(api.parts("Stage"))
        if not stages and resource.get("Target") is None:
            stack.notice(resource, "has no stage and is not served here")
        if routes:
            apis += [_at_stage(api, routes, stage) for stage in stages or [None]]
    return tuple(apis)


def _at_stage(api: _Api, routes: tuple[HttpRoute, ...], stage: "Resource | None") -> HttpApi:
    return HttpApi(
        api_id=api.api_id,
        name=api.resource.text("Name") or api.resource.logical_id,
        stage=_DEFAULT if stage is None else stage.require_text("StageName"),
        kind=api.kind,
        routes=routes,
        cors=_cors(api),
        stage_variables={} if stage is None else stage.text_map("StageVariables"),
    )


def _routes(api: _Api) -> "Iterator[HttpRoute]":
    for route in api.parts("Route"):
        key = route.require_text("RouteKey")
        integration = _integration_of(api, route)
        function = None if integration is None else _function_of(api, integration)
        if integration is None or function is None:
            api.stack.notice(route, f"leads to no function: {key} is not served here")
            continue
        version = integration.text("PayloadFormatVersion")
        if version is not None and version not in {"1.0", "2.0"}:
            raise integration.require("PayloadFormatVersion").error("must be 1.0 or 2.0")
        timeout_ms = integration.integer("TimeoutInMillis", 50, _TIMEOUT_MS_MAX)
        yield HttpRoute(
            *_method_and_path(key, route),
            function=function,
            payload="2.0" if version == "2.0" else "1.0",
            timeout_s=timeout_ms / 1000 if timeout_ms else TIMEOUT_S_DEFAULT[api.kind],
            authorizer=_authorizer_of(api, route),
        )
    if (target := api.resource.get("Target")) is not None:  # the "quick create" of one route
        function = known_function(api.resource.require_text("Target"), target, api.functions)
        key = api.resource.text("RouteKey") or _DEFAULT
        yield HttpRoute(*_method_and_path(key, api.resource), function=function, payload="2.0")


def _method_and_path(key: str, route: "Resource") -> tuple[str, str]:
    if key == _DEFAULT:
        return "ANY", _DEFAULT
    method, _, path = key.partition(" ")
    if not method.isalpha() or not path.startswith("/"):
        raise route.require("RouteKey").error(f"is {key!r}; it must be like 'GET /items/{{id}}'")
    return method.upper(), path


def _integration_of(api: _Api, route: "Resource") -> "Resource | None":
    target = (route.text("Target") or "").removeprefix("integrations/")
    return next((part for part in api.parts("Integration") if part.logical_id == target), None)


def _function_of(api: _Api, integration: "Resource") -> str | None:
    uri = integration.text("IntegrationUri")
    if integration.text("IntegrationType") != "AWS_PROXY" or uri is None:
        return None
    if function_named(uri) is None:
        return None
    return known_function(uri, integration.require("IntegrationUri"), api.functions)


def _authorizer_of(api: _Api, route: "Resource") -> HttpAuthorizer | None:
    if route.flag("ApiKeyRequired"):
        raise route.error("asks for an API key, which is not checked here for HTTP: it is refused")
    kind = route.text("AuthorizationType") or "NONE"
    if kind == "NONE":
        return None
    if kind != "CUSTOM":
        raise route.require("AuthorizationType").error(
            f"is {kind}, which can't be checked here; rather than let everyone in, it is refused"
        )
    name = route.require_text("AuthorizerId")
    for authorizer in api.parts("Authorizer"):
        if authorizer.logical_id == name:
            return _authorizer(api, authorizer)
    raise route.require("AuthorizerId").error(f"is {name}, no authorizer of this API")


def _authorizer(api: _Api, authorizer: "Resource") -> HttpAuthorizer:
    kind = authorizer.require_text("AuthorizerType")
    if kind not in _RUNNING:
        raise authorizer.error(
            f"has AuthorizerType {kind}, which can't be checked here; rather than let everyone "
            "in, it is refused"
        )
    uri = with_stage_variables(authorizer.require_text("AuthorizerUri"), {})
    version = authorizer.text("AuthorizerPayloadFormatVersion")
    return HttpAuthorizer(
        name=authorizer.text("Name") or authorizer.logical_id,
        function=known_function(uri, authorizer.require("AuthorizerUri"), api.functions),
        kind="TOKEN" if kind == "TOKEN" else "REQUEST",
        payload="2.0" if version == "2.0" else "1.0",
        simple=authorizer.flag("EnableSimpleResponses"),
        identity_sources=authorizer.texts("IdentitySource"),
    )


def _cors(api: _Api) -> Cors | None:
    view = api.resource.get("CorsConfiguration")
    if view is None:
        return None
    if not view.is_mapping:  # SAM: true for an HTTP API, origins for a REST API
        text = (api.resource.text("CorsConfiguration") or "").strip("'")
        if text in {"true", "True"}:
            return Cors()
        return None if text in {"", "false", "False"} else Cors(allow_origins=(text,))
    part = part_of(view, api.resource.intrinsics)
    return Cors(
        allow_origins=_listed(part, "AllowOrigins", "AllowOrigin") or ("*",),
        allow_methods=_listed(part, "AllowMethods"),
        allow_headers=_listed(part, "AllowHeaders"),
        expose_headers=_listed(part, "ExposeHeaders"),
        allow_credentials=part.flag("AllowCredentials"),
        max_age_s=_max_age(part),
    )


def _listed(part: "Part", *keys: str) -> tuple[str, ...]:
    """Return a list of texts; SAM's REST APIs write `"'GET,POST'"`."""
    return tuple(
        item.strip()
        for key in keys
        for text in part.texts(key)
        for item in text.strip("'").split(",")
        if item.strip()
    )


def _max_age(part: "Part") -> int | None:
    text = (part.text("MaxAge") or "").strip("'")
    return int(text) if text.isdecimal() and int(text) <= _MAX_AGE_S_MAX else None
