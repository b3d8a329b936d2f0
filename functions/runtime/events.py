"""The three events of a WebSocket API, read into types, and the results that answer them.

The shapes are section 5 of docs/reference/gateway-behaviour.md. Only what is used is read, so that
a new field in an event breaks nothing.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from functions.core.errors import (
    LIMIT_EXCEEDED,
    PERMISSION_DENIED,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    ProtocolError,
)
from functions.core.permissions import Identity

Event: TypeAlias = Mapping[str, object]
Result: TypeAlias = dict[str, object]

E = TypeVar("E")

_STATUSES: Final = {
    UNAUTHORIZED: 403,
    PERMISSION_DENIED: 403,
    LIMIT_EXCEEDED: 400,
    TOO_MANY_REQUESTS: 503,
}


class EventError(Exception):
    """The event is not what the route sends: the function stands behind something else."""


class Authorizer(Struct, frozen=True, rename="camel"):
    """What functions/authorizer.py left: `identity` is JSON text, as context values are flat.

    An event of $disconnect may be without (B-082).
    """

    identity: str | None = None


class RequestContext(Struct, frozen=True, rename="camel"):
    """What is the same in all events of a connection; `connected_at` is epoch milliseconds."""

    connection_id: str
    connected_at: int
    authorizer: Authorizer | None = None

    def identity(self) -> Identity:
        """Give whom the authorizer vouched for; raise ProtocolError 101 without one (B-108)."""
        if self.authorizer is None or self.authorizer.identity is None:
            raise ProtocolError(UNAUTHORIZED, "no authorizer vouches for this connection")
        return msgspec.json.decode(self.authorizer.identity, type=Identity)


class ConnectEvent(Struct, frozen=True, rename="camel"):
    """A client asks to connect."""

    request_context: RequestContext


class MessageEvent(Struct, frozen=True, rename="camel"):
    """A client sent a message; `body` is its text, byte for byte (B-121)."""

    request_context: RequestContext
    body: str = ""


class DisconnectEvent(Struct, frozen=True, rename="camel"):
    """A connection has ended."""

    request_context: RequestContext


def read(event: Event, shape: type[E]) -> E:
    """Read an event; raise EventError naming the field that is not as expected."""
    try:
        return msgspec.convert(event, shape)
    except msgspec.ValidationError as error:
        raise EventError(f"not a {shape.__name__} of a WebSocket API: {error}") from None


def accepted() -> Result:
    """Let a client connect; also the answer to $disconnect, which reaches nobody (B-136)."""
    return {"statusCode": 200}


def refused(error: ProtocolError) -> Result:
    """Refuse a handshake with the error's HTTP status (B-042)."""
    body = msgspec.json.encode({"message": error.message}).decode()
    return {"statusCode": _STATUSES.get(error.kind, 500), "body": body}


def replied(text: str) -> Result:
    """Send `text` back over a two-way route: always 200 and never without a body (B-192, B-193)."""
    return {"statusCode": 200, "body": text}
