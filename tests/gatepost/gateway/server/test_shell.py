"""Inputs with the time, commands in order, invocations, the timer."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.commands import (
    Accept,
    Answer,
    CallHttp,
    Close,
    Command,
    Drop,
    Invoke,
    Refuse,
    Report,
    Send,
    Stall,
    WakeAt,
)
from gatepost.gateway.core.inputs import (
    Failed,
    HttpAnswered,
    Input,
    InvocationFinished,
    Lost,
    ManagementCall,
    Message,
    NotInvocable,
    Outcome,
    PeerClosed,
    Returned,
    Shutdown,
    Tick,
    Upgrade,
    UpgradeAbandoned,
)
from gatepost.gateway.server.http_reader import Request
from gatepost.gateway.server.shell import INVOCATIONS_PER_CONNECTION_MAX, Shell
from tests.gatepost.gateway.server.conftest import FakeLink

if TYPE_CHECKING:
    from tests.conftest import Eventually
    from tests.gatepost.gateway.server.conftest import ScriptedCore, ScriptedInvoker

ID = "Q0ZkUfPSIAMCJzA="
INVOKE = Invoke(7, "echo", b"{}", ID, "echo")
CALL = CallHttp(8, "POST", "http://localhost/hook", (), b"x", ID, "hook", 29.0)


def plain(method: str, body: bytes) -> Request:
    """An HTTP request that is no upgrade."""
    return Request(
        method, "/dev", "", "1.1", "localhost", (), body, keep_alive=True, websocket=False
    )


def ask(handshake_id: int) -> Upgrade:
    """Make the input for a handshake."""
    return Upgrade(handshake_id, "/dev", "", (), "localhost", "127.0.0.1")


def accepted(shell: Shell, core: "ScriptedCore") -> FakeLink:
    """Return a link whose handshake was accepted as ID."""
    link = FakeLink()
    core.react = lambda given: (
        [Accept(given.handshake_id, ID)] if isinstance(given, Upgrade) else []
    )
    shell.upgrade(link, ask)
    assert link.done.pop() == ID
    return link


async def test_a_call_is_answered_once(shell: Shell, core: "ScriptedCore") -> None:
    """The core sees the request and the time; a second answer goes nowhere."""
    core.react = lambda given: (
        [Answer(given.call_id, 200), Answer(given.call_id, 500)]
        if isinstance(given, ManagementCall)
        else []
    )
    link = FakeLink()
    shell.call(link, plain("POST", b"x"))
    assert link.done == [200]
    assert core.given == [ManagementCall(1, "POST", "/dev", b"x", host="localhost")]
    assert core.times == [1000.0]


async def test_commands_go_to_the_connection_they_name(shell: Shell, core: "ScriptedCore") -> None:
    """What is for a connection that is not there is ignored."""
    link = accepted(shell, core)
    core.react = lambda given: [
        Send(ID, (b"a",)),
        Send("other", (b"b",)),
        Close(ID, 1000),
        Send(ID, (b"c",)),
        Close(ID, 1000),
    ]
    shell.heard(Message(ID, "x"))
    assert link.done == [(b"a",), 1000]


@pytest.mark.parametrize("end", [PeerClosed(ID), Lost(ID)])
async def test_a_connection_ends_once(
    shell: Shell, core: "ScriptedCore", end: PeerClosed | Lost
) -> None:
    """After its end the core hears no more of it, and it gets no commands."""
    link = accepted(shell, core)
    core.react = lambda given: [Close(ID, 1001)]
    shell.heard(end)
    shell.heard(Lost(ID))
    shell.heard(Message(ID, "x"))
    assert core.given[1:] == [end]
    assert link.done == []


async def test_an_abandoned_handshake_is_told_once(shell: Shell, core: "ScriptedCore") -> None:
    """And an answer that comes later goes nowhere."""
    link = FakeLink()
    handshake_id = shell.upgrade(link, ask)
    shell.abandon(handshake_id)
    shell.abandon(handshake_id)
    core.react = lambda given: [Accept(handshake_id, ID), Refuse(handshake_id, 403)]
    shell.tick()
    assert core.given[1:] == [UpgradeAbandoned(handshake_id), Tick()]
    assert link.done == []


async def test_an_invocation_comes_back(
    shell: Shell, core: "ScriptedCore", invoker: "ScriptedInvoker", eventually: "Eventually"
) -> None:
    """Its outcome under its id."""
    core.react = lambda given: [INVOKE] if isinstance(given, Tick) else []
    shell.tick()
    await eventually(lambda: len(core.given) == 2)
    assert invoker.calls == [("echo", b"{}")]
    assert core.given[1] == InvocationFinished(7, Returned(b"null"))


@dataclass(slots=True)
class FakeBackends:
    """Answers each call, and keeps it."""

    calls: list[CallHttp] = field(default_factory=list)

    async def call(self, command: CallHttp) -> Outcome:
        """Answer 204."""
        self.calls.append(command)
        return HttpAnswered(204)


async def test_a_call_of_a_backend_comes_back(
    core: "ScriptedCore", invoker: "ScriptedInvoker", eventually: "Eventually"
) -> None:
    """As the end of its invocation."""
    backends = FakeBackends()
    shell = Shell(core, invoker, clock=lambda: 1000.0, backends=backends)
    core.react = lambda given: [CALL] if isinstance(given, Tick) else []
    shell.tick()
    await eventually(lambda: core.given[1:])
    assert backends.calls == [CALL]
    assert core.given[1:] == [InvocationFinished(8, HttpAnswered(204))]
    assert invoker.calls == []


async def test_without_backends_a_call_fails(shell: Shell, core: "ScriptedCore") -> None:
    """As an integration that can't be invoked."""
    core.react = lambda given: [CALL] if isinstance(given, Tick) else []
    shell.tick()
    (finished,) = core.given[1:]
    assert isinstance(finished, InvocationFinished)
    assert isinstance(finished.outcome, NotInvocable)


