"""A new identity for a connection that stays: what `refresh` does once its token is verified."""

from functions.core import connections, protocol
from functions.core.channels import end_subscription
from functions.core.context import Context
from functions.core.errors import PERMISSION_DENIED, UNAUTHORIZED, ProtocolError
from functions.core.permissions import Identity, allows
from functions.core.ports import Conflict, ConnectionClosed


async def refresh(context: Context, identity: Identity) -> None:
    """Give the asking connection another identity of the same user.

    Subscriptions that it no longer allows end; the others are served until it is over. Raises
    ProtocolError: 101 for another user and for a closed connection, 111.
    """
    if identity.user != context.user:
        raise ProtocolError(UNAUTHORIZED, "token: it is another user's")
    try:
        subscriptions = await context.store.connections.authorize(
            context.connection_id, identity, now=int(context.clock())
        )
        for each in subscriptions:
            if allows(identity.grants, "subscribe", each.channel):
                await context.store.subscriptions.authorize(each, until=identity.authorized_until)
            else:
                await _withdraw(context, each.channel)
    except ConnectionClosed:
        raise connections.unknown() from None
    except Conflict:
        raise connections.conflict() from None


async def _withdraw(context: Context, channel: str) -> None:
    await end_subscription(context, channel, context.user, context.connection_id)
    message = protocol.Unsubscribed(channel, PERMISSION_DENIED.code, PERMISSION_DENIED.name)
    await context.transport.send(context.connection_id, protocol.encode(message))
