"""Replaying: whatever was recorded comes out again, and what comes out otherwise is shown."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.emulator.cli import main
from gatepost.emulator.errors import UserError
from gatepost.emulator.replay import replay
from gatepost.gateway.core.commands import Accept, CallHttp, Invoke
from gatepost.gateway.core.deployment import (
    ApiKey,
    Authorizer,
    Deployment,
    HttpProxy,
    LambdaProxy,
    Mock,
    Route,
    WebSocketApi,
)
from gatepost.gateway.core.faults import Faults
from gatepost.gateway.core.inputs import (
    BinaryMessage,
    DropLinks,
    Failed,
    HttpAnswered,
    Inject,
    Input,
    InvocationFinished,
    Lost,
    ManagementCall,
    Message,
    NotInvocable,
    PeerClosed,
    Returned,
    Shutdown,
    Tick,
    Upgrade,
    UpgradeAbandoned,
)
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.trace import Recorder

SECRET = "hunter2-hunter2"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

DEPLOYMENT = Deployment(
    service="s",
    stage="dev",
    region="us-east-1",
    account_id="123456789012",
    root=Path(),
    apis=(
        WebSocketApi(
            "a1b2c3d4e5",
            "chat",
            "dev",
            {
                key: Route(key, LambdaProxy(key), two_way=key == "echo")
                for key in ("$connect", "$disconnect", "$default", "echo")
            }
            | {
                "mock": Route("mock", Mock(), two_way=True),
                "http": Route("http", HttpProxy("POST", "http://127.0.0.1:1/"), two_way=True),
            },
        ),
        WebSocketApi(
            "f6g7h8i9j0",
            "guarded",
            "guarded",
            {
                "$connect": Route(
                    "$connect",
                    LambdaProxy("$connect"),
                    authorization=Authorizer("a", "a", ("route.request.querystring.token",)),
                    api_key_required=True,
                ),
            },
            api_keys=(ApiKey("partner", SECRET),),
        ),
        WebSocketApi(
            "k1l2m3n4o5",
            "signed",
            "signed",
            {"$connect": Route("$connect", LambdaProxy("$connect"), authorization="AWS_IAM")},
        ),
    ),
    functions={},
)


class Recording:
    """A dialogue with a recorded core, led by drawn numbers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._recorder = Recorder(path, seed=7)
        self._core = self._recorder.core(DEPLOYMENT, GatewaySettings(idle_timeout_s=60))
        self._now = 1_772_701_623.25
        self._connections = ["unknown"]
        self._invocations = [0]

    def say(self, given: Input, after: float = 0.0) -> None:
        """Give the core an input, `after` seconds from the last."""
        self._now += after
        for command in self._core.receive(given, self._now):
            if isinstance(command, Accept):
                self._connections.append(command.connection_id)
            elif isinstance(command, Invoke | CallHttp):
                self._invocations.append(command.invocation_id)

    def connection(self, drawn: int) -> str:
        """One of the connections so far."""
        return self._connections[-1 - drawn % len(self._connections)]

    def invocation(self, drawn: int) -> int:
        """One of the invocations so far."""
        return self._invocations[-1 - drawn % len(self._invocations)]

    def close(self) -> Path:
        """End the recording."""
        self._recorder.close()
        return self.path