async def test_faults_go_to_the_links_they_name(shell: Shell, core: "ScriptedCore") -> None:
    """A link that was cut is still there until it says that it is lost."""
    link = accepted(shell, core)
    core.react = lambda given: (
        [Stall(ID, stalled=True), Stall("other", stalled=True), Drop("other"), Drop(ID)]
        if isinstance(given, Tick)
        else []
    )
    shell.tick()
    assert link.done == ["stalled", "cut"]
    shell.heard(Lost(ID))
    assert core.given[-1] == Lost(ID)


class DisturbableInvoker:
    """An Invoker that writes down what it is asked, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def invoke(self, function: str, event: bytes) -> Outcome:
        """Return `null`."""
        return Returned(b"null")

    def disturb(self, function: str, *, kill: bool, cold: bool) -> None:
        """Write down the fault."""
        self.asked.append(f"{function} {'kill' if kill else ''}{'cold' if cold else ''}")


async def test_workers_are_disturbed_as_the_invocation_says(core: "ScriptedCore") -> None:
    """Cold before it, killed after it; one without a mark is left alone."""
    invoker = DisturbableInvoker()
    shell = Shell(core, invoker, clock=lambda: 0.0)
    marked = Invoke(8, "echo", b"{}", ID, "echo", kill=True, cold=True)
    core.react = lambda given: [INVOKE, marked] if isinstance(given, Tick) else []
    shell.tick()
    await shell.drained(5)
    assert invoker.asked == ["echo cold", "echo kill"]


async def test_a_client_far_ahead_of_its_invocations_is_held(
    shell: Shell, core: "ScriptedCore", invoker: "ScriptedInvoker", eventually: "Eventually"
) -> None:
    """What one client can make the gateway remember is bounded."""
    link = accepted(shell, core)
    invoker.holds = True
    core.react = lambda given: [INVOKE] if isinstance(given, Message) else []
    for _ in range(INVOCATIONS_PER_CONNECTION_MAX - 1):
        shell.heard(Message(ID, "x"))
    assert link.done == []
    shell.heard(Message(ID, "x"))
    assert link.done == ["held"]
    invoker.release.set()
    await eventually(lambda: link.done == ["held", "released"])


async def test_a_bug_of_an_invoker_is_logged_and_fails_the_invocation(  # noqa: PLR0917 - fixtures
    shell: Shell,
    core: "ScriptedCore",
    invoker: "ScriptedInvoker",
    eventually: "Eventually",
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With its traceback, as it is ours; the client gets its error frame."""
    invoker.error = RuntimeError("bug")
    core.react = lambda given: [INVOKE] if isinstance(given, Tick) else []
    shell.tick()
    await eventually(lambda: len(core.given) == 2)
    assert core.given[1] == InvocationFinished(7, Failed("RuntimeError", "bug"))
    assert caplog.records[0].exc_info is not None


async def test_a_bug_of_the_core_leaves_nobody_waiting(
    shell: Shell, core: "ScriptedCore", caplog: pytest.LogCaptureFixture
) -> None:
    """Requests are answered 500, the traceback is logged, and the shell goes on."""

    def fail(given: Input) -> list[Command]:
        raise RuntimeError("bug")

    core.react = fail
    call, handshake = FakeLink(), FakeLink()
    shell.call(call, plain("GET", b""))
    shell.upgrade(handshake, ask)
    shell.tick()
    assert (call.done, handshake.done) == ([500], [500])
    assert len(caplog.records) == 3
    assert all(record.exc_info for record in caplog.records)


