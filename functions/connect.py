"""$connect: lets a client in whom the authorizer vouches for, or refuses the handshake."""

import time

from functions.core import connections
from functions.core.errors import ProtocolError
from functions.runtime import events
from functions.runtime.entrypoint import Handler
from functions.runtime.wiring import Environment


async def connect(environment: Environment, event: events.Event) -> events.Result:
    """Store the connection. When that fails the gateway refuses it too: none is unknown to us."""
    context = events.read(event, events.ConnectEvent).request_context
    try:
        await connections.open_connection(
            await environment.store(),
            context.connection_id,
            context.identity(),
            connected_at_ms=context.connected_at,
            now=int(time.time()),
        )
    except ProtocolError as error:
        return events.refused(error)
    return events.accepted()


handler = Handler(connect, Environment)
