"""What holds between inputs and commands, whatever happens in whatever order."""

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from gatepost.gateway.core.commands import Accept, Close, Invoke, Refuse, Send, WakeAt
from gatepost.gateway.core.deployment import Deployment, LambdaProxy, Route, WebSocketApi
from gatepost.gateway.core.gateway import Gateway
from gatepost.gateway.core.inputs import (
    BinaryMessage,
    Failed,
    InvocationFinished,
    Lost,
    ManagementCall,
    Message,
    NotInvocable,
    PeerClosed,
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
        self.told: set[str] = set()
        self.invoked: list[int] = []
        self.wake_at: float | None = None

    def say(self, given: "Input") -> None:
        """Give an input and check each command against all that was said before."""
        if (
            isinstance(given, PeerClosed | Lost | BinaryMessage)
            and given.connection_id in self.open
        ):
            self.end(given.connection_id)
        for command in self.gateway.receive(given, self.now):
            self.check(command)
        # Nothing waits without a wake-up, and nothing ends without its $disconnect.
        assert not self.open or (self.wake_at is not None and self.wake_at > self.now)
        assert self.told >= self.ended

    def check(self, command: "Command") -> None:
        """Check one command, and remember it."""
        match command:
            case Accept() | Refuse():
                self.pending.remove(command.handshake_id)
                if isinstance(command, Accept):
                    assert command.connection_id not in self.open | self.ended
                    self.open.add(command.connection_id)
                    self.known.append(command.connection_id)
            case Invoke():
                self.check_invoke(command)
            case Send():
                assert command.connection_id in self.open
            case Close():
                assert command.connection_id in self.open | self.ended
                assert command.connection_id not in self.told
                self.end(command.connection_id)
            case WakeAt():
                assert command.at > self.now
                self.wake_at = command.at

    def end(self, connection_id: str) -> None:
        """Note that a connection is over."""
        if connection_id in self.open:
            self.open.remove(connection_id)
            self.ended.add(connection_id)

    def check_invoke(self, invoke: Invoke) -> None:
        """Numbers are new; `$disconnect` comes once, and never for an open connection."""
        assert invoke.invocation_id not in self.invoked
        self.invoked.append(invoke.invocation_id)
        assert invoke.connection_id not in self.told
        if invoke.route_key == "$disconnect":
            assert invoke.connection_id not in self.open
            self.told.add(invoke.connection_id)
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
        assert self.known[-1] in self.open

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

    @rule(back=BACK, method=METHODS)
    def call(self, back: int, method: str) -> None:
        """A function calls `@connections`."""
        path = f"/dev/@connections/{self.known[-back:][0]}"
        self.say(ManagementCall(1, method, path, b"x"))

    @rule(back=BACK, kind=st.sampled_from([PeerClosed, Lost, BinaryMessage]))
    def end_from_outside(self, back: int, kind: type[PeerClosed | Lost | BinaryMessage]) -> None:
        """A client closes, vanishes or misbehaves."""
        self.say(kind(self.known[-back:][0]))

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
        self.say(ManagementCall(1, "GET", "/dev"))


GatewayModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestState = GatewayModel.TestCase
