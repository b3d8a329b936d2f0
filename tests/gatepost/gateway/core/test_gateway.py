"""How connections end, when, and what holds whatever happens."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.commands import (
    Close,
    Invoke,
    Refuse,
    Report,
    WakeAt,
)
from gatepost.gateway.core.deployment import LambdaProxy, Route
from gatepost.gateway.core.inputs import (
    BinaryMessage,
    Failed,
    Lost,
    ManagementCall,
    Message,
    PeerClosed,
    ProtocolFailed,
    Shutdown,
    Tick,
)
from gatepost.gateway.core.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.gateway.core.inputs import Input
    from tests.gatepost.gateway.core.conftest import Dialogue

ECHO = '{"action":"echo"}'


def ended(dialogue: "Dialogue") -> tuple[int, str]:
    """Return the code and reason that `$disconnect` was just told."""
    assert dialogue.one(Invoke).function == "disconnect"
    context = dialogue.event()["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


NO_STATUS = "Client-side close frame status not set"


@pytest.mark.parametrize(
    ("kind", "wire", "told"),
    [
        (PeerClosed, None, (1005, NO_STATUS)),
        (lambda i: PeerClosed(i, 1001), None, (1001, "")),
        (lambda i: PeerClosed(i, 1000, "bye"), None, (1000, "bye")),
        (lambda i: PeerClosed(i, 4001, "own"), None, (4001, "own")),
        (Lost, None, (1006, "")),
        (BinaryMessage, (1003, ""), (1003, "")),
        (lambda i: ProtocolFailed(i, 1002), (1002, ""), (1002, "")),
        (lambda i: ProtocolFailed(i, 1007), (1007, ""), (1007, "")),
        (lambda i: ProtocolFailed(i, 1009), (1009, ""), (1009, "")),
        (lambda _: Shutdown(), (1001, "Going away"), (1001, "Going away")),
    ],
)
def test_every_kind_of_close_tells_disconnect_once(
    dialogue: "Dialogue",
    kind: "Callable[[str], Input]",
    wire: tuple[int, str] | None,
    told: tuple[int, str],
) -> None:
    """Section 9, B-131 to B-135: code and reason, on the wire only when the gateway closes."""
    connection_id = dialogue.connect()
    dialogue.say(kind(connection_id))
    assert dialogue.all(Close) == ([Close(connection_id, *wire)] if wire else [])
    assert ended(dialogue) == told
    for again in (PeerClosed(connection_id), Lost(connection_id), Tick()):
        dialogue.say(again)
        assert not dialogue.all(Invoke)


def test_without_a_disconnect_route_nothing_is_invoked(talk: "Callable[..., Dialogue]") -> None:
    """The log has its line all the same."""
    dialogue = talk(Route("$connect", LambdaProxy("connect")))
    connection_id = dialogue.connect()
    dialogue.say(Lost(connection_id))
    assert dialogue.commands == [Report("disconnect", connection_id, None, 1006)]


@pytest.mark.parametrize(
    ("result", "detail"), [({"statusCode": 500}, ""), (Failed("E", "m"), "E: m"), (None, "")]
)
def test_the_result_of_disconnect_reaches_only_the_log(
    dialogue: "Dialogue", result: object, detail: str
) -> None:
    """B-136: the line has the close code, the time it took, and why it failed."""
    connection_id = dialogue.connect()
    dialogue.say(PeerClosed(connection_id, 1000))
    dialogue.finish(dialogue.one(Invoke).invocation_id, result, after=0.5)
    report = dialogue.one(Report)
    assert dialogue.commands == [report]
    assert (report.kind, report.status, report.detail) == ("disconnect", 1000, detail)
    assert report.duration_ms == pytest.approx(500, abs=0.1)


def test_a_disconnect_function_that_hangs_is_given_up(dialogue: "Dialogue") -> None:
    """B-275: the line says that it was too slow."""
    dialogue.say(Lost(dialogue.connect()))
    dialogue.say(Tick(), after=29.001)
    assert dialogue.one(Report).detail == "Endpoint request timed out"


def test_an_idle_connection_is_closed_after_ten_minutes(dialogue: "Dialogue") -> None:
    """B-270, B-132: 1001 `Going away`, on the wire and in the event."""
    connection_id = dialogue.connect()
    dialogue.say(Tick(), after=599.9)
    assert not dialogue.all(Close)
    dialogue.say(Tick(), after=0.2)
    assert dialogue.one(Close) == Close(connection_id, 1001, "Going away")
    assert ended(dialogue) == (1001, "Going away")


@pytest.mark.parametrize("direction", ["in", "post", "response"])
def test_a_message_in_either_direction_restarts_the_idle_time(
    dialogue: "Dialogue", direction: str
) -> None:
    """B-272: a message, a POST, a route response."""
    connection_id = dialogue.connect()
    if direction == "in":
        dialogue.say(Message(connection_id, "hi"), after=500)
        dialogue.finish(dialogue.one(Invoke).invocation_id)
    elif direction == "post":
        path = f"/dev/@connections/{connection_id}"
        dialogue.say(ManagementCall(1, "POST", path, b"x"), after=500)
    else:
        dialogue.say(Message(connection_id, ECHO), after=480)
        dialogue.finish(
            dialogue.one(Invoke).invocation_id, {"statusCode": 200, "body": "x"}, after=20
        )
    dialogue.say(Tick(), after=599.9)
    assert not dialogue.all(Close)
    dialogue.say(Tick(), after=0.2)
    assert dialogue.one(Close).code == 1001


def test_a_get_does_not_restart_the_idle_time(dialogue: "Dialogue") -> None:
    """B-272 speaks of messages only."""
    connection_id = dialogue.connect()
    dialogue.say(ManagementCall(1, "GET", f"/dev/@connections/{connection_id}"), after=500)
    dialogue.say(Tick(), after=100.1)
    assert dialogue.one(Close).code == 1001


def test_no_traffic_prolongs_two_hours(dialogue: "Dialogue") -> None:
    """B-274: a message every 9.5 minutes, and at two hours 1001 `Going away`."""
    connection_id = dialogue.connect()
    path = f"/dev/@connections/{connection_id}"
    for _ in range(12):
        dialogue.say(ManagementCall(1, "POST", path, b"x"), after=570)
        assert not dialogue.all(Close)
    dialogue.say(Tick(), after=7199.9 - 12 * 570)
    assert not dialogue.all(Close)
    dialogue.say(Tick(), after=0.2)
    assert dialogue.one(Close) == Close(connection_id, 1001, "Going away")
    assert ended(dialogue) == (1001, "Going away")


def test_what_is_due_happens_before_a_late_input(dialogue: "Dialogue") -> None:
    """A message that comes after the idle limit, but before its Tick, is too late."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, ECHO), after=600.1)
    assert dialogue.one(Close).code == 1001
    assert dialogue.one(Invoke).route_key == "$disconnect"


