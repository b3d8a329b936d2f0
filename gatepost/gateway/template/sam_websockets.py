"""AWS::Serverless::WebSocketApi as the plain API, routes, integrations and stage it comes to.

Responsible for that type alone. Source: aws-sam-translator (Apache-2.0), which has it since 1.109:
its schema, its defaults (stage `default`) and what it refuses.
"""

import re
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import CONNECT
from gatepost.gateway.template.sam_parts import (
    V2,
    domain_of,
    function_uri,
    made,
    stage_id,
    stage_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.gateway.template.intrinsics import Plain
    from gatepost.gateway.template.part import Part, Resource

WEBSOCKET_API: Final = "AWS::Serverless::WebSocketApi"
STAGE_DEFAULT: Final = "default"

_ROUTE_KEY: Final = re.compile(r"\$connect|\$disconnect|\$default|[A-Za-z0-9]+")


def expand_websocket_api(api: "Resource") -> "Iterator[Resource]":
    """Make the API and what belongs to it, or raise TemplateError for what SAM refuses."""
    yield made(
        api,
        f"{V2}Api",
        api.logical_id,
        ProtocolType="WEBSOCKET",
        Name=api.get("Name") or api.logical_id,
        RouteSelectionExpression=api.require("RouteSelectionExpression"),
        ApiKeySelectionExpression=api.get("ApiKeySelectionExpression"),
        DisableExecuteApiEndpoint=api.get("DisableExecuteApiEndpoint"),
        DisableSchemaValidation=api.get("DisableSchemaValidation"),
    )
    routes = dict(api.named_parts("Routes"))
    if not routes:
        raise api.error("needs Routes, at least one")
    auth = api.part("Auth")
    if auth is not None and CONNECT not in routes:
        raise auth.error(f"needs a {CONNECT} route")
    authorization = "NONE" if auth is None else _authorization(auth)
    for key, route in routes.items():
        yield from _route(api, key, route, authorization if key == CONNECT else "NONE")
    if auth is not None and authorization == "CUSTOM":
        yield made(
            auth,
            f"{V2}Authorizer",
            f"{api.logical_id}ConnectAuthorizer",
            ApiId={"Ref": api.logical_id},
            AuthorizerType="REQUEST",
            AuthorizerUri=function_uri(auth.require("AuthArn")),
            IdentitySource=auth.get("IdentitySource"),
            Name=auth.get("Name") or f"{api.logical_id}ConnectAuthorizer",
        )
    stage = stage_id(api, STAGE_DEFAULT, "DefaultStage")
    yield stage_of(api, stage, default=STAGE_DEFAULT, variables="StageVariables")
    yield from domain_of(api, stage)


def _authorization(auth: "Part") -> str:
    kind = auth.require_text("AuthType")
    if kind not in {"NONE", "AWS_IAM", "CUSTOM"}:
        raise auth.require("AuthType").error("must be NONE, AWS_IAM or CUSTOM")
    return kind


def _route(api: "Resource", key: str, route: "Part", authorization: str) -> "Iterator[Resource]":
    if not _ROUTE_KEY.fullmatch(key):
        raise route.error("can't be a route of SAM's: letters and digits only")
    base = f"{api.logical_id}{key.removeprefix('$').capitalize()}"
    owner: Plain = {"Ref": api.logical_id}
    custom = authorization == "CUSTOM"
    yield made(
        route,
        f"{V2}Route",
        f"{base}Route",
        ApiId=owner,
        RouteKey=key,
        Target=f"integrations/{base}Integration",
        AuthorizationType=authorization,
        AuthorizerId={"Ref": f"{api.logical_id}ConnectAuthorizer"} if custom else None,
        ApiKeyRequired=route.get("ApiKeyRequired"),
        ModelSelectionExpression=route.get("ModelSelectionExpression"),
        RequestModels=route.get("RequestModels"),
        RouteResponseSelectionExpression=route.get("RouteResponseSelectionExpression"),
    )
    yield made(
        route,
        f"{V2}Integration",
        f"{base}Integration",
        ApiId=owner,
        IntegrationType="AWS_PROXY",
        IntegrationUri=function_uri(route.require("FunctionArn")),
        TimeoutInMillis=route.get("IntegrationTimeout"),
    )
