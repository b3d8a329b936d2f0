"""$disconnect: forgets a connection that has ended."""

from functions.core import closing
from functions.runtime import events
from functions.runtime.entrypoint import Handler
from functions.runtime.wiring import Environment


async def disconnect(environment: Environment, event: events.Event) -> events.Result:
    """Forget the connection and tell who stays; the gateway may never call this (B-300)."""
    request = events.read(event, events.DisconnectEvent)
    await closing.close_connection(
        await environment.services(), request.request_context.connection_id
    )
    return events.accepted()


handler = Handler(disconnect, Environment)
