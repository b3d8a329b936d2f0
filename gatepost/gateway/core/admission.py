"""Signatures and API keys: what callers show, as far as it can be judged at once.

What a Lambda authorizer decides takes an invocation: see the handshake.
"""

from typing import Final

from gatepost.gateway.core.connection import Api, Connection, Handshake
from gatepost.gateway.core.deployment import CONNECT, ApiKey, WebSocketApi
from gatepost.gateway.core.http_errors import HttpError, http_error
from gatepost.gateway.core.inputs import ManagementCall, Upgrade
from gatepost.gateway.core.policies import INVOKE
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.core.signatures import (
    SignatureRefusedError,
    SignedRequest,
    claimed_access_key,
    verify,
)

_MANAGE: Final = "execute-api:ManageConnections"
_FROM_AUTHORIZER: Final = "$context.authorizer.usageIdentifierKey"
_FROM_HEADER: Final = "$request.header."


def check(api: WebSocketApi) -> None:
    """Raise ValueError for what can't be asked of callers, rather than admitting all or none.

    Only `$connect` can have authorization (B-070); an API key is in a header, or the authorizer
    names it (B-086).
    """
    for route in api.routes.values():
        if route.key != CONNECT and route.authorization != "NONE":
            raise ValueError(f"{api.name}: {route.key} can't be authorized, only $connect can")
    source = api.api_key_selection_expression
    if source != _FROM_AUTHORIZER and not source.startswith(_FROM_HEADER):
        raise ValueError(
            f"{api.name}: API key selection expression {source!r}: use "
            f"{_FROM_HEADER}x-api-key or {_FROM_AUTHORIZER}"
        )


def upgrade_refusal(
    upgrade: Upgrade, connection: Connection, settings: GatewaySettings, now: float
) -> HttpError | None:
    """Say why an upgrade to a route with AWS_IAM is refused (B-085).

    One that names an access key gets the caller's fields in its `identity` (B-107), whether
    signatures are verified or not.
    """
    request = SignedRequest("GET", upgrade.path, upgrade.query, upgrade.headers)
    if settings.verify_signatures:
        arn = connection.api.arn
        resource = arn(CONNECT, account_id=_masked(connection.api.account_id))
        refusal = _judge(request, connection.api, settings, (INVOKE, resource), now=now)
        if refusal is not None:
            return refusal
    access_key = claimed_access_key(request)
    identity = connection.context["identity"]
    if access_key is not None and isinstance(identity, dict):
        identity |= _caller(access_key, connection.api)
    return None


def call_refusal(
    call: ManagementCall, api: Api, settings: GatewaySettings, now: float
) -> HttpError | None:
    """Say why a call of `@connections` is refused when signatures are verified (B-201, B-219).

    A body that is too long was cut before it came here, so its signature can't be verified; it is
    refused for its length anyway.
    """
    if len(call.body) > settings.message_bytes_max:
        return None
    headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in call.headers)
    request = SignedRequest(call.method, call.path, call.query, headers, call.body)
    part = f"{call.method}/@connections/{{connectionId}}"
    resource = api.arn(part, account_id=_masked(api.account_id))
    return _judge(request, api, settings, (_MANAGE, resource), now=now)


def find_api_key(handshake: Handshake, usage_key: str | None) -> ApiKey | None:
    """Find the key that a client shows, or that its authorizer named (B-086)."""
    api = handshake.connection.api.deployed
    source = api.api_key_selection_expression
    shown = usage_key
    if source != _FROM_AUTHORIZER:
        wanted = source.removeprefix(_FROM_HEADER).lower()
        values = (v[-1] for name, v in handshake.headers.items() if name.lower() == wanted)
        shown = next(values, None)
    return next((key for key in api.api_keys if key.value == shown), None)


def _judge(
    request: SignedRequest,
    api: Api,
    settings: GatewaySettings,
    permission: tuple[str, str],
    *,
    now: float,
) -> HttpError | None:
    try:
        access_key = verify(request, credentials=settings.credentials, region=api.region, now=now)
    except SignatureRefusedError as error:
        return error.refusal
    if access_key not in settings.denied_access_keys:
        return None
    action, resource = permission
    user = _user_arn(access_key, api)
    return http_error(
        403,
        "AccessDeniedException",
        f"User: {user} is not authorized to perform: {action} on resource: {resource}",
    )


def _caller(access_key: str, api: Api) -> dict[str, str]:
    return {
        "accessKey": access_key,
        "accountId": api.account_id,
        "caller": access_key,
        "user": access_key,
        "userArn": _user_arn(access_key, api),
    }


def _user_arn(access_key: str, api: Api) -> str:
    """Make up a user for a key: what IAM knows is not known here."""
    return f"arn:aws:iam::{api.account_id}:user/{access_key}"


def _masked(account_id: str) -> str:
    return "********" + account_id[-4:]
