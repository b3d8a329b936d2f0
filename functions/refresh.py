"""`refresh`: a client shows a new token before the old one is over, on a route of its own."""

import os
import time
from functools import partial

from functions.actions.dispatch import Action, respond
from functions.identity import renewal
from functions.identity.tokens import make_verifier
from functions.runtime import events
from functions.runtime.entrypoint import Handler
from functions.runtime.wiring import Environment


class VerifyingEnvironment(Environment):
    """What this function keeps: clients as the others, and what verifies tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.verifier = make_verifier(os.environ, clock=time.time)


async def refresh(environment: VerifyingEnvironment, event: events.Event) -> events.Result:
    """Answer one request; a connection whose authorization is over may ask too."""
    request = events.read(event, events.MessageEvent)
    run = partial(renewal.refresh, environment.verifier)
    actions = {"refresh": Action(renewal.Refresh, run)}
    asking = environment.asking(request.request_context, even_expired=True)
    return events.replied(await respond(request.body, actions, asking))


handler = Handler(refresh, VerifyingEnvironment)