RESULTS = (
    Returned(b'{"statusCode": 200}'),
    Returned(b'{"statusCode": 200, "body": "\\ud800 \xe2\x82\xac", "x": 1e400}'),
    Returned(b'{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"%s"}}' % JWT.encode()),
    Returned(b"null"),
    Returned(
        b'{"principalId":"p","usageIdentifierKey":"%s","policyDocument":{"Version":"2012-10-17",'
        b'"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}' % SECRET.encode()
    ),
    Returned(b"\xff"),
    HttpAnswered(200, (("A", "b"),), b"\xff body"),
    Failed("E", "m"),
    NotInvocable("n"),
)
TEXTS = (*(f'{{"action":"{key}"}}' for key in ("echo", "mock", "http")), "text \u20ac")
FAULTS = (
    Faults(),
    Faults(throttle_rate=0.5, connect_delay_s=1.0),
    Faults(disconnect="twice", slow_reader=("*",)),
    Faults(disconnect="late", hang=("*",), hang_s=31.0),
    Faults(gone=("*",), kill_rate=0.5, cold_start=True),
)
HEADERS = st.lists(
    st.sampled_from(
        [
            ("Authorization", SECRET),
            ("Authorization", f"AWS4-HMAC-SHA256 Credential=A/1/r/s/t, Signature={SECRET[:7]}"),
            ("x-api-key", SECRET),
            ("cookie", f"{SECRET}; {JWT}"),
            ("Cookie", ""),
            ("Sec-WebSocket-Protocol", f"a, {JWT}"),
            ("X-A", JWT),
            ("X-A", "plain"),
        ]
    ),
    max_size=3,
)
QUERY = st.lists(
    st.sampled_from(
        [f"token={SECRET}", f"x={JWT}", "token=%ff+%26", "a=b", "token", "", "key=%E2%82%AC"]
    ),
    max_size=3,
)
STEP = st.tuples(
    st.integers(0, 12), st.integers(0, 20), st.sampled_from([0.0, 0.25, 31.0]), HEADERS, QUERY
)
Step = tuple[int, int, float, list[tuple[str, str]], list[str]]


def input_for(recording: Recording, number: int, step: Step) -> Input:  # noqa: PLR0911 - a table
    """Make the input that a step means."""
    kind, drawn, _, headers, query = step
    connection = recording.connection(drawn)
    match kind:
        case 0 | 1:
            every = (("Host", "h"), *headers)
            path = ("/dev", "/guarded", "/signed")[drawn % 3]
            return Upgrade(number, path, "&".join(query), every, "h", "192.0.2.1")
        case 2 | 3 | 4:
            return InvocationFinished(recording.invocation(drawn), RESULTS[drawn % len(RESULTS)])
        case 5 | 6:
            return Message(connection, TEXTS[drawn % len(TEXTS)])
        case 7:
            path = f"/dev/@connections/{connection}"
            raw = tuple((name.encode(), value.encode()) for name, value in headers)
            return ManagementCall(
                number,
                ("POST", "GET", "DELETE")[drawn % 3],
                path,
                b"\xff" * (drawn % 2),
                "",
                "h",
                raw,
            )
        case 8:
            return PeerClosed(connection, 1000, "bye")
        case 9:
            return (Lost(connection), BinaryMessage(connection))[drawn % 2]
        case 10:
            return (UpgradeAbandoned(number - 1), Shutdown())[drawn == 0]
        case 11:
            return Inject(FAULTS[drawn % len(FAULTS)]) if drawn else DropLinks()
        case _:
            return Tick()


