"""Letting a client in at $connect: from the authorizer's event to the policy that answers it.

Refused is 401 (no token that counts) by raising Unauthorized, or 403 (a page or a deployment that
lets nobody in) by a policy (B-078, B-079). The log says why.
"""

import json
import logging
from typing import Final

import msgspec
from msgspec import Struct

from functions.core import limits
from functions.core.permissions import EVERYTHING, Identity
from functions.identity.settings import plain_origin
from functions.identity.tokens import TokenRefused, Verifier
from functions.runtime import events

logger = logging.getLogger(__name__)

RESULT_BYTES_MAX: Final = 8 * 1024
"""B-076."""


class Unauthorized(Exception):  # noqa: N818 - its text is what the gateway takes for 401 (B-079)
    """Nobody vouches for the client."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Forbidden(Exception):  # noqa: N818 - named for what happened
    """The client may not connect, whatever token it shows; the text says why."""


class HandshakeContext(Struct, frozen=True, rename="camel"):
    """What is read of the context: the connection that the handshake is to open."""

    connection_id: str


class HandshakeEvent(Struct, frozen=True, rename="camel"):
    """The authorizer's event (B-074, B-075)."""

    method_arn: str
    request_context: HandshakeContext
    headers: dict[str, str] | None = None
    query_string_parameters: dict[str, str] | None = None

    def header(self, name: str) -> str:
        """Give a header's value by its name in lower case, `` without (B-103)."""
        headers = self.headers or {}
        return next((value for key, value in headers.items() if key.lower() == name), "")

    def parameter(self, name: str) -> str:
        """Give a parameter of the query string, `` without."""
        return (self.query_string_parameters or {}).get(name, "")


async def admit(verifier: Verifier, event: events.Event) -> events.Result:
    """Answer a handshake with a policy.

    Raises Unauthorized; KeysUnavailable, which the gateway answers with 500 (B-080).
    """
    handshake = events.read(event, HandshakeEvent)
    connection_id = handshake.request_context.connection_id
    try:
        result = _vouching(handshake, await _identify(verifier, handshake))
    except TokenRefused as refused:
        logger.info("handshake refused connection=%s token: %s", connection_id, refused)
        raise Unauthorized from None
    except Forbidden as forbidden:
        logger.info("handshake refused connection=%s %s", connection_id, forbidden)
        return _policy("Deny", "nobody", handshake)
    return result


async def _identify(verifier: Verifier, handshake: HandshakeEvent) -> Identity:
    settings = verifier.settings
    origin = handshake.header("origin")
    if settings.origins and origin and plain_origin(origin) not in settings.origins:
        raise Forbidden("its page's origin is none of ORIGINS")
    if not (settings.secret or settings.jwks_url or settings.anonymous):
        raise Forbidden("nobody is let in: none of JWT_SECRET, JWT_JWKS_URL and AUTH is set")
    token = _token(handshake)
    if token:
        return await verifier.verify(token)
    if not settings.anonymous:
        raise TokenRefused("there is none")
    return _anonymous(handshake)


def _token(handshake: HandshakeEvent) -> str:
    """Give the token: of the query string, else of the Authorization header."""
    scheme, _, credentials = handshake.header("authorization").partition(" ")
    bearer = credentials.strip() if scheme.lower() == "bearer" else ""
    return handshake.parameter("token") or bearer


def _anonymous(handshake: HandshakeEvent) -> Identity:
    name = handshake.parameter("name")
    if len(name) > limits.NAME_LENGTH_MAX:
        raise Forbidden(f"its name is longer than {limits.NAME_LENGTH_MAX}")
    return Identity(
        user=f"anon-{handshake.request_context.connection_id}",
        info={"name": name} if name else {},
        grants=EVERYTHING,
    )


def _vouching(handshake: HandshakeEvent, identity: Identity) -> events.Result:
    context = {"identity": msgspec.json.encode(identity).decode()}
    result = {**_policy("Allow", identity.user, handshake), "context": context}
    if len(json.dumps(result)) > RESULT_BYTES_MAX:
        raise TokenRefused("its permissions are more than an authorizer can pass on")
    return result


def _policy(effect: str, principal: str, handshake: HandshakeEvent) -> events.Result:
    """Speak of this handshake's $connect and nothing else (B-077)."""
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": effect,
        "Resource": handshake.method_arn,
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": principal, "policyDocument": document}
