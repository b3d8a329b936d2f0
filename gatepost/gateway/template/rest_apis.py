"""REST APIs written out as AWS::ApiGateway resources, as the CDK and the framework write them.

Responsible for writing their methods as routes of an AWS::ApiGatewayV2::Api of protocol REST, which
stack_http.py reads; AWS has no such protocol. Source: the CloudFormation reference of
AWS::ApiGateway.
"""

from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.sam_parts import V2, made

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatepost.gateway.template.intrinsics import Plain
    from gatepost.gateway.template.part import Part, Resource
    from gatepost.gateway.template.view import View

_V1: Final = "AWS::ApiGateway::"
_DEPTH_MAX: Final = 50
_PREFLIGHT: Final = {
    name: f"method.response.header.Access-Control-{header}"
    for name, header in (
        ("AllowOrigin", "Allow-Origin"),
        ("AllowMethods", "Allow-Methods"),
        ("AllowHeaders", "Allow-Headers"),
        ("AllowCredentials", "Allow-Credentials"),
        ("MaxAge", "Max-Age"),
    )
}


def expand_rest_apis(resources: "Mapping[str, Resource]") -> dict[str, "Resource"]:
    """Return the resources with those that REST APIs come to here."""
    expanded = dict(resources)
    for resource in resources.values():
        expanded.update((part.logical_id, part) for part in _expanded(resource, resources))
    return expanded


def _expanded(resource: "Resource", resources: "Mapping[str, Resource]") -> "Iterator[Resource]":
    match resource.kind.removeprefix(_V1):
        case "RestApi":
            yield made(
                resource,
                f"{V2}Api",
                resource.logical_id,
                ProtocolType="REST",
                Name=resource.get("Name"),
                Body=resource.get("Body") or resource.get("BodyS3Location"),
                CorsConfiguration=_preflight(resource, resources),
            )
        case "Stage":
            yield _stage(resource, resource.get("RestApiId"), resource.get("Variables"))
        case "Deployment" if resource.get("StageName") is not None:
            yield _stage(resource, resource.get("RestApiId"), None)
        case "Authorizer":
            yield made(
                resource,
                f"{V2}Authorizer",
                resource.logical_id,
                ApiId=resource.get("RestApiId"),
                Name=resource.get("Name"),
                AuthorizerType=resource.get("Type"),
                AuthorizerUri=resource.get("AuthorizerUri"),
                IdentitySource=resource.get("IdentitySource"),
            )
        case "Method":
            yield from _method(resource, resources)


def _preflight(api: "Resource", resources: "Mapping[str, Resource]") -> "dict[str, Plain] | None":
    """Return what the API answers to preflight requests: a mock behind an OPTIONS method."""
    for method in resources.values():
        if method.kind != f"{_V1}Method" or method.text("HttpMethod") != "OPTIONS":
            continue
        owner, integration = method.get("RestApiId"), method.part("Integration")
        reference = owner.get("Ref") if owner is not None and owner.is_mapping else None
        if reference is None or integration is None or reference.text() != api.logical_id:
            continue
        for response in integration.parts("IntegrationResponses"):
            headers = response.text_map("ResponseParameters")
            return {
                name: headers[header].strip("'")
                for name, header in _PREFLIGHT.items()
                if header in headers
            }
    return None


def _stage(resource: "Resource", api: "View | None", variables: "View | None") -> "Resource":
    return made(
        resource,
        f"{V2}Stage",
        resource.logical_id,
        ApiId=api,
        StageName=resource.get("StageName"),
        StageVariables=variables,
    )


def _method(method: "Resource", resources: "Mapping[str, Resource]") -> "Iterator[Resource]":
    integration = method.part("Integration")
    kind = None if integration is None else integration.text("Type")
    name = method.require_text("HttpMethod").upper()
    if name == "OPTIONS" and kind == "MOCK":  # preflight requests, which the emulator answers
        return
    yield made(
        method,
        f"{V2}Route",
        method.logical_id,
        ApiId=method.get("RestApiId"),
        RouteKey=f"{name} {_path(method, resources)}",
        Target=f"integrations/{method.logical_id}.Integration",
        AuthorizationType=method.get("AuthorizationType"),
        AuthorizerId=method.get("AuthorizerId"),
        ApiKeyRequired=method.get("ApiKeyRequired"),
    )
    owner: Part = method if integration is None else integration
    yield made(
        owner,
        f"{V2}Integration",
        f"{method.logical_id}.Integration",
        ApiId=method.get("RestApiId"),
        IntegrationType=kind or "MOCK",
        IntegrationUri=owner.get("Uri"),
        TimeoutInMillis=owner.get("TimeoutInMillis"),
        PayloadFormatVersion="1.0",
    )


def _path(method: "Resource", resources: "Mapping[str, Resource]") -> str:
    """Return the path of a method's resource, by the parents that name its parts."""
    parts: list[str] = []
    view = method.require("ResourceId")
    for _ in range(_DEPTH_MAX):
        reference = view.get("Ref") if view.is_mapping else None
        parent = None if reference is None else resources.get(reference.text())
        if parent is None or parent.kind != f"{_V1}Resource":
            return "/" + "/".join(reversed(parts))
        parts.append(parent.require_text("PathPart"))
        view = parent.require("ParentId")
    raise method.require("ResourceId").error("has too many parents")
