"""Faults for what the HTTP port invokes."""

import asyncio
from collections.abc import Awaitable
from random import Random

from gatepost.emulator.disturbing import DisturbedInvoker
from gatepost.gateway.core.faults import NO_FAULTS, Faults
from gatepost.gateway.core.inputs import Outcome, Returned
from gatepost.gateway.runner.invocation import NOBODY, Caller


class Workers:
    """Write down what is asked, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def invoke(self, function: str, event: bytes, caller: Caller = NOBODY) -> Awaitable[Outcome]:
        """Return the event."""
        self.asked.append(function)
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        done.set_result(Returned(event))
        return done

    def disturb(self, function: str, *, kill: bool, cold: bool) -> None:
        """Write down which way."""
        self.asked += [f"{function}: {'kill' if kill else ''}{'cold' if cold else ''}"]


class Undisturbed:
    """Has no workers that could be disturbed."""

    async def invoke(self, function: str, event: bytes, caller: Caller = NOBODY) -> Outcome:
        """Return the event."""
        return Returned(event)


async def test_a_cold_start_comes_before_the_invocation_and_a_kill_after_it() -> None:
    """As the port asks for."""
    workers = Workers()
    invoker = DisturbedInvoker(workers, lambda: Faults(kill_rate=1.0, cold_start=True))
    assert await invoker.invoke("a", b"1") == Returned(b"1")
    assert workers.asked == ["a: cold", "a", "a: kill"]


async def test_without_faults_nothing_is_disturbed() -> None:
    """Faults count from the moment they are turned on, to the one they are turned off."""
    workers = Workers()
    faults = [Faults(cold_start=True)]
    invoker = DisturbedInvoker(workers, lambda: faults[0])
    await invoker.invoke("a", b"1")
    faults[0] = NO_FAULTS
    await invoker.invoke("b", b"1")
    assert workers.asked == ["a: cold", "a", "b"]


async def test_a_rate_is_a_share_of_the_invocations() -> None:
    """About half of many."""
    workers = Workers()
    invoker = DisturbedInvoker(workers, lambda: Faults(kill_rate=0.5), Random(1))  # noqa: S311
    for _ in range(200):
        await invoker.invoke("a", b"1")
    assert 80 < workers.asked.count("a: kill") < 120


async def test_what_cant_be_disturbed_is_invoked_all_the_same() -> None:
    """Handlers without workers know no such faults."""
    invoker = DisturbedInvoker(Undisturbed(), lambda: Faults(kill_rate=1.0))
    assert await invoker.invoke("a", b"1") == Returned(b"1")
