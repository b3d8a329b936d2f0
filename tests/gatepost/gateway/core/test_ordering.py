"""The order of invocations and deliveries: concurrent, shuffled, serial."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.commands import Accept, Answer, Close, Invoke, Report, Send, WakeAt
from gatepost.gateway.core.deployment import CONNECT, DISCONNECT, LambdaProxy, Route
from gatepost.gateway.core.inputs import Failed, ManagementCall, Message, PeerClosed, Shutdown, Tick
from gatepost.gateway.core.ordering import WAITING_MAX
from gatepost.gateway.core.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gatepost.gateway.core.conftest import Dialogue

NAMES = [f"{number}" for number in range(20)]
ROUTES = (
    Route(DISCONNECT, LambdaProxy("disconnect")),
    Route("$default", LambdaProxy("work"), two_way=True),
)


def opened(talk: "Callable[..., Dialogue]", ordering: str, seed: int = 1) -> "tuple[Dialogue, str]":
    """Open a connection to a gateway that orders messages like this."""
    settings = GatewaySettings(ordering=ordering)  # type: ignore[arg-type] # the test's own word
    dialogue = talk(*ROUTES, settings=settings, seed=seed)
    dialogue.upgrade()
    return dialogue, dialogue.one(Accept).connection_id


def begun(dialogue: "Dialogue", seconds: float = 0.1) -> list[str]:
    """Let time pass to each moment that the gateway asked for; return the bodies that began."""
    bodies = []
    until = dialogue.now + seconds
    while waking := dialogue.all(WakeAt):
        if waking[-1].at > until:
            break
        dialogue.say(Tick(), after=waking[-1].at - dialogue.now)
        bodies += [_body(invoke) for invoke in dialogue.all(Invoke)]
    return bodies


def _body(invoke: Invoke) -> str:
    return invoke.event.decode().rpartition('"body":"')[2].partition('"')[0]


def test_shuffled_messages_begin_in_another_order(talk: "Callable[..., Dialogue]") -> None:
    """B-291: within 50 ms, each once; the same seed shuffles alike."""
    orders = []
    for seed in (1, 1, 2):
        dialogue, connection_id = opened(talk, "shuffle", seed)
        bodies = []
        for name in NAMES:
            dialogue.say(Message(connection_id, name))
            bodies += [_body(invoke) for invoke in dialogue.all(Invoke)]
        dialogue.say(Tick())
        orders.append(bodies + begun(dialogue))
    assert all(sorted(order) == sorted(NAMES) for order in orders)
    assert orders[0] != NAMES
    assert orders[0] == orders[1] != orders[2]


def test_shuffled_posts_arrive_in_another_order(talk: "Callable[..., Dialogue]") -> None:
    """B-292, B-226: each is answered at once, and arrives within 50 ms."""
    dialogue, connection_id = opened(talk, "shuffle")
    arrived: list[bytes] = []
    for number, name in enumerate(NAMES):
        path = f"/dev/@connections/{connection_id}"
        dialogue.say(ManagementCall(number, "POST", path, name.encode()))
        assert dialogue.one(Answer).status == 200
    dialogue.say(Tick())
    until = dialogue.now + 0.05
    while len(arrived) < len(NAMES) and dialogue.now < until:
        dialogue.say(Tick(), after=dialogue.one(WakeAt).at - dialogue.now)
        arrived += [send.fragments[0] for send in dialogue.all(Send)]
    assert sorted(arrived) == sorted(name.encode() for name in NAMES)
    assert arrived != [name.encode() for name in NAMES]


def test_what_is_held_for_a_closed_connection(talk: "Callable[..., Dialogue]") -> None:
    """B-295: a message that came is worked on, a post has nobody to arrive at."""
    dialogue, connection_id = opened(talk, "shuffle")
    dialogue.say(Message(connection_id, "late"))
    dialogue.say(ManagementCall(1, "POST", f"/dev/@connections/{connection_id}", b"x"))
    dialogue.say(PeerClosed(connection_id, 1000))
    assert dialogue.one(Invoke).function == "disconnect"
    dialogue.say(Tick(), after=0.06)
    assert _body(dialogue.one(Invoke)) == "late"
    assert not dialogue.all(Send)


def test_a_shuffled_message_has_its_whole_timeout(talk: "Callable[..., Dialogue]") -> None:
    """B-181: 29 s from when it begins."""
    dialogue, connection_id = opened(talk, "shuffle")
    dialogue.say(Message(connection_id, "x"))
    dialogue.say(Tick(), after=0.06)
    dialogue.say(Tick(), after=28.98)
    assert not dialogue.all(Send)
    dialogue.say(Tick(), after=0.03)
    assert b"timed out" in dialogue.one(Send).fragments[0]


@pytest.mark.parametrize("ending", [{"statusCode": 200}, Failed("E", "m"), "timeout"])
def test_serial_messages_begin_when_the_one_before_ended(
    talk: "Callable[..., Dialogue]", ending: object
) -> None:
    """However it ended; `$disconnect` comes last."""
    dialogue, connection_id = opened(talk, "serial")
    dialogue.say(Message(connection_id, "0"))
    current = dialogue.one(Invoke)
    for text in ("1", "2"):
        dialogue.say(Message(connection_id, text))
        assert dialogue.commands == []
    for text in ("1", "2"):
        if ending == "timeout":
            dialogue.say(Tick(), after=29.0)
        else:
            dialogue.finish(current.invocation_id, ending)
        current = dialogue.one(Invoke)
        assert _body(current) == text
    dialogue.say(PeerClosed(connection_id, 1000))
    assert not dialogue.all(Invoke)
    dialogue.finish(current.invocation_id, None)
    assert dialogue.one(Invoke).function == "disconnect"


def test_serial_holds_for_one_connection_alone(talk: "Callable[..., Dialogue]") -> None:
    """Others do not wait for it, and after a pause it begins at once."""
    dialogue, one = opened(talk, "serial")
    dialogue.upgrade()
    other = dialogue.one(Accept).connection_id
    for _ in range(2):
        invoked = []
        for connection_id in (one, other):
            dialogue.say(Message(connection_id, "x"))
            invoked.append(dialogue.one(Invoke))
        for invoke in invoked:
            dialogue.finish(invoke.invocation_id, None)
            assert not dialogue.all(Invoke)


def test_no_more_than_a_thousand_messages_wait_in_line(talk: "Callable[..., Dialogue]") -> None:
    """A limit of ours; the client is told, `$disconnect` still gets its turn."""
    dialogue, connection_id = opened(talk, "serial")
    for _ in range(WAITING_MAX + 1):
        dialogue.say(Message(connection_id, "x"))
        assert not dialogue.all(Send)
    dialogue.say(Message(connection_id, "x"))
    assert b"Too Many Requests" in dialogue.one(Send).fragments[0]
    assert dialogue.one(Report).detail == "too many messages wait"
    dialogue.say(PeerClosed(connection_id, 1000))
    functions = []
    for number in range(WAITING_MAX + 1):
        dialogue.finish(number + 1)
        functions.append(dialogue.one(Invoke).function)
    assert functions == ["work"] * WAITING_MAX + ["disconnect"]


def test_what_is_shuffled_happens_before_the_gateway_goes(talk: "Callable[..., Dialogue]") -> None:
    """A message begins, and a POST that was answered 200 is delivered before the close frame."""
    dialogue, connection_id = opened(talk, "shuffle")
    dialogue.say(Message(connection_id, "x"))
    dialogue.say(ManagementCall(1, "POST", f"/dev/@connections/{connection_id}", b"posted"))
    assert dialogue.one(Answer).status == 200
    dialogue.say(Shutdown())
    assert {invoke.function for invoke in dialogue.all(Invoke)} == {"work", "disconnect"}
    kinds = [type(command) for command in dialogue.commands]
    assert kinds.index(Send) < kinds.index(Close)


@pytest.mark.parametrize("ordering", ["concurrent", "shuffle", "serial"])
def test_a_connect_never_waits(talk: "Callable[..., Dialogue]", ordering: str) -> None:
    """B-294: it is the first of its connection anyway."""
    settings = GatewaySettings(ordering=ordering)  # type: ignore[arg-type] # the test's own word
    dialogue = talk(Route(CONNECT, LambdaProxy("connect")), settings=settings)
    dialogue.connect()


@pytest.mark.parametrize("ordering", ["shuffle", "serial"])
def test_each_message_begins_once_and_serial_ones_alone(
    talk: "Callable[..., Dialogue]", ordering: str
) -> None:
    """Whatever happens in whatever order."""

    @given(st.lists(st.sampled_from(["message", "message", "post", "finish", "tick", "close"])))
    def hold(steps: list[str]) -> None:
        dialogue, connection_id = opened(talk, ordering)
        sent, running, seen = 0, list[int](), list[str]()
        closed = False
        for step in [*steps, *["tick", "finish"] * (2 * len(steps) + 1)]:
            if step == "message" and not closed:
                dialogue.say(Message(connection_id, str(sent)))
                sent += 1
            elif step == "post":
                path = f"/dev/@connections/{connection_id}"
                dialogue.say(ManagementCall(1, "POST", path, b"x"))
            elif step == "finish" and running:
                dialogue.finish(running.pop(), {"statusCode": 200})
            elif step == "close" and not closed:
                closed = True
                dialogue.say(PeerClosed(connection_id, 1000))
            else:
                dialogue.say(Tick(), after=0.02)
            running += [invoke.invocation_id for invoke in dialogue.all(Invoke)]
            seen += [_body(i) for i in dialogue.all(Invoke) if i.function == "work"]
            assert not (closed and dialogue.all(Send))
            assert ordering == "shuffle" or len(running) <= 1
        assert sorted(seen, key=int) == [str(number) for number in range(sent)]
        assert not running

    hold()
