"""Connections: how one opens, whom it belongs to while it lasts, and how it stays present.

How one ends is core/closing.py.
"""

import logging

from functions.core import limits
from functions.core.errors import (
    EXPIRED,
    PERMISSION_DENIED,
    TOKEN_EXPIRED,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    ProtocolError,
)
from functions.core.permissions import Identity
from functions.core.ports import Conflict, Connection, ConnectionClosed, Store, UserBlocked

logger = logging.getLogger(__name__)


def expires_at(connected_at_ms: int) -> int:
    """Give the moment (epoch seconds) after which all rows of a connection count as absent."""
    return connected_at_ms // 1000 + limits.CONNECTION_LIFETIME_S


async def open_connection(
    store: Store, connection_id: str, identity: Identity, *, connected_at_ms: int, now: int
) -> None:
    """Store a new connection. When this raises, the gateway must refuse the handshake.

    Raises ProtocolError: 103 for a blocked user, 111 for a conflict that lasted; and what Store
    raises when it can't be reached.
    """
    connection = Connection(
        connection_id=connection_id,
        identity=identity,
        connected_at_ms=connected_at_ms,
        lease_until=now + limits.LEASE_S,
        expires_at=expires_at(connected_at_ms),
    )
    try:
        await store.connections.open(connection, now=now)
    except UserBlocked:
        raise ProtocolError(PERMISSION_DENIED, "this user is blocked for now") from None
    except Conflict:
        raise conflict() from None
    logger.info("connection opened connection=%s user=%r", connection_id, identity.user)


async def current_identity(
    store: Store, connection_id: str, identity: Identity, *, now: float
) -> Identity:
    """Give the identity that counts.

    That is the one that came with the event, and once it is over the one that `refresh` left with
    the connection. Raises ProtocolError: 109 when that is over too, closing the connection once it
    has been for a minute; 101 for a closed connection.
    """
    if not identity.is_expired(now):
        return identity
    connection = await store.connections.read(connection_id, now=int(now))
    if connection is None:
        raise unknown()
    found = connection.identity
    if found.is_expired(now):
        late = found.is_expired(now - limits.EXPIRED_GRACE_S)
        raise ProtocolError(TOKEN_EXPIRED, closing=EXPIRED if late else None)
    return found


async def renew_lease(store: Store, connection_id: str, *, now: int) -> None:
    """Keep a connection present for another lease.

    Raises ProtocolError: 101 for a closed connection, 111 for a conflict that lasted.
    """
    try:
        await store.connections.renew_lease(
            connection_id, lease_until=now + limits.LEASE_S, now=now
        )
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
