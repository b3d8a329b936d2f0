"""API keys of a stack: AWS::ApiGateway::ApiKey, UsagePlan and UsagePlanKey.

Responsible for which keys open which API at which stage, and how fast (B-086). Usage plans count
for WebSocket APIs as they do for REST APIs.
"""

import hashlib
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.deployment import ApiKey, Throttle

if TYPE_CHECKING:
    from gatepost.gateway.template.part import Resource
    from gatepost.gateway.template.stack import Stack

_KEY: Final = "AWS::ApiGateway::ApiKey"
_RATE_MAX: Final = 1e9


def read_api_keys(stack: "Stack", api_id: str, stage: str) -> tuple[ApiKey, ...]:
    """Return the enabled keys whose usage plan has the API at this stage.

    A key without Value, which AWS would make up, is made of its logical id; a notice tells it.
    """
    keys: dict[str, ApiKey] = {}
    for plan in stack.of_kind("AWS::ApiGateway::UsagePlan"):
        if not _covers(plan, api_id, stage):
            continue
        throttle = plan.part("Throttle")
        limit = None
        if throttle is not None:
            rate = throttle.number("RateLimit", _RATE_MAX)
            burst = throttle.number("BurstLimit", _RATE_MAX)
            limit = Throttle(rate or 0.0, int(burst or 0))
        if plan.get("Quota") is not None:
            stack.notice(plan, "has Quota, which has no effect here")
        for link in stack.of_kind("AWS::ApiGateway::UsagePlanKey"):
            if link.require_text("UsagePlanId") != plan.logical_id:
                continue
            key = stack.resources.get(link.require_text("KeyId"))
            if key is None or key.kind != _KEY:
                raise link.require("KeyId").error("is no API key of this template")
            if key.flag("Enabled"):
                keys[key.logical_id] = _key(stack, key, limit)
    return tuple(keys.values())


def _covers(plan: "Resource", api_id: str, stage: str) -> bool:
    return any(
        part.require_text("ApiId") == api_id and part.require_text("Stage") == stage
        for part in plan.parts("ApiStages")
    )


def _key(stack: "Stack", key: "Resource", throttle: Throttle | None) -> ApiKey:
    value = key.text("Value")
    if value is None:
        digest = hashlib.sha256(f"{stack.name}/{key.logical_id}".encode())
        value = digest.hexdigest()[:40]
        stack.notice(key, f"has no Value; here it is {value}")
    return ApiKey(key.text("Name") or key.logical_id, value, throttle)
