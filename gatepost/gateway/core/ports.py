"""The one port of the gateway: what runs a function for it."""

from collections.abc import Awaitable
from typing import Protocol

from gatepost.gateway.core.inputs import Outcome


class Invoker(Protocol):
    """Runs functions by name. Every failure is an Outcome; only cancellation is raised."""

    def invoke(self, function: str, event: bytes) -> Awaitable[Outcome]:
        """Run `function` on the JSON document `event`; await its end.

        An `async def` does; one that returns a Future has the function started at once.
        """
        ...
