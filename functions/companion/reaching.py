"""`send` and `kick`: reaching a user's connections, and ending them."""

from typing import Annotated

from msgspec import Meta, Raw, Struct

from functions.core import closing, limits, sending
from functions.core.context import Services
from functions.core.errors import BAD_REQUEST, CLOSINGS, FORCED, ClosingKind, ProtocolError

User = Annotated[str, Meta(min_length=1, max_length=limits.USER_LENGTH_MAX)]


class Send(Struct, frozen=True, forbid_unknown_fields=True):
    """To whom, and what."""

    user: User
    data: Raw


class Sent(Struct, frozen=True):
    """How many connections of the user were reached, and how many were not."""

    delivered: int
    failed: int


class Kick(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom: a `user`, blocked for `block_s` seconds (60 by default), or one `connection`.

    `code` is what the client is told: one of the protocol's closing codes.
    """

    user: User | None = None
    connection: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    code: int = FORCED.code
    block_s: Annotated[int, Meta(ge=0, le=limits.BLOCK_S_MAX)] | None = None


class Kicked(Struct, frozen=True):
    """How many connections were ended."""

    connections: int


async def send(services: Services, request: Send) -> Sent:
    """Send to all connections of a user."""
    tally = await sending.send_to_user(services, request.user, request.data)
    return Sent(tally.delivered, tally.failed)


async def kick(services: Services, request: Kick) -> Kicked:
    """End all connections of a user, who is blocked for a time, or end one connection."""
    kind = _closing(request.code)
    if (request.user is None) == (request.connection is None):
        raise ProtocolError(BAD_REQUEST, "user: give either `user` or `connection`")
    if request.user is not None:
        block_s = limits.BLOCK_S if request.block_s is None else request.block_s
        return Kicked(await closing.kick_user(services, request.user, block_s=block_s, kind=kind))
    if request.block_s is not None:
        raise ProtocolError(BAD_REQUEST, "block_s: a user is blocked, not a connection")
    return Kicked(await _kick_connection(services, request.connection or "", kind))


async def _kick_connection(services: Services, connection_id: str, kind: ClosingKind) -> int:
    """End a connection even if its row is gone: the client may not be.

    Without a row a gateway that refuses is no failure: the id may never have been one (B-217).
    """
    now = int(services.clock())
    known = await services.store.connections.read(connection_id, now=now)
    try:
        await closing.end_connection(services, connection_id, kind)
    except closing.NotEnded:
        if known is not None:
            raise
    return 0 if known is None else 1


def _closing(code: int) -> ClosingKind:
    for kind in CLOSINGS:
        if kind.code == code:
            return kind
    codes = ", ".join(str(kind.code) for kind in CLOSINGS)
    raise ProtocolError(BAD_REQUEST, f"code: it is one of {codes}")
