"""The one port of the gateway: what runs a function for it."""

from typing import Protocol

from gatepost.gateway.core.inputs import Outcome


class Invoker(Protocol):
    """Runs functions by name. Every failure is an Outcome; only cancellation is raised."""

    async def invoke(self, function: str, event: bytes) -> Outcome:
        """Run `function` on the JSON document `event` and wait for its end."""
        ...
