"""The WebSocket APIs of a stack: AWS::ApiGatewayV2::Api, Route, Stage, Authorizer, Model ...

Responsible for one WebSocketApi for each stage of each API. An authorizer that can't run refuses
the template: it never admits everyone. Source: the CloudFormation reference of AWS::ApiGatewayV2.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from gatepost.gateway.core.deployment import (
    CONNECT,
    INTEGRATION_TIMEOUT_S_MAX,
    Authorizer,
    DomainMapping,
    LambdaMapped,
    NotEmulated,
    Route,
    Throttle,
    WebSocketApi,
)
from gatepost.gateway.core.routes import ExpressionError, parse_expression
from gatepost.gateway.template import aws_integrations
from gatepost.gateway.template.identities import API
from gatepost.gateway.template.stack_integrations import (
    known_function,
    read_integration,
    timeout_s,
    with_stage_variables,
)
from gatepost.gateway.template.stack_keys import read_api_keys
from gatepost.gateway.template.stage_throttles import default_throttle, route_throttles

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator

    from gatepost.gateway.template.part import Resource
    from gatepost.gateway.template.stack import Stack

V2: Final = "AWS::ApiGatewayV2::"
_DEFAULT: Final = "$default"
_IDLE_OF_API: Final = frozenset({"DisableSchemaValidation", "Body", "BodyS3Location"})
_IDLE_OF_ROUTE: Final = frozenset({"RequestParameters"})
_IDLE: Final = frozenset({"ContentHandlingStrategy", "PassthroughBehavior", "TlsConfig"})
_IDLE_OF_MAPPED: Final = frozenset({"ContentHandlingStrategy", "RequestParameters", "TlsConfig"})


@dataclass(frozen=True, slots=True)
class _Api:
    """One API and the parts of the stack that belong to it."""

    resource: "Resource"
    stack: "Stack"
    api_id: str
    functions: "Container[str]"

    def parts(self, kind: str) -> "Iterator[Resource]":
        """Iterate over the API's parts of a kind: Route, Stage ..."""
        for resource in self.stack.of_kind(f"{V2}{kind}"):
            if resource.require_text("ApiId") == self.api_id:
                yield resource

    def part_named(self, kind: str, part_id: str) -> "Resource | None":
        """Return a part of the API by its id, which is its logical id."""
        return next((part for part in self.parts(kind) if part.logical_id == part_id), None)


def read_websocket_apis(stack: "Stack", functions: "Container[str]") -> tuple[WebSocketApi, ...]:
    """Read every WebSocket API at each of its stages; `functions` are the names there are."""
    apis: list[WebSocketApi] = []
    for resource in stack.of_kind(API):
        if resource.require_text("ProtocolType") != "WEBSOCKET":
            continue
        api = _Api(resource, stack, stack.ref(resource.logical_id), functions)
        stages = [_at_stage(api, stage) for stage in api.parts("Stage")]
        if not stages:
            raise resource.error(f"has no {V2}Stage, so nobody can connect to it")
        stack.note_idle(resource, _IDLE_OF_API)
        apis += stages
    return tuple(apis)


def read_domains(stack: "Stack", known: "Collection[tuple[str, str]]") -> tuple[DomainMapping, ...]:
    """Read the custom domains of WebSocket APIs, known by API id and stage (B-325)."""
    mappings = []
    for mapping in stack.of_kind(f"{V2}ApiMapping"):
        api_id, stage = mapping.require_text("ApiId"), mapping.require_text("Stage")
        if (api_id, stage) not in known:
            stack.notice(mapping, "leads to no WebSocket API of this template and has no effect")
            continue
        domain, key = mapping.require_text("DomainName"), mapping.text("ApiMappingKey") or ""
        mappings.append(DomainMapping(domain=domain, api_id=api_id, stage=stage, key=key))
    return tuple(mappings)


def _at_stage(api: _Api, stage: "Resource") -> WebSocketApi:
    variables = stage.text_map("StageVariables")
    throttles = route_throttles(stage)
    routes: dict[str, Route] = {}
    for resource in api.parts("Route"):
        key = resource.require_text("RouteKey")
        if key in routes:
            raise resource.error(f"makes route {key}, which another resource makes already")
        routes[key] = _route(api, resource, variables, throttles.get(key))
        api.stack.note_idle(resource, _IDLE_OF_ROUTE)
    if not routes:
        raise api.resource.error(f"has no {V2}Route")
    name = stage.require_text("StageName")
    return WebSocketApi(
        api_id=api.api_id,
        name=api.resource.text("Name") or api.resource.logical_id,
        stage=name,
        routes=routes,
        route_selection_expression=_selection_expression(api.resource),
        stage_variables=variables,
        api_keys=read_api_keys(api.stack, api.api_id, name),
        api_key_selection_expression=api.resource.text("ApiKeySelectionExpression")
        or "$request.header.x-api-key",
        throttle=default_throttle(stage),
        default_endpoint=not api.resource.flag("DisableExecuteApiEndpoint"),
    )


