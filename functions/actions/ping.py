"""`ping`: keeps a connection alive and present, and tells which channels it has fallen behind in.

It is a message of its own because the gateway's idle timer knows no control frames (B-273).
"""

from msgspec import Struct

from functions.core import connections
from functions.core.context import Context
from functions.core.protocol import Position


class Ping(Struct, frozen=True):
    """The fields of a `ping` request: where the client stands in channels with history."""

    positions: dict[str, Position] = {}


async def ping(context: Context, _request: Ping) -> dict[str, object]:
    """Renew the connection's lease; `behind` is empty, as no namespace keeps history yet."""
    now_s = context.clock()
    await connections.renew_lease(context.store, context.connection_id, now=int(now_s))
    return {"at": int(now_s * 1000), "behind": []}
