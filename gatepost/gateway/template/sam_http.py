"""SAM's HTTP and REST APIs, and the Api and HttpApi events of its functions.

Responsible for writing them as AWS::ApiGatewayV2 resources, which stack_http.py reads. A REST API
is written as one of protocol REST, which these resources don't have on AWS.

Source: the SAM reference; aws-sam-translator (Apache-2.0) for implicit APIs and defaults.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.part import Part, Resource, written
from gatepost.gateway.template.sam_parts import (
    V2,
    domain_of,
    function_uri,
    made,
    stage_id,
    stage_of,
)
from gatepost.gateway.template.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatepost.gateway.template.intrinsics import Plain

HTTP_API: Final = "AWS::Serverless::HttpApi"
REST_API: Final = "AWS::Serverless::Api"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What differs between SAM's HTTP and REST APIs."""

    protocol: str
    event_api: str  # the event's property that names its API
    implicit: str  # the API of events that name none
    stage: str
    stage_suffix: str  # of the logical id of the stage with that name
    variables: str
    cors: str
    payload: str
    source: str  # what identity sources begin with


_KINDS: Final = {
    HTTP_API: _Kind(
        "HTTP", "ApiId", "ServerlessHttpApi", "$default", "ApiGatewayDefaultStage",
        "StageVariables", "CorsConfiguration", "2.0", "$request.",
    ),
    REST_API: _Kind(
        "REST", "RestApiId", "ServerlessRestApi", "Prod", "ProdStage", "Variables", "Cors", "1.0",
        "method.request.",
    ),
}  # fmt: skip
EVENTS: Final = {"HttpApi": HTTP_API, "Api": REST_API}
"""The types of functions' events that are routes of an API, and the type of that API."""


def implicit_apis(functions: "list[Resource]") -> "Iterator[Resource]":
    """Make the APIs that SAM adds for events which name none."""
    for event_type, api_type in EVENTS.items():
        kind = _KINDS[api_type]
        for function in functions:
            events = [event for _, event in function.named_parts("Events")]
            if any(_is_implicit(event, event_type, kind) for event in events):
                yield made(function, api_type, kind.implicit)
                break


def _is_implicit(event: Part, event_type: str, kind: _Kind) -> bool:
    if event.text("Type") != event_type:
        return False
    properties = event.part("Properties")
    return properties is None or properties.get(kind.event_api) is None


def expand_http_api(api: Resource) -> "Iterator[Resource]":
    """Make the API, its authorizers, stage and domain."""
    kind = _KINDS[api.kind]
    yield made(
        api,
        f"{V2}Api",
        api.logical_id,
        ProtocolType=kind.protocol,
        Name=api.get("Name") or api.logical_id,
        CorsConfiguration=api.get(kind.cors),
        Body=api.get("DefinitionBody") or api.get("DefinitionUri"),
        DisableExecuteApiEndpoint=api.get("DisableExecuteApiEndpoint"),
    )
    stage = stage_id(api, kind.stage, kind.stage_suffix)
    yield stage_of(api, stage, default=kind.stage, variables=kind.variables)
    yield from domain_of(api, stage)
    auth = api.part("Auth")
    for name, authorizer in () if auth is None else auth.named_parts("Authorizers"):
        yield _authorizer(api, name, authorizer)


def _authorizer(api: Resource, name: str, authorizer: Part) -> Resource:
    kind = _KINDS[api.kind]
    arn = authorizer.get("FunctionArn")
    if arn is None:
        runs = "COGNITO_USER_POOLS" if authorizer.get("UserPoolArn") else "JWT"
    else:
        default = "REQUEST" if api.kind == HTTP_API else "TOKEN"
        runs = authorizer.text("FunctionPayloadType") or default
    return made(
        authorizer,
        f"{V2}Authorizer",
        f"{api.logical_id}{name}Authorizer",
        ApiId={"Ref": api.logical_id},
        Name=name,
        AuthorizerType=runs,
        AuthorizerUri=None if arn is None else function_uri(arn),
        IdentitySource=_identity_sources(authorizer.part("Identity"), kind, runs),
        AuthorizerPayloadFormatVersion=authorizer.get("AuthorizerPayloadFormatVersion")
        or kind.payload,
        EnableSimpleResponses=authorizer.get("EnableSimpleResponses"),
    )


