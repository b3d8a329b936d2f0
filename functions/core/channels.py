"""Channels: their names, and subscribing, unsubscribing and publishing.

No namespace keeps history yet: a publication reaches who is subscribed now.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Raw

from functions.core import connections, limits, protocol
from functions.core.broadcast import Tally, broadcast
from functions.core.context import Context
from functions.core.errors import BAD_REQUEST, LIMIT_EXCEEDED, ProtocolError
from functions.core.ports import Conflict, ConnectionClosed, SubscriptionsFull

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+:[A-Za-z0-9_.:-]+", re.ASCII)


def check_name(name: str) -> None:
    """Raise ProtocolError unless `name` is a channel's: `namespace:name`, 106 when too long."""
    if len(name) > limits.CHANNEL_LENGTH_MAX:
        raise ProtocolError(
            LIMIT_EXCEEDED,
            f"channel: the name has {len(name)} characters; "
            f"at most {limits.CHANNEL_LENGTH_MAX} are taken",
        )
    if not _NAME.fullmatch(name):
        raise ProtocolError(
            BAD_REQUEST, "channel: a name is `namespace:name`, of letters, digits and any of _.:-"
        )


async def subscribe(context: Context, channels: Sequence[str]) -> None:
    """Subscribe the asking connection to these channels (1 to 20, names checked), or to none.

    Being subscribed already is fine. Raises ProtocolError: 101 for a closed connection, 106 for
    too many subscriptions, 111 for a conflict that lasted.
    """
    try:
        await context.store.add_subscriptions(
            context.connection_id,
            list(dict.fromkeys(channels)),
            subscriptions_max=limits.SUBSCRIPTIONS_MAX,
            expires_at=connections.expires_at(context.connected_at_ms),
            now=int(context.clock()),
        )
    except ConnectionClosed:
        raise connections.unknown() from None
    except SubscriptionsFull:
        raise ProtocolError(
            LIMIT_EXCEEDED,
            f"channels: a connection holds at most {limits.SUBSCRIPTIONS_MAX} subscriptions",
        ) from None
    except Conflict:
        raise connections.conflict() from None


async def unsubscribe(context: Context, channel: str) -> None:
    """End one subscription of the asking connection; not being subscribed is fine.

    Raises ProtocolError: 111 for a conflict that lasted; as check_name for a bad name.
    """
    check_name(channel)
    try:
        await context.store.remove_subscription(context.connection_id, channel)
    except Conflict:
        raise connections.conflict() from None


async def publish(context: Context, channel: str, data: Raw, *, echo: bool = True) -> Tally:
    """Send `data` (JSON text) to every subscriber of a channel; `echo` false spares the sender.

    Raises ProtocolError: 106 when `data` is too long; as check_name for a bad name.
    """
    check_name(channel)
    size_bytes = len(memoryview(data))
    if size_bytes > limits.DATA_BYTES_MAX:
        raise ProtocolError(
            LIMIT_EXCEEDED,
            f"data: it has {size_bytes} bytes; at most {limits.DATA_BYTES_MAX} are taken",
        )
    payload = protocol.encode_publication(
        protocol.Publication(
            id=context.new_id(),
            channel=channel,
            data=data,
            sender=protocol.Sender(user=context.user, connection=context.connection_id),
            at=int(context.clock() * 1000),
        )
    )
    leave_out = None if echo else context.connection_id
    return await broadcast(context, channel, payload, leave_out=leave_out)
