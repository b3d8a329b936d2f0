"""API keys of WebSocket APIs."""

from typing import TYPE_CHECKING

from gatepost.gateway.core.deployment import ApiKey, Throttle

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal

KEYS = """
Key: {Type: AWS::ApiGateway::ApiKey, Properties: {Name: mobile, Value: secret-1, Enabled: true}}
Made: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true}}
Off: {Type: AWS::ApiGateway::ApiKey, Properties: {Value: secret-3}}
Plan:
  Type: AWS::ApiGateway::UsagePlan
  Properties:
    ApiStages: [{ApiId: !Ref Api, Stage: !Ref Stage}]
    Throttle: {RateLimit: 10, BurstLimit: 2}
KeyLink: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Key, UsagePlanId: !Ref Plan}}
MadeLink: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Made, UsagePlanId: !Ref Plan}}
OffLink: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Off, UsagePlanId: !Ref Plan}}
Second: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: second}}
"""  # noqa: E501


def test_the_enabled_keys_of_a_usage_plan_open_its_stages(read_stack: "ReadStack") -> None:
    """B-086; a key without value gets one, which a notice tells."""
    deployment = read_stack(KEYS)
    live, second = deployment.apis
    made = live.api_keys[1].value
    assert live.api_keys == (
        ApiKey("mobile", "secret-1", Throttle(10.0, 2)),
        ApiKey("Made", made, Throttle(10.0, 2)),
    )
    assert len(made) == 40
    assert second.api_keys == ()
    assert any(
        notice.endswith(f"Made has no Value; here it is {made}") for notice in deployment.notices
    )


def test_a_key_that_the_template_lacks_is_refused(stack_refusal: "StackRefusal") -> None:
    """Nobody could show it."""
    assert "KeyLink.Properties.KeyId is no API key of this template" in stack_refusal(
        KEYS.replace("KeyId: !Ref Key,", "KeyId: abc,")
    )
