"""`ping`: keeps a connection alive and present, and tells which channels it has fallen behind in.

It is a message of its own because the gateway's idle timer knows no control frames (B-273).
"""

from typing import Annotated

from msgspec import Meta, Struct

from functions.core import channels, connections, history, limits
from functions.core.context import Context
from functions.core.namespaces import find_namespace
from functions.core.permissions import allows
from functions.core.protocol import Position


class Ping(Struct, frozen=True):
    """The fields of a `ping` request: where the client stands in channels with history."""

    positions: Annotated[dict[str, Position], Meta(max_length=limits.SUBSCRIPTIONS_MAX)] = {}


async def ping(context: Context, request: Ping) -> dict[str, object]:
    """Renew the connection's lease; reply with the time and the channels that have moved on.

    A channel that the client may not read is passed over.
    """
    now_s = context.clock()
    await connections.renew_lease(context.store, context.connection_id, now=int(now_s))
    readable = {
        channel: position
        for channel, position in request.positions.items()
        if channels.is_name(channel)
        and find_namespace(context.namespaces, channel)
        and allows(context.identity.grants, "subscribe", channel)
    }
    return {"at": int(now_s * 1000), "behind": await history.behind(context, readable)}
