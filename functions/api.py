"""The HTTP API: what servers ask for, such as publishing, with a key or a token."""

from functions.companion.application import application
from functions.runtime import asgi, events
from functions.runtime.entrypoint import Handler
from functions.runtime.wiring import Environment


class Companion:
    """What one execution environment keeps: the clients, and the application over them."""

    def __init__(self) -> None:
        self._environment = Environment()
        self.app = application(self._environment.services, self._environment.callers())

    async def close(self) -> None:
        """Close the clients."""
        await self._environment.close()


async def api(companion: Companion, event: events.Event) -> events.Result:
    """Answer one HTTP request; its failures are answers too."""
    return await asgi.respond(companion.app, event)


handler = Handler(api, Companion)
