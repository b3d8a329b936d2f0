"""WebSocket APIs of a Terraform plan: routes, integrations, authorizers, stages.

Source: the AWS provider's reference of the aws_apigatewayv2 resources.
"""

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import structs

from gatepost.gateway.core.deployment import (
    CONNECT,
    INTEGRATION_TIMEOUT_S_MAX,
    ApiKey,
    Authorizer,
    DomainMapping,
    HttpProxy,
    Integration,
    LambdaMapped,
    LambdaProxy,
    Mock,
    NotEmulated,
    Route,
    Throttle,
    WebSocketApi,
)
from gatepost.gateway.core.routes import ExpressionError, parse_expression
from gatepost.gateway.template import aws_integrations
from gatepost.gateway.template.aws_integrations import mapped_function, service_of
from gatepost.gateway.template.terraform_functions import function_of, number
from gatepost.gateway.template.terraform_links import linked
from gatepost.gateway.template.terraform_plan import Unknown
from gatepost.gateway.template.terraform_tables import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.gateway.template.terraform_plan import Resource
    from gatepost.gateway.template.terraform_values import Evaluator

API: Final = "aws_apigatewayv2_api"
_PREFIX: Final = "aws_apigatewayv2_"


def parts_of(evaluator: "Evaluator", api: "Resource", kind: str) -> "list[Resource]":
    """Return the routes, stages ... of an API, in the order of the plan."""
    return [
        part
        for part in evaluator.plan.of_type(_PREFIX + kind)
        if linked(evaluator, part, "api_id", API) is api
    ]


def read_sockets(evaluator: "Evaluator", notices: list[str]) -> "Iterator[WebSocketApi]":
    """Read every WebSocket API, once for each of its stages."""
    for api in evaluator.plan.of_type(API):
        if api.values.get("protocol_type") != "WEBSOCKET":
            continue
        routes = _routes(evaluator, api)
        for route in routes.values():
            if (problem := aws_integrations.objection(route)) is not None:
                raise evaluator.error(api, f"has an integration of {route.key} that {problem}")
            if (words := aws_integrations.warning(route)) is not None:
                notices.append(f"{api.address} {words}")
        socket = _socket(evaluator, api, routes)
        stages = parts_of(evaluator, api, "stage")
        if not stages:
            raise evaluator.error(api, "has no stage, so nothing of it can be reached")
        for stage in stages:
            yield _at_stage(evaluator, socket, stage, notices)


def read_domains(evaluator: "Evaluator") -> "Iterator[DomainMapping]":
    """Read what leads from custom domains to stages."""
    for mapping in evaluator.plan.of_type("aws_apigatewayv2_api_mapping"):
        domain = linked(evaluator, mapping, "domain_name", "aws_apigatewayv2_domain_name")
        api = linked(evaluator, mapping, "api_id", API)
        stage = evaluator.text(mapping, "stage")
        if domain is not None and api is not None and stage:
            yield DomainMapping(
                domain=evaluator.text(domain, "domain_name") or "",
                api_id=evaluator.text(api, "id") or "",
                stage=stage,
                key=evaluator.text(mapping, "api_mapping_key") or "",
            )


def _socket(evaluator: "Evaluator", api: "Resource", routes: dict[str, Route]) -> WebSocketApi:
    expression = evaluator.text(api, "route_selection_expression") or "$request.body.action"
    try:
        parse_expression(expression)
    except ExpressionError as error:
        raise evaluator.error(api, str(error)) from None
    asks_for_key = any(route.api_key_required for route in routes.values())
    return WebSocketApi(
        api_id=evaluator.text(api, "id") or "",
        name=evaluator.text(api, "name") or api.name,
        stage="",
        routes=routes,
        route_selection_expression=expression,
        api_keys=tuple(_api_keys(evaluator)) if asks_for_key else (),
        api_key_selection_expression=(
            evaluator.text(api, "api_key_selection_expression") or "$request.header.x-api-key"
        ),
        default_endpoint=api.values.get("disable_execute_api_endpoint") is not True,
    )


def _at_stage(
    evaluator: "Evaluator", api: WebSocketApi, stage: "Resource", notices: list[str]
) -> WebSocketApi:
    name = evaluator.text(stage, "name")
    if not name:
        raise evaluator.error(stage, "needs name")
    default = next(iter(blocks(stage.values, "default_route_settings")), None)
    return structs.replace(
        api,
        stage=name,
        routes=dict(_throttled(stage, api.routes, notices)),
        stage_variables=texts(stage.values.get("stage_variables")),
        throttle=None if default is None else _throttle(stage, default, "every route", notices),
    )


