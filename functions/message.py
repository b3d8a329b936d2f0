"""Every message of a client: finds its action, runs it, and replies over the same route."""

from functions.actions.dispatch import respond
from functions.actions.registry import ACTIONS
from functions.runtime import events
from functions.runtime.entrypoint import Handler
from functions.runtime.wiring import Environment


async def message(environment: Environment, event: events.Event) -> events.Result:
    """Answer one request; the errors of the protocol are replies too."""
    request = events.read(event, events.MessageEvent)
    asking = environment.asking(request.request_context)
    return events.replied(await respond(request.body, ACTIONS, asking))


handler = Handler(message, Environment)
