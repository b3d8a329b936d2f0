"""Faults on demand: what each does to calls, links and invocations."""

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.commands import Accept, Answer, Drop, Invoke, Refuse, Report, Send, Stall
from gatepost.gateway.core.deployment import Authorizer, LambdaProxy, Route
from gatepost.gateway.core.faults import NO_FAULTS, Faults
from gatepost.gateway.core.inputs import (
    Backlog,
    DropLinks,
    Inject,
    Lost,
    ManagementCall,
    Message,
    PeerClosed,
    Shutdown,
    Tick,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gatepost.gateway.core.conftest import Dialogue


def call(dialogue: "Dialogue", connection_id: str, method: str = "POST") -> list[Answer]:
    """Call `@connections`; return the answers that there are so far."""
    dialogue.say(ManagementCall(7, method, f"/dev/@connections/{connection_id}", b"hi"))
    return dialogue.all(Answer)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_gone_answers_410_for_those_it_names(dialogue: "Dialogue", method: str) -> None:
    """B-214; the client is there and stays, and others are not concerned."""
    one, other = dialogue.connect(), dialogue.connect()
    dialogue.say(Inject(Faults(gone=(one,))))
    assert call(dialogue, one, method) == [
        Answer(7, 410, (("x-amzn-ErrorType", "GoneException"),), b"")
    ]
    assert call(dialogue, other, method)[0].status in {200, 204}
    dialogue.say(Inject(NO_FAULTS))
    assert call(dialogue, one, method)[0].status in {200, 204}


def test_a_star_names_every_connection(dialogue: "Dialogue") -> None:
    """Those that come later too; an id that means nothing is answered as ever (B-216)."""
    dialogue.say(Inject(Faults(gone=("*",))))
    assert call(dialogue, dialogue.connect())[0].status == 410
    assert call(dialogue, "nonsense")[0].status == 400


def test_a_post_that_hangs_is_answered_gone_and_not_delivered(dialogue: "Dialogue") -> None:
    """B-222: after `hang_s`; a GET is answered at once."""
    connection_id = dialogue.connect()
    dialogue.say(Inject(Faults(hang=("*",), hang_s=20.0)))
    assert call(dialogue, connection_id) == []
    assert call(dialogue, connection_id, "GET")[0].status == 200
    dialogue.say(Tick(), after=19.9)
    assert not dialogue.all(Answer)
    dialogue.say(Tick(), after=0.1)
    assert dialogue.one(Answer).status == 410
    assert dialogue.one(Report).duration_ms == pytest.approx(20_000)
    assert not dialogue.all(Send)


def test_a_share_of_calls_is_throttled(dialogue: "Dialogue") -> None:
    """B-314: by the gateway's own seed, so that a run can be repeated."""
    connection_id = dialogue.connect()
    dialogue.say(Inject(Faults(throttle_rate=0.25)))
    statuses = Counter(call(dialogue, connection_id)[0].status for _ in range(400))
    assert set(statuses) == {200, 429}
    assert 60 < statuses[429] < 140
    dialogue.say(Inject(Faults(throttle_rate=1.0)))
    (answer,) = call(dialogue, connection_id, "GET")
    assert answer == Answer(7, 429, (("x-amzn-ErrorType", "LimitExceededException"),), b"")


def test_a_slow_reader_stalls_and_recovers(dialogue: "Dialogue") -> None:
    """Links that are there are told at once, a new one as it opens; each once."""
    one, other = dialogue.connect(), dialogue.connect()
    dialogue.say(Inject(Faults(slow_reader=(one,))))
    assert dialogue.commands == [Stall(one, stalled=True)]
    dialogue.say(Inject(Faults(slow_reader=("*",))))
    assert dialogue.commands == [Stall(other, stalled=True)]
    third = dialogue.connect()
    assert dialogue.commands[:2] == [Accept(3, third), Stall(third, stalled=True)]
    dialogue.say(Inject(NO_FAULTS))
    assert dialogue.commands == [Stall(id_, stalled=False) for id_ in (one, other, third)]


def test_a_full_backlog_refuses_posts_and_delivers_nothing(dialogue: "Dialogue") -> None:
    """B-203: 429 until the client has caught up; GET is not concerned."""
    connection_id = dialogue.connect()
    dialogue.say(Backlog(connection_id, full=True))
    assert call(dialogue, connection_id)[0].status == 429
    assert not dialogue.all(Send)
    assert call(dialogue, connection_id, "GET")[0].status == 200
    dialogue.say(Backlog(connection_id, full=False))
    assert call(dialogue, connection_id)[0].status == 200
    assert dialogue.one(Send).fragments == (b"hi",)


def test_a_refused_post_does_not_count_as_activity(dialogue: "Dialogue") -> None:
    """B-272: what is not delivered keeps nobody connected."""
    connection_id = dialogue.connect()
    dialogue.say(Backlog(connection_id, full=True))
    dialogue.now += 599
    call(dialogue, connection_id)
    dialogue.say(Tick(), after=2)
    assert dialogue.event()["requestContext"]["disconnectStatusCode"] == 1001


def test_connect_takes_longer(dialogue: "Dialogue") -> None:
    """Its outcome counts later; until then the client waits."""
    dialogue.say(Inject(Faults(connect_delay_s=3.0)))
    dialogue.upgrade()
    dialogue.finish(dialogue.one(Invoke).invocation_id, {"statusCode": 200})
    assert not dialogue.all(Accept)
    dialogue.say(Tick(), after=3.0)
    assert dialogue.one(Accept).handshake_id == 1


def test_connect_that_takes_too_long_is_a_504(dialogue: "Dialogue") -> None:
    """B-046: and what the function said comes too late."""
    dialogue.say(Inject(Faults(connect_delay_s=60.0)))
    dialogue.upgrade()
    dialogue.finish(dialogue.one(Invoke).invocation_id, {"statusCode": 200})
    dialogue.say(Tick(), after=29.0)
    assert dialogue.one(Refuse).status == 504
    dialogue.say(Tick(), after=60.0)
    assert dialogue.commands == []


def test_a_slow_connect_is_not_a_slow_authorizer(talk: "Callable[..., Dialogue]") -> None:
    """The authorizer's outcome counts at once; 504 is said of `$connect` (B-046)."""
    authorizer = Authorizer("auth", "authorize")
    dialogue = talk(Route("$connect", LambdaProxy("connect"), authorization=authorizer))
    dialogue.say(Inject(Faults(connect_delay_s=60.0)))
    dialogue.upgrade()
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    grant = {"principalId": "u", "policyDocument": {"Statement": statement}}
    dialogue.finish(dialogue.one(Invoke).invocation_id, grant)
    assert dialogue.one(Invoke).function == "connect"
    dialogue.finish(dialogue.one(Invoke).invocation_id, {"statusCode": 200})
    dialogue.say(Tick(), after=29.0)
    assert dialogue.one(Refuse).status == 504


def test_a_lost_disconnect_never_comes(dialogue: "Dialogue") -> None:
    """B-300: the live log says why."""
    connection_id = dialogue.connect()
    dialogue.say(Inject(Faults(disconnect="lost")))
    dialogue.say(PeerClosed(connection_id, 1000))
    assert not dialogue.all(Invoke)
    assert "lost" in dialogue.one(Report).detail


def test_a_late_disconnect_comes_after_its_time(dialogue: "Dialogue") -> None:
    """B-300: the connection is gone meanwhile."""
    connection_id = dialogue.connect()
    dialogue.say(Inject(Faults(disconnect="late", late_s=7.0)))
    dialogue.say(PeerClosed(connection_id, 1000))
    assert not dialogue.all(Invoke)
    assert call(dialogue, connection_id)[0].status == 410
    dialogue.say(Tick(), after=7.0)
    assert dialogue.event()["requestContext"]["connectionId"] == connection_id


def test_a_late_disconnect_does_not_outlast_the_gateway(dialogue: "Dialogue") -> None:
    """What ends with the gateway is told at once."""
    dialogue.connect()
    dialogue.say(Inject(Faults(disconnect="late")))
    dialogue.say(Shutdown())
    assert dialogue.one(Invoke).route_key == "$disconnect"


def test_what_faults_hold_back_happens_when_the_gateway_goes(dialogue: "Dialogue") -> None:
    """A late `$disconnect` runs, a POST that hangs is answered: nothing comes after the end."""
    one, other = dialogue.connect(), dialogue.connect()
    dialogue.say(Inject(Faults(disconnect="late", late_s=60.0, hang=(other,))))
    dialogue.say(PeerClosed(one, 1000))
    assert call(dialogue, other) == []
    dialogue.say(Shutdown())
    assert dialogue.one(Answer).status == 410
    assert [invoke.connection_id for invoke in dialogue.all(Invoke)] == [one, other]
    dialogue.say(Tick(), after=60.0)
    assert not dialogue.all(Invoke)


@pytest.mark.parametrize("first", ["connect", "shutdown"])
def test_a_connect_that_is_held_back_gets_its_disconnect(dialogue: "Dialogue", first: str) -> None:
    """Whether the function accepts before the gateway goes or after: it has recorded a client."""
    dialogue.say(Inject(Faults(connect_delay_s=60.0)))
    dialogue.upgrade()
    connect = dialogue.one(Invoke).invocation_id
    if first == "connect":
        dialogue.finish(connect, {"statusCode": 200})
        dialogue.say(Shutdown())
    else:
        dialogue.say(Shutdown())
        dialogue.finish(connect, {"statusCode": 200})
    assert dialogue.one(Invoke).route_key == "$disconnect"


def test_a_doubled_disconnect_says_the_same_twice(dialogue: "Dialogue") -> None:
    """B-304: under two request ids, as two invocations have."""
    connection_id = dialogue.connect()
    dialogue.say(Inject(Faults(disconnect="twice")))
    dialogue.say(PeerClosed(connection_id, 1000))
    first, second = dialogue.all(Invoke)
    assert first.route_key == second.route_key == "$disconnect"
    assert first.connection_id == second.connection_id == connection_id
    assert first.invocation_id != second.invocation_id
    assert first.event != second.event


def test_workers_are_killed_at_a_rate_and_started_cold(dialogue: "Dialogue") -> None:
    """The invocation says so; without faults it says nothing."""
    connection_id = dialogue.connect()
    message = Message(connection_id, "x")
    dialogue.say(message)
    assert (dialogue.one(Invoke).kill, dialogue.one(Invoke).cold) == (False, False)
    dialogue.say(Inject(Faults(kill_rate=0.5, cold_start=True)))
    marks = Counter[bool]()
    for _ in range(100):
        dialogue.say(message)
        assert dialogue.one(Invoke).cold
        marks[dialogue.one(Invoke).kill] += 1
    assert min(marks[True], marks[False]) > 20


def test_dropped_links_are_cut_and_end_when_they_say_so(dialogue: "Dialogue") -> None:
    """Those named, or all; one that is not there is ignored."""
    one, other = dialogue.connect(), dialogue.connect()
    dialogue.say(DropLinks((other, "nobody")))
    assert dialogue.commands == [Drop(other)]
    dialogue.say(DropLinks())
    assert dialogue.commands == [Drop(one), Drop(other)]
    dialogue.say(Lost(one))
    assert dialogue.one(Invoke).route_key == "$disconnect"


def test_the_same_faults_and_seed_give_the_same_commands(talk: "Callable[..., Dialogue]") -> None:
    """So that a recorded trace with faults can be replayed."""

    def run() -> list[int]:
        dialogue = talk()
        connection_id = dialogue.connect()
        dialogue.say(Inject(Faults(throttle_rate=0.5)))
        return [call(dialogue, connection_id)[0].status for _ in range(50)]

    assert run() == run()
