"""$connect: lets a client in, or refuses the handshake."""

import time

from functions.core import connections
from functions.core.errors import ProtocolError
from functions.runtime import events
from functions.runtime.entrypoint import Handler
from functions.runtime.wiring import Environment


async def connect(environment: Environment, event: events.Event) -> events.Result:
    """Store the connection. When that fails the gateway refuses it too: none is unknown to us."""
    request = events.read(event, events.ConnectEvent)
    context = request.request_context
    try:
        user = environment.identify(context)
        await connections.open_connection(
            await environment.store(),
            context.connection_id,
            user,
            # Whom an authorizer vouches for may not call himself somebody else.
            name=None if context.principal else (request.query or {}).get("name"),
            connected_at_ms=context.connected_at,
            now=int(time.time()),
        )
    except ProtocolError as error:
        return events.refused(error)
    return events.accepted()


handler = Handler(connect, Environment)
