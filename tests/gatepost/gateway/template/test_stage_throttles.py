"""Throttles of a stage's two properties."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Throttle

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import Read

TEMPLATE = """
service: shop
provider: {name: aws, runtime: python3.13}
functions: {a: {handler: a.b, events: [{websocket: $connect}]}}
resources: {extensions: {WebsocketsDeploymentStage: {Properties: {%s}}}}
"""


@pytest.mark.parametrize(
    ("settings", "throttle"),
    [
        ("{}", None),
        ("{LoggingLevel: 'OFF'}", None),
        ("{ThrottlingRateLimit: 0.5, ThrottlingBurstLimit: 1}", Throttle(0.5, 1)),
        ("{ThrottlingRateLimit: 7}", Throttle(7, 5_000)),
        ("{ThrottlingBurstLimit: 7}", Throttle(10_000, 7)),
        ("{ThrottlingRateLimit: 0, ThrottlingBurstLimit: 0}", Throttle(0, 0)),
    ],
)
def test_a_limit_that_is_left_out_is_the_account_s(
    read: "Read", settings: str, throttle: Throttle | None
) -> None:
    """In CloudFormation; it is Terraform that makes it 0 (B-315). Settings without any are none."""
    (api,) = read(TEMPLATE % f"DefaultRouteSettings: {settings}").apis
    assert api.throttle == throttle
    (api,) = read(TEMPLATE % f"RouteSettings: {{$connect: {settings}}}").apis
    assert api.routes["$connect"].throttle == throttle
