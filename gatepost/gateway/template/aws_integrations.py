"""Integrations of type AWS, whatever the template: of a function, or of another service.

Responsible for telling them apart, and for what is said of those that nothing stands in for. The
function's mapping is carried out by core/integrations.py.
"""

import re
from typing import Final, Literal, get_args

from gatepost.gateway.core.deployment import CONNECT, LambdaMapped, NotEmulated, Route

Passthrough = Literal["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"]

PASSTHROUGHS: Final[tuple[Passthrough, ...]] = get_args(Passthrough)
STANDARD_EXPRESSION: Final = r"\$default"

_URI: Final = re.compile(r"arn:[^:]+:apigateway:[^:]*:(?P<service>[^:]+):(action|path)/.*")


def service_of(uri: str) -> str:
    """Return the service that an integration's URI names, `sqs` for one; the URI if it has none."""
    found = _URI.fullmatch(uri)
    return found["service"] if found else uri


def mapped_function(
    function: str,
    *,
    requests: dict[str, str],
    selection: str | None,
    passthrough: str | None,
    responses: dict[str, str],
) -> LambdaMapped:
    """Return the integration of a function. Raises ValueError for another `passthrough`."""
    chosen = next((one for one in PASSTHROUGHS if one == (passthrough or PASSTHROUGHS[0])), None)
    if chosen is None:
        raise ValueError(f"is {passthrough}; it must be one of {', '.join(PASSTHROUGHS)}")
    return LambdaMapped(
        function=function,
        request_templates=requests,
        template_selection_expression=selection or STANDARD_EXPRESSION,
        passthrough=chosen,
        response_templates=responses,
    )


def objection(route: Route) -> str | None:
    """Return why a route whose integration is not emulated refuses the template, if it does."""
    if route.key != CONNECT or not isinstance(route.integration, NotEmulated):
        return None
    return f"leads to {route.integration.service}, which is not emulated: nobody could connect"


def warning(route: Route) -> str | None:
    """Return what the start says of a route whose integration is not emulated."""
    if not isinstance(route.integration, NotEmulated):
        return None
    return (
        f"has route {route.key} lead to {route.integration.service}, which is not emulated: "
        "each use of it fails here with Internal server error"
    )