def test_wake_at_is_said_only_when_it_gets_earlier(dialogue: "Dialogue") -> None:
    """A broadcast or a message moves no timer of the shell, unless it must ring sooner."""
    connection_id = dialogue.connect()  # rings for $connect's timeout, 29 s from the start
    dialogue.say(Message(connection_id, ECHO), after=1)
    assert not dialogue.all(WakeAt)
    dialogue.finish(dialogue.one(Invoke).invocation_id)
    assert not dialogue.all(WakeAt)
    dialogue.say(Message(connection_id, '{"action":"notify"}'))
    assert dialogue.one(WakeAt).at == dialogue.now + 5
    dialogue.finish(dialogue.one(Invoke).invocation_id)
    dialogue.say(Tick(), after=5)
    assert dialogue.one(WakeAt).at > dialogue.now + 500


def test_an_early_tick_gets_its_wake_at_again(dialogue: "Dialogue") -> None:
    """The shell's timer may ring a little early by this clock; it must not be the last ring."""
    dialogue.upgrade()
    at = dialogue.one(WakeAt).at
    dialogue.say(Tick(), after=28.999)
    assert dialogue.commands == [WakeAt(at)]


def test_time_never_goes_back(dialogue: "Dialogue") -> None:
    """A clock that was set back does not reopen what is over or write earlier times."""
    connection_id = dialogue.connect()
    dialogue.say(Message(connection_id, "hi"), after=-100)
    assert dialogue.event()["requestContext"]["requestTimeEpoch"] == 1_772_701_623_412


def test_the_same_seed_and_inputs_give_the_same_commands(
    talk: "Callable[..., Dialogue]",
) -> None:
    """A trace can be replayed; another seed gives other ids."""

    def trace(seed: int) -> str:
        dialogue = talk(seed=seed)
        connection_id = dialogue.connect(query="a=1")
        first = dialogue.say(Message(connection_id, ECHO), after=1)
        return repr([first, dialogue.say(Lost(connection_id), after=1)])

    assert trace(1) == trace(1)
    assert trace(1) != trace(2)


def test_shutdown_closes_all_and_later_results_are_still_taken(dialogue: "Dialogue") -> None:
    """Each connection is closed with 1001 and gets its `$disconnect`."""
    ids = {dialogue.connect() for _ in range(3)}
    dialogue.say(Shutdown())
    assert {close.connection_id for close in dialogue.all(Close)} == ids
    invokes = dialogue.all(Invoke)
    assert {invoke.connection_id for invoke in invokes} == ids
    for invoke in invokes:
        dialogue.finish(invoke.invocation_id, {"statusCode": 200})
        assert dialogue.one(Report).kind == "disconnect"


def test_guess_the_code_of_a_lost_connection_can_be_set(talk: "Callable[..., Dialogue]") -> None:
    """B-134."""
    dialogue = talk(settings=GatewaySettings(lost_close_code=1001))
    dialogue.say(Lost(dialogue.connect()))
    assert ended(dialogue) == (1001, "")


def test_two_apis_of_one_stage_are_told_apart_by_their_ids(
    talk: "Callable[..., Dialogue]",
) -> None:
    """Neither is at the stage alone."""
    dialogue = talk(stage="other")
    dialogue.upgrade("/other")
    assert dialogue.one(Refuse).status == 403
    dialogue.upgrade("/a1b2c3d4e5/other")
    assert dialogue.one(Invoke).function == "connect"


def test_an_unreadable_route_selection_expression_is_refused(
    talk: "Callable[..., Dialogue]",
) -> None:
    """At once, not at the first message."""
    with pytest.raises(ValueError, match=r"\$context\.x"):
        talk(route_selection_expression="$context.x")