def _identity_sources(identity: Part | None, kind: _Kind, runs: str) -> "list[Plain]":
    if runs == "TOKEN":
        header = identity and identity.text("Header")
        return [f"{kind.source}header.{header or 'Authorization'}"]
    if identity is None:
        return []
    outer = "$" if kind.protocol == "HTTP" else ""
    prefixes = {
        "Headers": f"{kind.source}header.",
        "QueryStrings": f"{kind.source}querystring.",
        "StageVariables": f"{outer}stageVariables.",
        "Context": f"{outer}context.",
    }
    return [prefix + name for key, prefix in prefixes.items() for name in identity.texts(key)]


def expand_events(
    function: Resource, apis: "Mapping[str, Resource]", notices: list[str]
) -> "Iterator[Resource]":
    """Make the routes of a function's events; other events are noted.

    Raises TemplateError for an event whose API the template lacks.
    """
    idle = set()
    for name, event in function.named_parts("Events"):
        event_type = event.require_text("Type")
        if event_type not in EVENTS:
            idle.add(event_type)
            continue
        properties = event.part("Properties") or event
        kind = _KINDS[EVENTS[event_type]]
        given = properties.get(kind.event_api)
        api_id = kind.implicit if given is None else _api_named(given)
        if api_id not in apis:
            raise (given or event.view).error(f"leads to {api_id}, no API of this template")
        yield from _route(function, name, properties, apis[api_id])
    if idle:
        types = ", ".join(sorted(idle))
        notices.append(f"{function.place}: {types} events of {function.logical_id} are not sent")


def _api_named(given: View) -> str:
    reference = given.get("Ref") if given.is_mapping else given
    if reference is None:
        raise given.error("must be a Ref to an API of this template")
    return reference.text()


def _route(function: Resource, name: str, event: Part, api: Resource) -> "Iterator[Resource]":
    kind = _KINDS[api.kind]
    base = f"{function.logical_id}{name}"
    path = event.text("Path")
    method = (
        (event.text("Method") or "ANY").upper().replace("X-AMAZON-APIGATEWAY-ANY-METHOD", "ANY")
    )
    authorization, authorizer = _authorization(event, api)
    yield made(
        event,
        f"{V2}Route",
        f"{base}Route",
        ApiId={"Ref": api.logical_id},
        RouteKey="$default" if path in {None, "$default"} else f"{method} {path}",
        Target=f"integrations/{base}Integration",
        AuthorizationType=authorization,
        AuthorizerId=authorizer,
        ApiKeyRequired=_api_key_required(event, api),
    )
    arn = written({"Fn::GetAtt": [function.logical_id, "Arn"]}, event.view, event.view.path)
    yield made(
        event,
        f"{V2}Integration",
        f"{base}Integration",
        ApiId={"Ref": api.logical_id},
        IntegrationType="AWS_PROXY",
        IntegrationUri=function_uri(arn),
        PayloadFormatVersion=event.get("PayloadFormatVersion") or kind.payload,
        TimeoutInMillis=event.get("TimeoutInMillis"),
    )


def _authorization(event: Part, api: Resource) -> tuple[str, str | None]:
    """Return the type of authorization of a route, and the id of its authorizer."""
    own, shared = event.part("Auth"), api.part("Auth")
    name = (own and own.text("Authorizer")) or (shared and shared.text("DefaultAuthorizer"))
    if name is None or name in {"NONE", "AWS_IAM"}:
        return name or "NONE", None
    return "CUSTOM", f"{api.logical_id}{name}Authorizer"


def _api_key_required(event: Part, api: Resource) -> bool:
    for owner in (event, api):
        auth = owner.part("Auth")
        if auth is not None and auth.get("ApiKeyRequired") is not None:
            return auth.flag("ApiKeyRequired")
    return False