@given(st.lists(STEP, min_size=1, max_size=40))
def test_a_recorded_dialogue_replays_without_difference(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    """Whatever was said; and no secret is in the file."""
    recording = Recording(tmp_path_factory.mktemp("trace") / "trace.jsonl")
    for number, step in enumerate(steps, 1):
        recording.say(input_for(recording, number, step), step[2])
    path = recording.close()
    out = io.StringIO()
    assert replay(path, out) == 0, out.getvalue()
    assert out.getvalue() == f"{len(steps)} inputs replayed, no difference.\n"
    text = path.read_text(encoding="ascii")
    assert SECRET not in text
    assert JWT not in text


POLICY = next(each for each in RESULTS if isinstance(each, Returned) and b"Allow" in each.payload)


def test_what_is_decided_by_secrets_is_decided_alike_without_them(tmp_path: Path) -> None:
    """An identity source, an API key: neither is in the file, both count in the replay."""
    recording = Recording(tmp_path / "trace.jsonl")
    headers = (("Host", "h"), ("x-api-key", SECRET))
    recording.say(Upgrade(1, "/guarded", f"token={JWT}", headers, "h", "192.0.2.1"))
    recording.say(InvocationFinished(recording.invocation(0), POLICY))
    recording.say(InvocationFinished(recording.invocation(0), RESULTS[0]))
    path = recording.close()
    last = json.loads(path.read_text().splitlines()[-1])
    assert last["commands"][0]["type"] == "Accept"
    assert replay(path, io.StringIO()) == 0


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A connection that is opened, in three lines."""
    recording = Recording(tmp_path / "trace.jsonl")
    recording.say(Upgrade(1, "/dev", "", (("Host", "h"),), "h", "192.0.2.1"))
    recording.say(InvocationFinished(1, Returned(b'{"statusCode": 200}')), 0.5)
    return recording.close()


def changed(path: Path, number: int, change: Any) -> None:  # noqa: ANN401 - a callable on JSON
    """Change a line (from 1) of a trace."""
    lines = path.read_text().splitlines()
    line = json.loads(lines[number - 1])
    change(line)
    lines[number - 1] = json.dumps(line)
    path.write_text("\n".join(lines) + "\n")


def test_the_first_difference_is_shown(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File and line, input, the command then and now; exit code 1."""
    changed(trace, 3, lambda line: line["commands"][0].update(subprotocol="other"))
    assert main(["replay", str(trace)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{trace}:3: command 1 differs."
    assert '"type": "InvocationFinished"' in told[1]
    assert told[2].startswith("  expected  ")
    assert '"subprotocol": "other"' in told[2]
    assert '"subprotocol": null' in told[3]


def test_a_missing_command_is_a_difference(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """More or fewer commands than were recorded."""
    changed(trace, 2, lambda line: line["commands"].pop())
    assert main(["replay", str(trace)]) == 1
    assert "expected  nothing" in capsys.readouterr().out


def test_a_failure_of_the_core_that_is_mended_is_a_difference(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report of a crash is a test of its repair."""
    changed(trace, 2, lambda line: (line.pop("commands"), line.update(error="KeyError")))
    assert main(["replay", str(trace)]) == 1
    shown = capsys.readouterr().out
    assert "the core failed on one side" in shown
    assert "expected  KeyError" in shown


def test_a_trace_replays_by_the_command(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, and how much was compared."""
    assert main(["replay", str(trace)]) == 0
    assert capsys.readouterr().out == "2 inputs replayed, no difference.\n"


def test_a_line_cut_short_is_left_out(trace: Path) -> None:
    """`kill -9` in the middle of a write harms only that line."""
    trace.write_bytes(trace.read_bytes()[:-9])
    out = io.StringIO()
    assert replay(trace, out) == 0
    assert out.getvalue().splitlines() == [
        "The last line is incomplete and was left out.",
        "1 inputs replayed, no difference.",
    ]


def test_another_version_is_told(trace: Path) -> None:
    """Its trace is replayed all the same: that finds what changed."""
    changed(trace, 1, lambda line: line.update(gatepost="0.0.1"))
    out = io.StringIO()
    assert replay(trace, out) == 0
    assert out.getvalue().startswith("Recorded by gatepost 0.0.1; this is ")


@pytest.mark.parametrize(
    ("number", "line", "why"),
    [
        (1, "{}", "no header"),
        (2, "nonsense", "line 2 is no JSON"),
        (2, "[]", "line 2 has no input"),
        (3, '{"now": 1, "input": {"type": "Nothing"}}', "line 3: "),
        (3, '{"now": "x", "input": {"type": "Tick"}}', "line 3: "),
    ],
)
def test_a_file_that_is_no_trace_is_a_mistake_of_the_user(
    trace: Path, number: int, line: str, why: str
) -> None:
    """One sentence that names the file and the reason; exit code 2."""
    lines = trace.read_text().splitlines()
    lines[number - 1] = line
    trace.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=why) as refused:
        replay(trace, io.StringIO())
    assert str(trace) in str(refused.value)


def test_a_missing_file_ends_with_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without traceback."""
    assert main(["replay", str(tmp_path / "none")]) == 2
    assert "can't be read: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("verified", [True, False])
def test_a_difference_where_signatures_were_verified_is_told_to_mean_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, verified: bool
) -> None:
    """The secret keys are not in the trace."""
    path = tmp_path / "trace.jsonl"
    recorder = Recorder(path, seed=7)
    recorder.core(DEPLOYMENT, GatewaySettings(verify_signatures=verified)).receive(Tick(), 1.0)
    recorder.close()
    changed(path, 2, lambda line: line["commands"].append({"type": "Drop", "connection_id": "x"}))
    assert main(["replay", str(path)]) == 1
    assert ("Signatures were verified" in capsys.readouterr().out) is verified
