"""APIs that a serverless.yml writes out as resources, beside those that events make.

Responsible for handing AWS::ApiGatewayV2 resources to what reads them in CloudFormation, as a stack
that knows the framework's functions by their logical ids. Parts that would change the framework's
own WebSocket API behind the emulator's back are refused.
"""

from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.identities import API
from gatepost.gateway.template.stack import Stack
from gatepost.gateway.template.stack_http import read_http_apis
from gatepost.gateway.template.stack_websockets import V2, read_domains, read_websocket_apis

if TYPE_CHECKING:
    from gatepost.gateway.core.deployment import DomainMapping, HttpApi, WebSocketApi
    from gatepost.gateway.template.functions import Reading
    from gatepost.gateway.template.part import Resource

_PARTS: Final = tuple(
    f"{V2}{part}"
    for part in ("Route", "RouteResponse", "Integration", "IntegrationResponse", "Authorizer")
)


def read_written_apis(
    parts: "dict[str, Resource]",
    reading: "Reading",
    *,
    http_api_id: str,
    made: "tuple[str, str]",
) -> "tuple[tuple[WebSocketApi, ...], tuple[HttpApi, ...], tuple[DomainMapping, ...]]":
    """Read the APIs that are written out, and the custom domains of their sockets.

    Raises TemplateError for what can't be run, and for parts of an API that none of these is, but
    for those of `http_api_id`, which the framework makes: they are not served, as a notice says.
    `made` is the WebSocket API that the framework makes of events, and its stage.
    """
    intrinsics, functions = reading.intrinsics, frozenset(reading.section.names.values())
    stack = Stack(
        name=intrinsics.stack,
        region=intrinsics.region,
        folder=reading.root,
        resources=parts,
        intrinsics=intrinsics,
        environments=reading.environments,
        notices=reading.notices,
    )
    own = {stack.ref(api.logical_id) for api in stack.of_kind(API)}
    for part in stack.of_kind(*_PARTS):
        api_id = part.require_text("ApiId")
        if api_id == http_api_id:
            stack.notice(part, "belongs to the API of httpApi events, where it has no effect here")
        elif api_id not in own:
            raise part.error(
                f"is an {part.kind} of an API that is not written out here; "
                "only events of functions make routes of the framework's"
            )
    sockets = read_websocket_apis(stack, functions)
    domains = read_domains(stack, {made, *((api.api_id, api.stage) for api in sockets)})
    return sockets, read_http_apis(stack, functions), domains