def texts(given: object) -> dict[str, str]:
    """Return a mapping of texts, without members that are null."""
    members = given.items() if isinstance(given, dict) else ()
    return {str(key): str(value) for key, value in members if value is not None}


def _throttle(
    stage: "Resource", settings: dict[str, Any], what: str, notices: list[str]
) -> Throttle:
    """Read limits; the provider sets those that a block leaves out to 0 (B-315)."""
    rate, burst = settings.get("throttling_rate_limit"), settings.get("throttling_burst_limit")
    if not rate or not burst:
        notices.append(
            f"WARNING: {stage.address} throttles {what} to nothing, as on AWS: a block of route "
            "settings without throttling_rate_limit and throttling_burst_limit sets both to 0, "
            "and every client gets 429. Set both."
        )
    return Throttle(float(rate or 0), int(burst or 0))


def _throttled(
    stage: "Resource", routes: dict[str, Route], notices: list[str]
) -> "Iterator[tuple[str, Route]]":
    settings = {str(one.get("route_key")): one for one in blocks(stage.values, "route_settings")}
    for key, route in routes.items():
        own = settings.get(key)
        limit = None if own is None else _throttle(stage, own, key, notices)
        yield key, route if limit is None else structs.replace(route, throttle=limit)


def _routes(evaluator: "Evaluator", api: "Resource") -> dict[str, Route]:
    routes: dict[str, Route] = {}
    answered = {
        target.address
        for response in parts_of(evaluator, api, "route_response")
        if (target := linked(evaluator, response, "route_id", "aws_apigatewayv2_route"))
    }
    for resource in parts_of(evaluator, api, "route"):
        key = evaluator.text(resource, "route_key") or ""
        if key in routes:
            raise evaluator.error(resource, f"makes route {key}, which another makes already")
        target = linked(evaluator, resource, "target", "aws_apigatewayv2_integration")
        routes[key] = Route(
            key=key,
            integration=None if target is None else _integration(evaluator, api, target),
            two_way=resource.address in answered,
            integration_timeout_s=_timeout_s(evaluator, target),
            authorization=_authorization(evaluator, resource, key),
            api_key_required=resource.values.get("api_key_required") is True,
            model_selection_expression=evaluator.text(resource, "model_selection_expression"),
            models=_models(evaluator, api, resource),
        )
    return routes


def _timeout_s(evaluator: "Evaluator", integration: "Resource | None") -> float:
    if integration is None:
        return INTEGRATION_TIMEOUT_S_MAX
    high_ms = INTEGRATION_TIMEOUT_S_MAX * 1000
    return (
        number(evaluator, integration, "timeout_milliseconds", default=high_ms, high=high_ms) / 1000
    )


def _integration(evaluator: "Evaluator", api: "Resource", resource: "Resource") -> Integration:
    kind = resource.values.get("integration_type")
    match kind:
        case "AWS_PROXY":
            function = function_of(evaluator, resource, "integration_uri")
            if function is None:
                raise evaluator.error(resource, "needs integration_uri")
            return LambdaProxy(function)
        case "MOCK":
            return _mock(evaluator, api, resource)
        case "HTTP_PROXY":
            url = evaluator.text(resource, "integration_uri")
            if not url:
                raise evaluator.error(resource, "needs integration_uri")
            return HttpProxy(evaluator.text(resource, "integration_method") or "POST", url)
        case "AWS":
            return _aws(evaluator, api, resource)
        case _:
            raise evaluator.error(
                resource,
                f"has integration_type {kind}; AWS_PROXY, AWS, MOCK and HTTP_PROXY are emulated",
            )


def _aws(
    evaluator: "Evaluator", api: "Resource", resource: "Resource"
) -> LambdaMapped | NotEmulated:
    uri = evaluator.attribute(resource, "integration_uri")
    if isinstance(uri, str) and ":lambda:" not in uri:
        return NotEmulated(service_of(uri))
    function = function_of(evaluator, resource, "integration_uri")
    if function is None:
        raise evaluator.error(resource, "needs integration_uri")
    try:
        return mapped_function(
            function,
            requests=texts(resource.values.get("request_templates")),
            selection=evaluator.text(resource, "template_selection_expression"),
            passthrough=evaluator.text(resource, "passthrough_behavior"),
            responses=_responses(evaluator, api, resource),
        )
    except ValueError as error:
        raise evaluator.error(resource, f"has passthrough_behavior that {error}") from None


