"""What holds between inputs and commands, whatever happens in whatever order.

`GATEPOST_STEPS=100000 pytest tests/gatepost/gateway/core/test_state.py` takes so many steps.
"""

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from gatepost.gateway.core.commands import (
    Accept,
    Answer,
    Close,
    Drop,
    Invoke,
    Refuse,
    Send,
    Stall,
    WakeAt,
)
from gatepost.gateway.core.deployment import Deployment, LambdaProxy, Route, WebSocketApi
from gatepost.gateway.core.faults import NO_FAULTS, Faults, names
from gatepost.gateway.core.gateway import Gateway
from gatepost.gateway.core.inputs import (
    Backlog,
    BinaryMessage,
    DropLinks,
    Failed,
    Inject,
    InvocationFinished,
    Lost,
    ManagementCall,
    Message,
    NotInvocable,
    PeerClosed,
    ProtocolFailed,
    Returned,
    Tick,
    Upgrade,
    UpgradeAbandoned,
)

if TYPE_CHECKING:
    from gatepost.gateway.core.commands import Command
    from gatepost.gateway.core.inputs import Input

OUTCOMES = st.sampled_from(
    [
        *[Returned(b'{"statusCode":200,"body":"x"}')] * 4,
        Returned(b'{"statusCode":403}'),
        Returned(b"null"),
        Returned(b"nonsense"),
        Failed("Error", "message"),
        NotInvocable("message"),
    ]
)
PAUSES = st.sampled_from([0.0, 0.001, 1.0, 4.999, 29.0, 300.0, 600.0, 7200.0])
TEXTS = st.sampled_from(['{"action":"echo"}', '{"action":"notify"}', '{"action":"$connect"}', "hi"])
BACK = st.integers(1, 3)
STEPS = int(os.environ.get("GATEPOST_STEPS", "2000"))
STEPS_AT_ONCE = 50
BODIES = st.sampled_from([b"x", b"x", b"x" * 131_072, b"x" * 131_073, b"\xff"])
FAULTS = st.one_of(
    st.just(NO_FAULTS),
    st.builds(
        Faults,
        gone=st.sampled_from([(), ("*",)]),
        hang=st.sampled_from([(), ("*",)]),
        hang_s=st.sampled_from([0.5, 700.0]),
        slow_reader=st.sampled_from([(), ("*",)]),
        throttle_rate=st.sampled_from([0.0, 0.5]),
        connect_delay_s=st.sampled_from([0.0, 1.0, 60.0]),
        disconnect=st.sampled_from(["once", "lost", "late", "twice"]),
        kill_rate=st.sampled_from([0.0, 0.5]),
        cold_start=st.booleans(),
    ),
)
METHODS = st.sampled_from(["POST", "GET", "DELETE", "PUT"])


