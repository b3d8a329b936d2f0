"""One invocation on its way through a runner: the event, who asked for it, and how it ends."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from gatepost.gateway.core.inputs import Failed, NotInvocable

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from gatepost.gateway.core.inputs import Outcome


@dataclass(frozen=True, slots=True)
class Caller:
    """What a caller of Lambda's Invoke gives and wants beside the event.

    `client_context` is a JSON object in ASCII, or empty. `on_log` gets the invocation's log, line
    by line, before the outcome is there.
    """

    client_context: str = ""
    on_log: Callable[[str], None] | None = None


NOBODY: Final = Caller()


class DirectInvoker(Protocol):
    """An Invoker (core.ports) that Lambda's Invoke can use as well."""

    def invoke(self, function: str, event: bytes, caller: Caller = NOBODY) -> Awaitable[Outcome]:
        """Run `function` on the JSON document `event`, for `caller`; await its end."""
        ...


class Invocation:
    """An event and the future of its outcome.

    Whoever waits may have given up (a cancelled future); the invocation is then skipped if it has
    not begun, and runs to its end unheard if it has. Faults on demand: `cold` has it run by a
    worker that was never used, `doomed` has its worker killed in the middle.
    """

    __slots__ = ("caller", "cold", "doomed", "event", "outcome", "queued_at", "request_id")

    def __init__(
        self,
        event: bytes,
        outcome: asyncio.Future[Outcome],
        queued_at: float,
        caller: Caller = NOBODY,
    ) -> None:
        self.event = event
        self.caller = caller
        self.outcome = outcome
        self.queued_at = queued_at
        self.cold = False
        self.doomed = False
        self.request_id = str(uuid.UUID(bytes=os.urandom(16), version=4))

    def settle(self, outcome: Outcome) -> None:
        """Give the outcome to whoever still waits; later outcomes than the first change nothing."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def timed_out(self, timeout_s: float) -> None:
        """Settle as Lambda does at a function's timeout."""
        text = f"RequestId: {self.request_id} Error: Task timed out after {timeout_s:.2f} seconds"
        self.settle(Failed("Sandbox.Timedout", text))

    def exited(self, reason: str) -> None:
        """Settle as Lambda does when the runtime exits before it has answered."""
        self.settle(self.exit_error(reason))

    def exit_error(self, reason: str) -> Failed:
        """Give the outcome of a runtime that exits before it has answered."""
        return Failed("Runtime.ExitError", f"RequestId: {self.request_id} Error: {reason}")


def not_deployed(function: str) -> NotInvocable:
    """Say that a runner has no function of this name."""
    return NotInvocable(f"function '{function}' is not deployed here, or not started yet")


def trace_id() -> str:
    """Make an X-Ray trace header, as Lambda gives one to every invocation; never sampled."""
    root = f"{int(time.time()):08x}-{os.urandom(12).hex()}"
    return f"Root=1-{root};Parent={os.urandom(8).hex()};Sampled=0"
