"""Resources that SAM writes into a template: how they are made, and what all its APIs share.

Responsible for the making; which resources an API comes to is up to sam_websockets.py and
sam_http.py. Source: aws-sam-translator (Apache-2.0, 1.115).
"""

from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.part import Part, Resource, written
from gatepost.gateway.template.view import View
from gatepost.gateway.template.yaml_source import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.gateway.template.intrinsics import Plain

V2: Final = "AWS::ApiGatewayV2::"

_URI: Final = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
    "${FunctionArn}/invocations"
)


def made(owner: Part, kind: str, logical_id: str, **properties: "View | Plain") -> Resource:
    """Make a resource that stands where `owner` does; properties that are None are left out."""
    return Resource(
        view=owner.view,
        properties={
            key: value if isinstance(value, View) else written(value, owner.view, owner.view.path)
            for key, value in properties.items()
            if value is not None
        },
        intrinsics=owner.intrinsics,
        logical_id=logical_id,
        kind=kind,
    )


def function_uri(function_arn: View) -> View:
    """Return the URI by which an API leads to the function with this ARN."""
    place = function_arn.place
    arguments = Node({"FunctionArn": function_arn.node}, place)
    sub = Node({"Fn::Sub": Node([Node(_URI, place), arguments], place)}, place)
    return View(sub, function_arn.path, function_arn.variables)


def stage_id(api: Resource, default: str, suffix: str) -> str:
    """Return the logical id of an API's stage; `suffix` is that of the stage called `default`."""
    given = api.get("StageName")
    name = default if given is None else given.node.value
    if name == default:
        return f"{api.logical_id}{suffix}"
    return f"{api.logical_id}{name if isinstance(name, str) else ''}Stage"


def stage_of(api: Resource, logical_id: str, *, default: str, variables: str) -> Resource:
    """Make the stage of an API; `variables` is the API's property with the stage's variables."""
    return made(
        api,
        f"{V2}Stage",
        logical_id,
        ApiId={"Ref": api.logical_id},
        StageName=api.get("StageName") or default,
        StageVariables=api.get(variables),
        DefaultRouteSettings=api.get("DefaultRouteSettings"),
        RouteSettings=api.get("RouteSettings"),
    )


def domain_of(api: Resource, stage: str) -> "Iterator[Resource]":
    """Make the mappings of the API's own domain to a stage, one for each of its base paths."""
    domain = api.part("Domain")
    if domain is None:
        return
    for number, path in enumerate(domain.texts("BasePath") or ("/",)):
        yield made(
            api,
            f"{V2}ApiMapping",
            f"{api.logical_id}ApiMapping{number}",
            ApiId={"Ref": api.logical_id},
            DomainName=domain.require("DomainName"),
            Stage={"Ref": stage},
            ApiMappingKey=path.strip("/") or None,
        )
