"""Faults for what the HTTP port invokes: HTTP and REST APIs, their authorizers, Lambda's Invoke.

Invocations by the socket get theirs from the gateway's core, which has them in its trace.
"""

from collections.abc import Awaitable, Callable
from random import Random, SystemRandom

from gatepost.gateway.core.faults import Faults
from gatepost.gateway.core.inputs import Outcome
from gatepost.gateway.core.ports import Disturbable
from gatepost.gateway.runner.invocation import NOBODY, Caller, DirectInvoker


class DisturbedInvoker:
    """Invokes through `invoker`, which may be Disturbable, with the `faults` that are on then."""

    def __init__(
        self, invoker: DirectInvoker, faults: Callable[[], Faults], rng: Random | None = None
    ) -> None:
        self._invoker = invoker
        self._disturb = invoker.disturb if isinstance(invoker, Disturbable) else None
        self._faults = faults
        self._rng = rng or SystemRandom()

    def invoke(self, function: str, event: bytes, caller: Caller = NOBODY) -> Awaitable[Outcome]:
        """Start the invocation at once, with a new worker or one that dies if a fault says so."""
        faults, disturb = self._faults(), self._disturb
        if disturb is not None and faults.cold_start:
            disturb(function, kill=False, cold=True)
        outcome = self._invoker.invoke(function, event, caller)
        if disturb is not None and self._rng.random() < faults.kill_rate:
            disturb(function, kill=True, cold=False)
        return outcome
