"""Lambda authorizers of HTTP and REST APIs: who is let in, and what the function learns of them.

Results are not cached: every request asks. Sources: API Gateway Developer Guide, "Control access
to HTTP APIs with AWS Lambda authorizers" and "Use API Gateway Lambda authorizers".
"""

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from msgspec import MsgspecError, Struct
from msgspec import json as msgspec_json

from gatepost.emulator.http_api.answers import (
    BAD_AUTHORIZER,
    DENIED,
    DENIED_EXPLICITLY,
    UNAUTHORIZED,
    HttpAnswer,
    Kind,
)
from gatepost.emulator.http_api.events import Event, event_1_0, event_2_0
from gatepost.emulator.http_api.requests import Call
from gatepost.gateway.core.deployment import HttpAuthorizer
from gatepost.gateway.core.inputs import Failed, Outcome, Returned
from gatepost.gateway.core.policies import INVOKE, Policy
from gatepost.gateway.core.ports import Invoker

AUTHORIZER_TIMEOUT_S: Final[dict[Kind, float]] = {"http": 10.0, "rest": 29.0}
"""How long an authorizer may take (API Gateway's quotas)."""


class _Simple(Struct, frozen=True, rename="camel"):
    is_authorized: bool
    context: dict[str, object] | None = None


class _WithPolicy(Struct, frozen=True, rename="camel"):
    principal_id: str
    policy_document: Policy
    context: dict[str, object] | None = None


async def authorize(
    call: Call, authorizer: HttpAuthorizer, invoker: Invoker
) -> HttpAnswer | dict[str, object]:
    """Ask the authorizer: what requestContext.authorizer holds then, or the answer that refuses.

    Whatever fails lets nobody in.
    """
    kind = call.api.kind
    identity = [_identity(call, source) for source in authorizer.identity_sources]
    if not all(identity):
        return UNAUTHORIZED[kind]
    event = msgspec_json.encode(_event(call, authorizer, [value or "" for value in identity]))
    try:
        async with asyncio.timeout(AUTHORIZER_TIMEOUT_S[kind]):
            outcome = await invoker.invoke(authorizer.function, event)
    except TimeoutError:
        return BAD_AUTHORIZER[kind]
    return _decided(call, authorizer, outcome)


def _identity(call: Call, source: str) -> str | None:
    """Return what an identity source says about a request; None or empty if it is missing."""
    place, _, name = source.removeprefix("$").removeprefix("method.").partition(".")
    if place == "request":
        place, _, name = name.partition(".")
    match place.lower():
        case "header":
            return call.request.header(name)
        case "querystring":
            return dict(parse_qsl(call.request.query)).get(name)
        case "stagevariables":
            return call.api.stage_variables.get(name)
        case "context":
            context: object = event_2_0(call)["requestContext"]
            for key in name.split("."):
                context = context.get(key) if isinstance(context, Mapping) else None
            return context if isinstance(context, str) else None
    return None


def _event(call: Call, authorizer: HttpAuthorizer, identity: list[str]) -> Event:
    if authorizer.kind == "TOKEN":
        return {"type": "TOKEN", "authorizationToken": identity[0], "methodArn": call.arn}
    made: Event
    if call.api.kind == "http" and authorizer.payload == "2.0":
        made = {
            "version": "2.0",
            "type": "REQUEST",
            "routeArn": call.arn,
            "identitySource": identity,
            **event_2_0(call),
        }
    elif call.api.kind == "http":
        joined = ",".join(identity)
        made = {
            "version": "1.0",
            "type": "REQUEST",
            "methodArn": call.arn,
            "identitySource": joined,
            "authorizationToken": joined,
            **event_1_0(call),
        }
    else:
        made = {"type": "REQUEST", "methodArn": call.arn, **event_1_0(call)}
    # An authorizer sees everything but the body.
    made.pop("body", None)
    made.pop("isBase64Encoded", None)
    return made


def _decided(
    call: Call, authorizer: HttpAuthorizer, outcome: Outcome
) -> HttpAnswer | dict[str, object]:
    kind = call.api.kind
    if isinstance(outcome, Failed) and outcome.message == "Unauthorized" and kind == "rest":
        return UNAUTHORIZED[kind]
    if not isinstance(outcome, Returned):
        return BAD_AUTHORIZER[kind]
    try:
        if authorizer.simple:
            return _simple(call, msgspec_json.decode(outcome.payload, type=_Simple))
        return _by_policy(call, msgspec_json.decode(outcome.payload, type=_WithPolicy))
    except MsgspecError:
        return BAD_AUTHORIZER[kind]


def _simple(call: Call, result: _Simple) -> HttpAnswer | dict[str, object]:
    if not result.is_authorized:
        return DENIED[call.api.kind]
    return _shown(call, None, result.context)


def _by_policy(call: Call, result: _WithPolicy) -> HttpAnswer | dict[str, object]:
    kind, policy, context = call.api.kind, result.policy_document, result.context or {}
    nested = any(isinstance(value, dict | list) for value in context.values())
    if policy.problem() is not None or (nested and kind == "rest"):
        return BAD_AUTHORIZER[kind]
    if not policy.allows(INVOKE, call.arn):
        denies = (
            each.effect == "Deny" for each in policy.statements if each.fits(INVOKE, call.arn)
        )
        return DENIED_EXPLICITLY[kind] if any(denies) else DENIED[kind]
    return _shown(call, result.principal_id, result.context)


def _shown(
    call: Call, principal_id: str | None, context: dict[str, object] | None
) -> dict[str, object]:
    """Return what the route's function sees: as it is in format 2.0, as texts in 1.0."""
    if call.route.payload == "2.0":
        return {"lambda": context}
    principal = {} if principal_id is None else {"principalId": principal_id}
    return {**principal, **{key: _text(value) for key, value in (context or {}).items()}}


def _text(value: object) -> object:
    if value is None or isinstance(value, str | dict | list):
        return value
    return msgspec_json.encode(value).decode()
