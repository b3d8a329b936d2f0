"""HTTP APIs of a Terraform plan.

Source: the AWS provider's reference of the aws_apigatewayv2 resources.
"""

from typing import TYPE_CHECKING, Final, Literal

from gatepost.gateway.core.deployment import Cors, HttpApi, HttpAuthorizer, HttpRoute
from gatepost.gateway.template.terraform_functions import function_of, number
from gatepost.gateway.template.terraform_links import linked
from gatepost.gateway.template.terraform_sockets import API, parts_of, texts
from gatepost.gateway.template.terraform_tables import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.gateway.template.terraform_plan import Resource
    from gatepost.gateway.template.terraform_values import Evaluator

TIMEOUT_S_MAX: Final = 30.0

_CANNOT_RUN: Final = (
    "can't be run here, only Lambda authorizers of the plan can: "
    "rather than let everyone in, the plan is refused"
)


def read_http_apis(evaluator: "Evaluator", notices: list[str]) -> "Iterator[HttpApi]":
    """Read every HTTP API, once for each of its stages."""
    for api in evaluator.plan.of_type(API):
        if api.values.get("protocol_type") != "HTTP":
            continue
        routes = tuple(_routes(evaluator, api, notices))
        variables = {
            evaluator.text(stage, "name") or "": texts(stage.values.get("stage_variables"))
            for stage in parts_of(evaluator, api, "stage")
        }
        for stage, given in (variables or {"$default": {}}).items():
            yield HttpApi(
                api_id=evaluator.text(api, "id") or "",
                name=evaluator.text(api, "name") or api.name,
                stage=stage,
                kind="http",
                routes=routes,
                cors=_cors(api),
                stage_variables=given,
            )


def _routes(evaluator: "Evaluator", api: "Resource", notices: list[str]) -> "Iterator[HttpRoute]":
    quick = function_of(evaluator, api, "target")
    if quick is not None:  # the API's own shortcut for one function behind everything
        method, path = _target(evaluator, api, evaluator.text(api, "route_key") or "$default")
        yield HttpRoute(method=method, path=path, function=quick, payload="2.0", timeout_s=30.0)
    for route in parts_of(evaluator, api, "route"):
        key = evaluator.text(route, "route_key") or ""
        method, path = _target(evaluator, route, key)
        integration = linked(evaluator, route, "target", "aws_apigatewayv2_integration")
        kind = None if integration is None else integration.values.get("integration_type")
        if integration is None or kind != "AWS_PROXY":
            notices.append(f"{route.address}: {key} is not served here: {kind} is not emulated")
            continue
        function = function_of(evaluator, integration, "integration_uri")
        if function is None:
            notices.append(f"{route.address}: {key} is not served here: it calls no function")
            continue
        high_ms = TIMEOUT_S_MAX * 1000
        yield HttpRoute(
            method=method,
            path=path,
            function=function,
            payload=_payload(integration, "payload_format_version", "1.0"),
            timeout_s=number(
                evaluator, integration, "timeout_milliseconds", default=high_ms, high=high_ms
            )
            / 1000,
            authorizer=_authorizer(evaluator, route, notices),
        )


def _target(evaluator: "Evaluator", resource: "Resource", key: str) -> tuple[str, str]:
    if key == "$default":
        return "ANY", "$default"
    method, _, path = key.partition(" ")
    if not path.startswith("/"):
        raise evaluator.error(resource, f"has route_key {key!r}; write METHOD /path or $default")
    return method.upper(), path


def _payload(
    resource: "Resource", name: str, default: Literal["1.0", "2.0"]
) -> Literal["1.0", "2.0"]:
    match resource.values.get(name):
        case "1.0":
            return "1.0"
        case "2.0":
            return "2.0"
        case _:
            return default


def _authorizer(
    evaluator: "Evaluator", route: "Resource", notices: list[str]
) -> HttpAuthorizer | None:
    kind = route.values.get("authorization_type") or "NONE"
    if kind == "NONE":
        return None
    if kind != "CUSTOM":
        raise evaluator.error(route, f"has authorization_type {kind}, which {_CANNOT_RUN}")
    resource = linked(evaluator, route, "authorizer_id", "aws_apigatewayv2_authorizer")
    if resource is None or resource.values.get("authorizer_type") != "REQUEST":
        raise evaluator.error(route, f"has an authorizer that {_CANNOT_RUN}")
    function = function_of(evaluator, resource, "authorizer_uri")
    if function is None:
        raise evaluator.error(resource, f"names no function: it {_CANNOT_RUN}")
    if resource.values.get("authorizer_result_ttl_in_seconds"):
        notices.append(f"{resource.address}: results are not kept; every request calls it")
    sources = resource.values.get("identity_sources")
    return HttpAuthorizer(
        name=evaluator.text(resource, "name") or resource.name,
        function=function,
        payload=_payload(resource, "authorizer_payload_format_version", "1.0"),
        simple=resource.values.get("enable_simple_responses") is True,
        identity_sources=tuple(map(str, sources)) if isinstance(sources, list) else (),
    )


def _cors(api: "Resource") -> Cors | None:
    given = next(iter(blocks(api.values, "cors_configuration")), None)
    if given is None:
        return None

    def several(name: str) -> tuple[str, ...]:
        listed = given.get(name)
        return tuple(map(str, listed)) if isinstance(listed, list) else ()

    max_age_s = given.get("max_age")
    return Cors(
        allow_origins=several("allow_origins"),
        allow_methods=several("allow_methods"),
        allow_headers=several("allow_headers"),
        expose_headers=several("expose_headers"),
        allow_credentials=given.get("allow_credentials") is True,
        max_age_s=max_age_s if isinstance(max_age_s, int) and max_age_s else None,
    )
