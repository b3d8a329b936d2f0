"""What `resources.extensions` change of the framework's own WebSocket API."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Throttle

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import Read, Refusal

HEAD = """
service: shop
provider: {name: aws, runtime: python3.13}
functions:
  hello:
    handler: app.hello
    events:
      - websocket: $connect
      - websocket: $default
"""


SETTINGS = "WebsocketsDeploymentStage: {Properties: {DefaultRouteSettings"


def section(extensions: str) -> str:
    """Return the template with these extensions."""
    return f"{HEAD}\nresources:\n  extensions:\n{extensions}"


def test_without_any_nothing_is_throttled_and_the_own_address_is_there(read: "Read") -> None:
    """As the framework makes it."""
    (api,) = read(HEAD).apis
    assert (api.throttle, api.default_endpoint) == (None, True)
    assert api.routes["$connect"].throttle is None


def test_throttles_of_the_stage_and_of_a_route_are_heeded(read: "Read") -> None:
    """The route's stands in place of the stage's."""
    (api,) = read(
        section("""
    WebsocketsDeploymentStage:
      Properties:
        DefaultRouteSettings: {ThrottlingRateLimit: 20, ThrottlingBurstLimit: 10}
        RouteSettings:
          $connect: {ThrottlingRateLimit: 2, ThrottlingBurstLimit: 1}
""")
    ).apis
    assert api.throttle == Throttle(20, 10)
    assert api.routes["$connect"].throttle == Throttle(2, 1)
    assert api.routes["$default"].throttle is None


def test_parts_of_a_list_add_up(read: "Read") -> None:
    """Each included file may extend the same resource."""
    (api,) = read(
        f"""{HEAD}
resources:
  -
  - extensions:
      WebsocketsDeploymentStage:
        Properties: {{DefaultRouteSettings: {{ThrottlingRateLimit: 3, ThrottlingBurstLimit: 2}}}}
  - extensions:
      WebsocketsDeploymentStage: {{DependsOn: [Other]}}
      WebsocketsApi: {{Properties: {{DisableExecuteApiEndpoint: true}}}}
"""
    ).apis
    assert (api.throttle, api.default_endpoint) == (Throttle(3, 2), False)


def test_extensions_of_other_resources_are_left_to_aws(read: "Read") -> None:
    """Even if what they hold can't be resolved here."""
    (api,) = read(section("    HelloLogGroup: {Properties: {KmsKeyId: '${cf:other.key}'}}")).apis
    assert api.throttle is None


@pytest.mark.parametrize(
    ("extension", "sentence"),
    [
        (
            "WebsocketsDeploymentStage: {Properties: {RouteSettings: {send: {}}}}",
            "RouteSettings has send, which no event makes",
        ),
        (
            f"{SETTINGS}: {{ThrottlingBurstLimit: x}}}}}}",
            "ThrottlingBurstLimit must be a number from 0 to",
        ),
        (
            "WebsocketsApi: {Properties: {DisableExecuteApiEndpoint: maybe}}",
            "DisableExecuteApiEndpoint must be true or false",
        ),
    ],
)
def test_what_can_t_be_is_refused(refusal: "Refusal", extension: str, sentence: str) -> None:
    """With its place, as AWS would refuse it at a deployment."""
    text = refusal(section(f"    {extension}"))
    assert sentence in text
    assert "serverless.yml:" in text