def _mock(evaluator: "Evaluator", api: "Resource", resource: "Resource") -> Mock:
    templates = texts(resource.values.get("request_templates"))
    chosen = resource.values.get("template_selection_expression")
    request = templates.get(str(chosen)) or next(iter(templates.values()), None)
    given = {} if request is None else {"request_template": request}
    return Mock(**given, response_templates=_responses(evaluator, api, resource))


def _responses(evaluator: "Evaluator", api: "Resource", resource: "Resource") -> dict[str, str]:
    """Return the response templates of an integration by status, pattern or `$default`."""
    responses = {}
    for response in parts_of(evaluator, api, "integration_response"):
        of = linked(evaluator, response, "integration_id", "aws_apigatewayv2_integration")
        bodies = texts(response.values.get("response_templates"))
        if of is resource and bodies:
            key = str(response.values.get("integration_response_key"))
            status = key.strip("/")  # a pattern keeps its slashes
            responses[status if status.isdecimal() else key] = next(iter(bodies.values()))
    return responses


def _authorization(
    evaluator: "Evaluator", route: "Resource", key: str
) -> Authorizer | Literal["NONE", "AWS_IAM"]:
    kind = route.values.get("authorization_type") or "NONE"
    if kind == "NONE":
        return "NONE"
    if kind == "AWS_IAM" and key == CONNECT:
        return "AWS_IAM"
    if key != CONNECT:
        raise evaluator.error(
            route, f"has an authorizer; AWS has authorizers on no other route than {CONNECT}"
        )
    resource = linked(evaluator, route, "authorizer_id", "aws_apigatewayv2_authorizer")
    if kind != "CUSTOM" or resource is None:
        raise evaluator.error(
            route,
            f"has authorization_type {kind}, which can't be run here: "
            "rather than let everyone in, the plan is refused",
        )
    function = function_of(evaluator, resource, "authorizer_uri")
    if function is None or resource.values.get("authorizer_type") != "REQUEST":
        raise evaluator.error(
            resource,
            "is no REQUEST authorizer with a function, and can't be run here: "
            "rather than let everyone in, the plan is refused",
        )
    sources = evaluator.attribute(resource, "identity_sources")
    if isinstance(sources, Unknown):
        raise evaluator.error(resource, f"has identity_sources from {sources.reason}")
    return Authorizer(
        name=evaluator.text(resource, "name") or resource.name,
        function=function,
        identity_sources=tuple(map(str, sources)) if isinstance(sources, list) else (),
    )


def _models(
    evaluator: "Evaluator", api: "Resource", route: "Resource"
) -> dict[str, dict[str, object]]:
    wanted = texts(route.values.get("request_models"))
    if not wanted:
        return {}
    schemas = {}
    for model in parts_of(evaluator, api, "model"):
        try:
            schema = json.loads(evaluator.text(model, "schema") or "{}")
        except ValueError as error:
            raise evaluator.error(model, f"has a schema that is no JSON: {error}") from None
        if isinstance(schema, dict):
            schemas[evaluator.text(model, "name")] = schema
    for key, name in wanted.items():
        if name not in schemas:
            raise evaluator.error(route, f"has {name!r} in request_models ({key}), no such model")
    return {key: schemas[name] for key, name in wanted.items()}


def _api_keys(evaluator: "Evaluator") -> "Iterator[ApiKey]":
    """Read every key of the plan; the throttle is that of the usage plan that has the key."""
    plans = {
        key.address: plan
        for one in evaluator.plan.of_type("aws_api_gateway_usage_plan_key")
        if (key := linked(evaluator, one, "key_id", "aws_api_gateway_api_key"))
        and (plan := linked(evaluator, one, "usage_plan_id", "aws_api_gateway_usage_plan"))
    }
    for key in evaluator.plan.of_type("aws_api_gateway_api_key"):
        value = evaluator.text(key, "value")
        settings = blocks(plans[key.address].values, "throttle_settings") if key.address in plans \
            else []  # fmt: skip
        limits = [(one.get("rate_limit"), one.get("burst_limit")) for one in settings]
        yield ApiKey(
            name=evaluator.text(key, "name") or key.name,
            value=value or "",
            throttle=next((Throttle(float(rate), int(burst)) for rate, burst in limits
                           if rate is not None and burst is not None), None),
        )  # fmt: skip
