"""What a test's gateway remembers, and that remembering changes nothing."""

import asyncio

from gatepost.emulator.testing.loop_thread import Happenings
from gatepost.emulator.testing.recording import RecordingWorkers
from gatepost.gateway.core.inputs import Failed, Outcome


class Workers:
    """Begins an invocation when it is told to; a kill ends the last one that has begun."""

    def __init__(self) -> None:
        self.running: list[asyncio.Future[Outcome]] = []

    def invoke(self, function: str, event: bytes) -> asyncio.Future[Outcome]:
        """Begin."""
        del function, event
        self.running.append(asyncio.get_running_loop().create_future())
        return self.running[-1]

    def disturb(self, function: str, *, kill: bool, cold: bool) -> None:
        """End the last one."""
        del cold
        if kill:
            self.running[-1].set_result(Failed("Runtime.ExitError", function))


async def test_a_kill_right_after_an_invocation_finds_it() -> None:
    """As the gateway does it (ports.Disturbable): invoke, then disturb, within one turn."""
    happenings = Happenings()
    recorder = RecordingWorkers(happenings)
    recorder.invoker = Workers()
    outcome = recorder.invoke("f", b"{}")
    recorder.disturb("f", kill=True, cold=False)
    assert await outcome == Failed("Runtime.ExitError", "f")
    told = await happenings.wait_async(lambda: recorder.invocations[0].error, 20, str)
    assert told == "Runtime.ExitError: f"


async def test_whoever_gives_up_waiting_leaves_the_invocation_without_an_end() -> None:
    """A cancelled wait is no outcome."""
    recorder = RecordingWorkers(Happenings())
    recorder.invoker = Workers()
    outcome = recorder.invoke("f", b"{}")
    outcome.cancel()
    await asyncio.wait({outcome})
    assert recorder.invocations[0].outcome is None
