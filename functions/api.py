"""The HTTP API: what servers ask for, such as publishing, with a key or a token."""

import os
import time

from functions.companion.application import application
from functions.companion.authentication import Callers, read_keys
from functions.identity.api_tokens import ApiTokens
from functions.identity.tokens import make_verifier
from functions.runtime import asgi, events
from functions.runtime.entrypoint import Handler
from functions.runtime.wiring import Environment


class CompanionEnvironment(Environment):
    """What this function keeps: clients as the others, and the application over them."""

    def __init__(self) -> None:
        super().__init__()
        tokens = ApiTokens(make_verifier(os.environ, clock=time.time))
        callers = Callers(read_keys(os.environ.get("API_KEYS", "")), tokens)
        self.app = application(self.services, callers)


async def api(environment: CompanionEnvironment, event: events.Event) -> events.Result:
    """Answer one HTTP request; its failures are answers too."""
    return await asgi.respond(environment.app, event)


handler = Handler(api, CompanionEnvironment)