class GatewayModel(RuleBasedStateMachine):
    """Inputs in any order, stale ones too; the commands must always make sense together."""

    def __init__(self) -> None:
        super().__init__()
        routes = {
            "$connect": Route("$connect", LambdaProxy("connect")),
            "$disconnect": Route("$disconnect", LambdaProxy("disconnect")),
            "notify": Route("notify", LambdaProxy("notify"), integration_timeout_s=5.0),
            "echo": Route("echo", LambdaProxy("echo"), two_way=True),
        }
        api = WebSocketApi("a1b2c3d4e5", "chat", "dev", routes)
        self.gateway = Gateway(
            Deployment("demo", "dev", "us-east-1", "000000000000", Path(), (api,), {}), seed=1
        )
        self.now = 1_772_701_623.0
        self.numbers = 0
        self.pending: set[int] = set()
        self.open: set[str] = set()
        self.known = ["L0SM9cOFvHcCIhw="]
        self.ended: set[str] = set()
        self.told: Counter[str] = Counter()
        self.owed: dict[str, tuple[int, float]] = {}  # how often, by when
        self.unanswered: set[int] = set()
        self.calls = 0
        self.stalled: set[str] = set()
        self.full: set[str] = set()
        self.faults = NO_FAULTS
        self.invoked: list[int] = []
        self.wake_at: float | None = None

    def say(self, given: "Input") -> None:
        """Give an input and check each command against all that was said before."""
        if isinstance(given, PeerClosed | Lost | BinaryMessage):
            self.end(given.connection_id)
        commands = self.gateway.receive(given, self.now)
        for command in commands:
            self.check(command)
        if isinstance(given, ManagementCall):
            self.check_delivery(given, commands)
        # Nothing waits without a wake-up, and nothing ends without its $disconnect.
        waits = self.open or self.unanswered
        assert not waits or (self.wake_at is not None and self.wake_at > self.now)
        for connection_id, (times, due) in self.owed.items():
            assert self.told[connection_id] == (times if due <= self.now else 0)

    def check(self, command: "Command") -> None:
        """Check one command, and remember it."""
        match command:
            case Accept() | Refuse():
                self.pending.remove(command.handshake_id)
                if isinstance(command, Accept):
                    assert command.connection_id not in self.known
                    self.open.add(command.connection_id)
                    self.known.append(command.connection_id)
            case Invoke():
                self.check_invoke(command)
            case Send():
                assert command.connection_id in self.open
                assert all(len(fragment) <= 32_768 for fragment in command.fragments)
                assert sum(map(len, command.fragments)) <= 131_072
            case Close():
                assert command.connection_id in self.open | self.ended
                assert not self.told[command.connection_id]
                self.end(command.connection_id)
            case Drop():
                assert command.connection_id in self.open
            case Stall():
                assert command.connection_id in self.open
                assert (command.connection_id in self.stalled) is not command.stalled
                self.stalled ^= {command.connection_id}
            case Answer():
                self.unanswered.remove(command.call_id)
            case WakeAt():
                assert command.at > self.now
                self.wake_at = command.at

    def check_delivery(self, call: ManagementCall, commands: "list[Command]") -> None:
        """What was answered 200 is sent, and nothing else; a slow reader gets nothing."""
        statuses = [
            c.status for c in commands if isinstance(c, Answer) and c.call_id == call.call_id
        ]
        sent = [c for c in commands if isinstance(c, Send) and c.fragments[0][:1] == b"x"]
        if call.method == "POST" and statuses == [200]:
            assert [b"".join(one.fragments) for one in sent] == [call.body]
            assert sent[0].connection_id not in self.full
        else:
            assert sent == []

    def end(self, connection_id: str) -> None:
        """Note that a connection is over."""
        if connection_id in self.open:
            self.open.remove(connection_id)
            self.ended.add(connection_id)
            times = {"lost": 0, "twice": 2}.get(self.faults.disconnect, 1)
            late_s = self.faults.late_s if self.faults.disconnect == "late" else 0.0
            self.owed[connection_id] = (times, self.now + late_s)

    def check_invoke(self, invoke: Invoke) -> None:
        """Numbers are new; `$disconnect` never comes for an open connection, nothing after it."""
        assert invoke.invocation_id not in self.invoked
        self.invoked.append(invoke.invocation_id)
        assert not invoke.kill or self.faults.kill_rate
        assert invoke.cold is self.faults.cold_start
        if invoke.route_key == "$disconnect":
            assert invoke.connection_id not in self.open
            self.told[invoke.connection_id] += 1
            assert self.told[invoke.connection_id] <= 2
        elif invoke.route_key != "$connect":
            assert invoke.connection_id in self.open

    @rule(path=st.sampled_from(["/dev", "/dev", "/dev", "/nowhere"]))
    def upgrade(self, path: str) -> None:
        """A client comes."""
        self.numbers += 1
        self.pending.add(self.numbers)
        self.say(Upgrade(self.numbers, path, "", (), "localhost:1", "127.0.0.1"))

    @rule()
    def connect(self) -> None:
        """A client comes and is accepted."""
        self.upgrade("/dev")
        self.say(InvocationFinished(self.invoked[-1], Returned(b'{"statusCode":200}')))
        assert self.faults.connect_delay_s or self.known[-1] in self.open

    @rule(back=BACK)
    def abandon(self, back: int) -> None:
        """A client leaves during its handshake, or seems to when that is over."""
        number = self.numbers - back + 1
        self.pending.discard(number)
        self.say(UpgradeAbandoned(number))

    @rule(outcome=OUTCOMES, back=BACK)
    def finish(self, outcome: Returned | Failed | NotInvocable, back: int) -> None:
        """A late invocation ends, perhaps again, or one that there never was."""
        self.say(InvocationFinished(self.invoked[-back:][0] if self.invoked else 1, outcome))

    @rule(back=BACK, text=TEXTS)
    def message(self, back: int, text: str) -> None:
        """A client speaks."""
        self.say(Message(self.known[-back:][0], text))

    @rule(back=BACK, method=METHODS, body=BODIES)
    def call(self, back: int, method: str, body: bytes) -> None:
        """A function calls `@connections`."""
        self.ask(method, f"/dev/@connections/{self.known[-back:][0]}", body)

    def ask(self, method: str, path: str, body: bytes = b"") -> None:
        """Make a call that waits for its answer."""
        self.calls += 1
        self.unanswered.add(self.calls)
        self.say(ManagementCall(self.calls, method, path, body))

    @rule(back=BACK, kind=st.sampled_from([PeerClosed, Lost, BinaryMessage]))
    def end_from_outside(self, back: int, kind: type[PeerClosed | Lost | BinaryMessage]) -> None:
        """A client closes, vanishes or misbehaves."""
        self.say(kind(self.known[-back:][0]))

    @rule(back=BACK)
    def fail(self, back: int) -> None:
        """A client breaks the protocol."""
        self.say(ProtocolFailed(self.known[-back:][0], 1002))

    @rule(back=BACK, full=st.booleans())
    def back_up(self, back: int, *, full: bool) -> None:
        """A client stops reading, or goes on."""
        connection_id = self.known[-back:][0]
        self.say(Backlog(connection_id, full))
        self.full = self.full | {connection_id} if full else self.full - {connection_id}

    @rule(faults=FAULTS)
    def inject(self, faults: Faults) -> None:
        """The faults change; every link that is there stalls as they say."""
        self.say(Tick())  # what is due by now happens under the faults before
        self.faults = faults
        self.say(Inject(faults))
        assert self.stalled & self.open == {
            one for one in self.open if names(faults.slow_reader, one)
        }

    @rule(back=st.integers(0, 3))
    def drop(self, back: int) -> None:
        """Links are cut: one, or all; each reports its loss."""
        self.say(DropLinks(tuple(self.known[-back:][:1]) if back else ()))

    @rule(pause=PAUSES)
    def tick(self, pause: float) -> None:
        """Time passes."""
        self.now += pause
        self.wake_at = None
        self.say(Tick())

    @rule(pause=PAUSES)
    def pass_unnoticed(self, pause: float) -> None:
        """Time passes, and the next input comes before its Tick."""
        self.now += pause
        self.ask("GET", "/dev")


GatewayModel.TestCase.settings = settings(
    max_examples=STEPS // STEPS_AT_ONCE, stateful_step_count=STEPS_AT_ONCE, deadline=None
)
TestState = GatewayModel.TestCase
