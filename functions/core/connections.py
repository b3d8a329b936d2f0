"""Connections: who a connection belongs to, how one opens, stays present and closes."""

import logging
from typing import Final

from functions.core import limits
from functions.core.errors import (
    LIMIT_EXCEEDED,
    PERMISSION_DENIED,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    ProtocolError,
)
from functions.core.ports import Conflict, Connection, ConnectionClosed, Store, UserBlocked

logger = logging.getLogger(__name__)

ANONYMOUS_PREFIX: Final = "anon-"


def identify(connection_id: str, principal: str | None, *, anonymous: bool) -> str:
    """Give the user of a connection: the authorizer's principal, else an anonymous user.

    `anonymous` says whether those without a principal are let in. Raises ProtocolError: 101 when
    they are not, 106 for a principal that is too long.
    """
    if principal:
        if len(principal) > limits.USER_LENGTH_MAX:
            raise ProtocolError(
                LIMIT_EXCEEDED, f"user: at most {limits.USER_LENGTH_MAX} characters are taken"
            )
        return principal
    if anonymous:
        return ANONYMOUS_PREFIX + connection_id
    raise ProtocolError(UNAUTHORIZED, "no authorizer vouches for this connection")


def expires_at(connected_at_ms: int) -> int:
    """Give the moment (epoch seconds) after which all rows of a connection count as absent."""
    return connected_at_ms // 1000 + limits.CONNECTION_LIFETIME_S


async def open_connection(
    store: Store, connection_id: str, user: str, *, name: str | None, connected_at_ms: int, now: int
) -> None:
    """Store a new connection. When this raises, the gateway must refuse the handshake.

    Raises ProtocolError: 103 for a blocked user, 106 for a name that is too long, 111 for a
    conflict that lasted; and what Store raises when it can't be reached.
    """
    if name is not None and len(name) > limits.NAME_LENGTH_MAX:
        raise ProtocolError(
            LIMIT_EXCEEDED, f"name: at most {limits.NAME_LENGTH_MAX} characters are taken"
        )
    connection = Connection(
        connection_id=connection_id,
        user=user,
        info={} if name is None else {"name": name},
        connected_at_ms=connected_at_ms,
        lease_until=now + limits.LEASE_S,
        expires_at=expires_at(connected_at_ms),
    )
    try:
        await store.open_connection(connection, now=now)
    except UserBlocked:
        raise ProtocolError(PERMISSION_DENIED, "this user is blocked for now") from None
    except Conflict:
        raise conflict() from None
    logger.info("connection opened connection=%s user=%r", connection_id, user)


async def close_connection(store: Store, connection_id: str) -> None:
    """Forget a connection and its subscriptions; idempotent. Raises what Store raises."""
    await store.close_connection(connection_id)
    logger.info("connection closed connection=%s", connection_id)


async def renew_lease(store: Store, connection_id: str, *, now: int) -> None:
    """Keep a connection present for another lease.

    Raises ProtocolError: 101 for a closed connection, 111 for a conflict that lasted.
    """
    try:
        await store.renew_lease(connection_id, lease_until=now + limits.LEASE_S, now=now)
    except ConnectionClosed:
        raise unknown() from None
    except Conflict:
        raise conflict() from None


def unknown() -> ProtocolError:
    """Make the error for a connection that has no row any more."""
    return ProtocolError(UNAUTHORIZED, "this connection is closed or unknown; connect again")


def conflict() -> ProtocolError:
    """Make the error for rows that others kept writing through every retry."""
    return ProtocolError(TOO_MANY_REQUESTS, "others keep changing the same rows; try again")
