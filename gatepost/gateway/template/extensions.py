"""`resources.extensions`: properties that a project adds to what the framework makes.

Responsible for those of the framework's WebSocket API that make a difference here: throttles of its
stage, and its own address switched off. Others are left to AWS.

Source: the framework's guide on resources ("Extending resources"): a property given there stands in
place of the framework's.
"""

from typing import TYPE_CHECKING, Final

from msgspec import structs

from gatepost.gateway.template.part import Part
from gatepost.gateway.template.stage_throttles import default_throttle, route_throttles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.gateway.core.deployment import WebSocketApi
    from gatepost.gateway.template.intrinsics import Intrinsics
    from gatepost.gateway.template.view import View

SOCKET_API: Final = "WebsocketsApi"
SOCKET_STAGE: Final = "WebsocketsDeploymentStage"
"""Logical ids that the framework gives."""


def extended(
    api: "WebSocketApi", section: "View | None", intrinsics: "Intrinsics"
) -> "WebSocketApi":
    """Return the framework's API as `extensions` of the section `resources` change it.

    Raises TemplateError for values that can't be, and for settings of a route that isn't there.
    """
    for properties in _properties(section, SOCKET_STAGE, intrinsics):
        throttles = route_throttles(properties)
        for key in throttles.keys() - api.routes.keys():
            raise properties.require("RouteSettings").error(f"has {key}, which no event makes")
        api = structs.replace(
            api,
            throttle=default_throttle(properties) or api.throttle,
            routes={
                key: structs.replace(route, throttle=throttles.get(key) or route.throttle)
                for key, route in api.routes.items()
            },
        )
    for properties in _properties(section, SOCKET_API, intrinsics):
        off = properties.flag("DisableExecuteApiEndpoint", default=not api.default_endpoint)
        api = structs.replace(api, default_endpoint=not off)
    return api


def _properties(
    section: "View | None", logical_id: str, intrinsics: "Intrinsics"
) -> "Iterator[Part]":
    """Iterate over what the parts of the section add to a resource."""
    if section is None:
        return
    for part in section.elements() if section.is_list else [section]:
        extensions = None if part.is_empty else part.get("extensions")
        resource = None if extensions is None else extensions.get(logical_id)
        given = None if resource is None else resource.get("Properties")
        if given is not None:
            yield Part(view=given, properties=dict(given.items()), intrinsics=intrinsics)
