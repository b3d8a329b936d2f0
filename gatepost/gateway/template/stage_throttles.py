"""Throttles of a WebSocket API's stage, of every route and of single ones (B-310, B-311).

Responsible for the two properties of AWS::ApiGatewayV2::Stage, whoever writes them.
"""

from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import Throttle

if TYPE_CHECKING:
    from gatepost.gateway.template.part import Part

_RATE_MAX: Final = 1e9


def default_throttle(stage: "Part") -> Throttle | None:
    """Return the throttle of routes that have none of their own; None if nothing sets one."""
    settings = stage.part("DefaultRouteSettings")
    return None if settings is None else _throttle(settings)


def route_throttles(stage: "Part") -> dict[str, Throttle | None]:
    """Return the throttles of single routes by route key."""
    return {key: _throttle(settings) for key, settings in stage.named_parts("RouteSettings")}


def _throttle(settings: "Part") -> Throttle | None:
    rate = settings.number("ThrottlingRateLimit", _RATE_MAX)
    burst = settings.number("ThrottlingBurstLimit", _RATE_MAX)
    if rate is None and burst is None:
        return None
    # AWS fills a limit that is left out with the account's (B-310).
    return Throttle(10_000.0 if rate is None else rate, 5_000 if burst is None else int(burst))