async def test_a_bug_of_the_core_costs_the_connection_concerned(
    shell: Shell, core: "ScriptedCore", caplog: pytest.LogCaptureFixture
) -> None:
    """It ends with 1011, and the core hears that it is lost, once."""
    link = accepted(shell, core)

    def fail_on_messages(given: Input) -> list[Command]:
        if given == Message(ID, "x"):
            raise RuntimeError("bug")
        return []

    core.react = fail_on_messages
    shell.heard(Message(ID, "x"))
    shell.heard(Lost(ID))
    assert link.done == [1011]
    assert core.given[1:] == [Message(ID, "x"), Lost(ID)]
    assert caplog.records[0].exc_info is not None


async def test_a_bug_over_an_outcome_costs_the_connection_that_it_was_for(
    shell: Shell, core: "ScriptedCore", eventually: "Eventually", caplog: pytest.LogCaptureFixture
) -> None:
    """An outcome names no connection, its invocation does; a bug over the loss ends there."""
    link = accepted(shell, core)

    def fail(given: Input) -> list[Command]:
        if isinstance(given, Tick):
            return [INVOKE]
        raise RuntimeError("bug")

    core.react = fail
    shell.tick()
    await eventually(lambda: 1011 in link.done)
    assert core.given[-1] == Lost(ID)
    assert len(caplog.records) == 2
    shell.stop()


async def test_after_a_bug_the_core_is_given_the_time_again(
    core: "ScriptedCore", invoker: "ScriptedInvoker", eventually: "Eventually"
) -> None:
    """Or no timer would ring until something else happens; the clock here runs fast."""
    loop = asyncio.get_running_loop()
    shell = Shell(core, invoker, clock=lambda: loop.time() * 100)

    def fail_once(given: Input) -> list[Command]:
        if len(core.given) == 1:
            raise RuntimeError("bug")
        return []

    core.react = fail_once
    shell.receive(Shutdown())
    await eventually(lambda: core.given[1:] == [Tick()])
    shell.stop()


async def test_a_command_that_fails_does_not_stop_the_next(
    core: "ScriptedCore", invoker: "ScriptedInvoker", caplog: pytest.LogCaptureFixture
) -> None:
    """A report's reader with a bug costs no client its answer."""

    def read(report: Report) -> None:
        raise RuntimeError("bug")

    shell = Shell(core, invoker, clock=lambda: 0.0, on_report=read)
    core.react = lambda given: [Report("http", None, None, 200), Answer(1, 200)]
    link = FakeLink()
    shell.call(link, plain("GET", b""))
    assert link.done == [200]
    assert caplog.records[0].levelno == logging.ERROR


async def test_the_timer_rings_at_the_last_moment_named(
    core: "ScriptedCore", invoker: "ScriptedInvoker", eventually: "Eventually"
) -> None:
    """A later moment replaces an earlier one, an earlier one a later."""
    loop = asyncio.get_running_loop()
    shell = Shell(core, invoker, clock=loop.time)
    start = loop.time()
    wakes = [WakeAt(start + wait_s) for wait_s in (60.0, 0.02, 0.05)]
    core.react = lambda given: [wakes.pop(0)] if wakes else []
    for _ in range(3):
        shell.receive(Message("nobody", ""))
    await eventually(lambda: len(core.given) == 4)
    assert core.given[3] == Tick()
    assert core.times[3] >= start + 0.05
    shell.stop()


async def test_a_moment_that_has_come_rings_at_once_and_later_ones_after_it(
    core: "ScriptedCore",
    invoker: "ScriptedInvoker",
    eventually: "Eventually",
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Named in one breath, as a busy gateway does; on uvloop such a timer has no `when`."""
    uvloop = pytest.importorskip("uvloop")

    async def ring() -> None:
        loop = asyncio.get_running_loop()
        shell = Shell(core, invoker, clock=loop.time)
        start = loop.time()
        wakes = [WakeAt(start - 1), WakeAt(start + 0.02)]
        core.react = lambda given: [wakes.pop(0)] if wakes else []
        for _ in range(2):
            shell.receive(Message("nobody", ""))
        await eventually(lambda: len(core.given) == 3)
        assert core.times[2] >= start + 0.02
        shell.stop()

    await asyncio.to_thread(uvloop.run, ring())
    assert caplog.records == []


async def test_draining_waits_for_invocations_and_then_for_no_longer(
    shell: Shell,
    core: "ScriptedCore",
    invoker: "ScriptedInvoker",
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Those that end in time are told to the core; the others are cancelled, with a warning."""
    invoker.holds = True
    core.react = lambda given: [INVOKE] if isinstance(given, Shutdown) else []
    shell.shut_down()
    asyncio.get_running_loop().call_later(0.01, invoker.release.set)
    await shell.drained(5)
    assert core.given == [Shutdown(), InvocationFinished(7, Returned(b"null"))]
    invoker.release.clear()
    shell.shut_down()
    await shell.drained(0.01)
    assert core.given[2:] == [Shutdown()]
    assert "abandoned" in caplog.text
