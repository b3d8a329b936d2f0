"""Asked before $connect: verifies the client's token and vouches for whom it names."""

import os
import time

from functions.identity import admission
from functions.identity.tokens import Verifier, make_verifier
from functions.runtime import events
from functions.runtime.entrypoint import Handler


async def authorizer(verifier: Verifier, event: events.Event) -> events.Result:
    """Let the client in with the identity that all its later events carry, or refuse it."""
    return await admission.admit(verifier, event)


handler = Handler(authorizer, lambda: make_verifier(os.environ, clock=time.time))