def _selection_expression(api: "Resource") -> str:
    expression = api.require_text("RouteSelectionExpression")
    try:
        parse_expression(expression)
    except ExpressionError as error:
        raise api.require("RouteSelectionExpression").error(str(error)) from None
    return expression


def _route(
    api: _Api, route: "Resource", variables: dict[str, str], throttle: Throttle | None
) -> Route:
    key = route.require_text("RouteKey")
    integration = _integration_of(api, route)
    timeout = None if integration is None else timeout_s(integration)
    made = Route(
        key=key,
        integration=None
        if integration is None
        else read_integration(
            integration,
            _responses_of(api, integration),
            functions=api.functions,
            stage_variables=variables,
        ),
        two_way=_two_way(api, route),
        integration_timeout_s=timeout or INTEGRATION_TIMEOUT_S_MAX,
        authorization=_authorization(api, route, variables),
        api_key_required=route.flag("ApiKeyRequired"),
        model_selection_expression=route.text("ModelSelectionExpression"),
        models=_models(api, route),
        throttle=throttle,
    )
    if integration is not None:
        if (problem := aws_integrations.objection(made)) is not None:
            raise integration.error(problem)
        if (words := aws_integrations.warning(made)) is not None:
            api.stack.notice(api.resource, words)
        if not isinstance(made.integration, NotEmulated):
            idle = _IDLE_OF_MAPPED if isinstance(made.integration, LambdaMapped) else _IDLE
            api.stack.note_idle(integration, idle)
    return made


def _integration_of(api: _Api, route: "Resource") -> "Resource | None":
    target = route.text("Target")
    if target is None:
        return None
    integration = api.part_named("Integration", target.removeprefix("integrations/"))
    if integration is None:
        raise route.require("Target").error(f"is {target}, no integration of this API")
    return integration


def _responses_of(api: _Api, integration: "Resource") -> "Iterator[Resource]":
    for response in api.parts("IntegrationResponse"):
        if response.require_text("IntegrationId") == integration.logical_id:
            yield response


def _two_way(api: _Api, route: "Resource") -> bool:
    """Whether replies are sent: a selection expression and a route response, both (B-190)."""
    expression = route.text("RouteResponseSelectionExpression")
    if expression is None:
        return False
    if expression != _DEFAULT:
        raise route.require("RouteResponseSelectionExpression").error(f"can only be {_DEFAULT}")
    for response in api.parts("RouteResponse"):
        if response.require_text("RouteId") == route.logical_id:
            return True
    api.stack.notice(route, f"has no {V2}RouteResponse, so replies are dropped, as on AWS (B-190)")
    return False


def _authorization(
    api: _Api, route: "Resource", variables: dict[str, str]
) -> "Authorizer | Literal['NONE', 'AWS_IAM']":
    kind = route.text("AuthorizationType") or "NONE"
    if kind == "NONE":
        return "NONE"
    at = route.require("AuthorizationType")
    if route.require_text("RouteKey") != CONNECT:
        raise at.error(f"belongs on route {CONNECT}; AWS has authorizers on no other route")
    if kind == "AWS_IAM":
        return "AWS_IAM"
    if kind != "CUSTOM":
        raise at.error(f"is {kind}; a WebSocket API knows NONE, AWS_IAM and CUSTOM")
    authorizer = api.part_named("Authorizer", route.require_text("AuthorizerId"))
    if authorizer is None:
        raise route.require("AuthorizerId").error("is no authorizer of this API")
    if (runs := authorizer.require_text("AuthorizerType")) != "REQUEST":
        raise authorizer.require("AuthorizerType").error(
            f"is {runs}; rather than let everyone in, only REQUEST is taken"
        )
    uri = with_stage_variables(authorizer.require_text("AuthorizerUri"), variables)
    return Authorizer(
        name=authorizer.text("Name") or authorizer.logical_id,
        function=known_function(uri, authorizer.require("AuthorizerUri"), api.functions),
        identity_sources=authorizer.texts("IdentitySource"),
    )


def _models(api: _Api, route: "Resource") -> dict[str, dict[str, object]]:
    """Return the JSON schemas of a route's models by key; models go by name, also by Ref."""
    schemas = {}
    for key, name in route.text_map("RequestModels").items():
        for model in api.parts("Model"):
            if name in {model.logical_id, model.text("Name")}:
                schemas[key] = _schema(model)
                break
        else:
            raise route.require("RequestModels").error(f"names {name}, no model of this API")
    return schemas


def _schema(model: "Resource") -> dict[str, object]:
    schema: object = model.plain("Schema")
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except (ValueError, RecursionError) as error:
            raise model.require("Schema").error(f"is no JSON: {error}") from None
    if not isinstance(schema, dict):
        raise model.error("needs a Schema that is a JSON object")
    return schema
