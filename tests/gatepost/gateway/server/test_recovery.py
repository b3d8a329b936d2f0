"""Who hears of a bug in the core."""

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from gatepost.gateway.core.commands import Answer, Close, Command, Invoke, Refuse
from gatepost.gateway.core.inputs import (
    Input,
    InvocationFinished,
    Lost,
    ManagementCall,
    Message,
    NotInvocable,
    Tick,
    Upgrade,
    UpgradeAbandoned,
)
from gatepost.gateway.server.recovery import commands_after_a_bug, losses_after_a_bug
from gatepost.gateway.server.shell import Shell
from tests.gatepost.gateway.server.conftest import FakeLink

if TYPE_CHECKING:
    from tests.conftest import Eventually
    from tests.gatepost.gateway.server.conftest import ScriptedCore

ID = "Q0ZkUfPSIAMCJzA="
INVOKE = Invoke(7, "echo", b"{}", ID, "echo")
WAITED_FOR = structs.replace(INVOKE, handshake_id=3)
ENDED = InvocationFinished(7, NotInvocable(""))


def ask(handshake_id: int) -> Upgrade:
    """Make the input for a handshake."""
    return Upgrade(handshake_id, "/dev", "", (), "localhost", "127.0.0.1")


@pytest.mark.parametrize(
    ("given", "cause", "commands", "losses"),
    [
        (Tick(), None, [], []),
        (ManagementCall(1, "GET", "/dev", b""), None, [Answer(1, 500)], []),
        (ask(3), None, [Refuse(3, 500)], []),
        (Message(ID, "x"), None, [Close(ID, 1011)], [Lost(ID)]),
        (Lost(ID), None, [Close(ID, 1011)], []),
        (ENDED, INVOKE, [Close(ID, 1011)], [Lost(ID)]),
        (ENDED, WAITED_FOR, [Refuse(3, 500), Close(ID, 1011)], [UpgradeAbandoned(3), Lost(ID)]),
    ],
)
def test_those_concerned_are_told_and_their_loss_to_the_core(
    given: Input, cause: Invoke | None, commands: list[Command], losses: list[Input]
) -> None:
    """A loss over which there is a bug is not told again."""
    assert commands_after_a_bug(given, cause) == commands
    assert losses_after_a_bug(given, cause) == losses


async def test_a_bug_over_an_outcome_costs_the_handshake_that_waits_for_it(
    shell: Shell, core: "ScriptedCore", eventually: "Eventually", caplog: pytest.LogCaptureFixture
) -> None:
    """Its client is answered 500, once; the core hears that it is gone, and so is a connection."""

    def fail(given: Input) -> list[Command]:
        if isinstance(given, Upgrade):
            return [structs.replace(INVOKE, handshake_id=given.handshake_id)]
        raise RuntimeError("bug")

    core.react = fail
    link = FakeLink()
    handshake_id = shell.upgrade(link, ask)
    await eventually(lambda: link.done)
    shell.abandon(handshake_id)
    assert link.done == [500]
    assert core.given[2:] == [UpgradeAbandoned(handshake_id), Lost(ID)]
    assert len(caplog.records) == 3
    shell.stop()
