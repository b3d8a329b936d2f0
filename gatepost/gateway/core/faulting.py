"""What the faults that are on do to calls, links and invocations.

Those of `$disconnect` are in state.py, where its one rule is.
"""

from functools import partial

import msgspec

from gatepost.gateway.core import http_errors
from gatepost.gateway.core.commands import Accept, Answer, Command, Drop, Invoke, Report, Stall
from gatepost.gateway.core.connection import Connection
from gatepost.gateway.core.faults import NO_FAULTS, Faults, names
from gatepost.gateway.core.http_errors import HttpError
from gatepost.gateway.core.inputs import Backlog, DropLinks, Inject, ManagementCall
from gatepost.gateway.core.state import State


def receive(state: State, given: Backlog | Inject | DropLinks) -> None:
    """Take in what disturbs connections from outside; those that are over are ignored."""
    match given:
        case Backlog(connection_id=connection_id, full=full):
            if (connection := state.connections.get(connection_id)) is not None:
                connection.backlogged = full
        case Inject(faults=faults):
            _inject(state, faults)
        case DropLinks(connection_ids=connection_ids):
            # They end when their links report them as lost.
            wanted = connection_ids or tuple(state.connections)
            state.out += [Drop(one) for one in wanted if one in state.connections]


def _inject(state: State, faults: Faults) -> None:
    """Replace the faults; links that stall, or do so no longer, are told at once.

    None at all is the one NO_FAULTS, by which the gateway knows that nothing is to be disturbed.
    """
    before, state.faults = state.faults, NO_FAULTS if faults == NO_FAULTS else faults
    for connection_id in state.connections:
        stalled = names(faults.slow_reader, connection_id)
        if stalled is not names(before.slow_reader, connection_id):
            state.out.append(Stall(connection_id, stalled))


def call_refusal(state: State, connection_id: str) -> HttpError | None:
    """Return the answer to a call of `@connections` that a fault gives in place of its own."""
    faults = state.faults
    if faults.throttle_rate and state.rng.random() < faults.throttle_rate:
        return http_errors.LIMIT_EXCEEDED
    if connection_id in state.connections and names(faults.gone, connection_id):
        return http_errors.GONE
    return None


def hangs(state: State, call: ManagementCall, connection: Connection) -> bool:
    """Let a POST hang, if it is to, and say so.

    It is answered 410 after `hang_s`, whatever has become of the connection: nothing was
    delivered, and 200 would claim that it was (B-222, B-226).
    """
    if not names(state.faults.hang, connection.id):
        return False
    state.later.put(
        state.now + state.faults.hang_s,
        partial(_end_hanging, state, call.call_id, connection.id, state.now),
    )
    return True


def _end_hanging(state: State, call_id: int, connection_id: str, since: float) -> None:
    state.out.append(Answer(call_id, *http_errors.GONE))
    duration_ms = (state.now - since) * 1000
    status = http_errors.GONE.status
    state.out.append(
        Report("send", connection_id, "@connections", status, duration_ms, "hung by a fault")
    )


def disturbed(state: State) -> list[Command]:
    """Return what is to be done, invocations and new links marked with the faults they suffer."""
    out: list[Command] = []
    for command in state.out:
        match command:
            case Invoke():
                out.append(_mark(state, command))
            case Accept(connection_id=accepted) if names(state.faults.slow_reader, accepted):
                out += [command, Stall(accepted, stalled=True)]
            case _:
                out.append(command)
    return out


def _mark(state: State, command: Invoke) -> Invoke:
    rate = state.faults.kill_rate
    kill = rate > 0 and state.rng.random() < rate
    cold = state.faults.cold_start
    return msgspec.structs.replace(command, kill=kill, cold=cold) if kill or cold else command
