"""What is left to do when a bug in the core has lost its commands: nobody waits for ever.

Who is concerned is told by the input, or by the command whose outcome it was.
"""

from typing import Final

from gatepost.gateway.core.commands import Answer, CallHttp, Close, Command, Invoke, Refuse
from gatepost.gateway.core.inputs import Input, Lost, ManagementCall, Upgrade, UpgradeAbandoned

INTERNAL_ERROR: Final = 1011
"""Close code of a connection over which a bug of ours came to light (RFC 6455 section 7.4.1)."""

Cause = Invoke | CallHttp


def commands_after_a_bug(given: Input, cause: Cause | None) -> list[Command]:
    """Answer the request or handshake with 500, close the connection with 1011."""
    commands: list[Command] = []
    if isinstance(given, ManagementCall):
        commands.append(Answer(given.call_id, 500))
    if (handshake_id := _handshake_id(given, cause)) is not None:
        commands.append(Refuse(handshake_id, 500))
    if (connection_id := _connection_id(given, cause)) is not None:
        commands.append(Close(connection_id, INTERNAL_ERROR))
    return commands


def losses_after_a_bug(given: Input, cause: Cause | None) -> list[Input]:
    """Tell the core what has ended by these commands, so that it takes nothing more for it."""
    losses: list[Input] = []
    if cause is not None and cause.handshake_id is not None:
        losses.append(UpgradeAbandoned(cause.handshake_id))
    if (connection_id := _connection_id(given, cause)) is not None and not isinstance(given, Lost):
        losses.append(Lost(connection_id))
    return losses


def _handshake_id(given: Input, cause: Cause | None) -> int | None:
    if isinstance(given, Upgrade):
        return given.handshake_id
    return None if cause is None else cause.handshake_id


def _connection_id(given: Input, cause: Cause | None) -> str | None:
    return getattr(cause or given, "connection_id", None)
