"""The ports of the gateway: what runs a function for it (badly on demand), and calls a backend."""

from collections.abc import Awaitable
from typing import Protocol, runtime_checkable

from gatepost.gateway.core.commands import CallHttp
from gatepost.gateway.core.inputs import Outcome


class Invoker(Protocol):
    """Runs functions by name. Every failure is an Outcome; only cancellation is raised."""

    def invoke(self, function: str, event: bytes) -> Awaitable[Outcome]:
        """Run `function` on the JSON document `event`; await its end.

        An `async def` does; one that returns a Future has the function started at once.
        """
        ...


class Backends(Protocol):
    """Calls the backends of HTTP_PROXY integrations. Every failure is an Outcome."""

    def call(self, command: CallHttp) -> Awaitable[Outcome]:
        """Send the request, within `command.timeout_s`; await the answer."""
        ...


@runtime_checkable
class Disturbable(Protocol):
    """What an Invoker has as well if faults can disturb its workers."""

    def disturb(self, function: str, *, kill: bool, cold: bool) -> None:
        """Disturb one invocation of `function`.

        With `cold`, called right before `invoke`: that invocation gets a worker that was never
        used. With `kill`, called right after it: the worker of that invocation dies in the middle.
        """
        ...
