"""Recording, and reading back; what a replay does with it is tested in test_replay.py."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatepost.gateway.core.commands import Command
from gatepost.gateway.core.connection import Connection
from gatepost.gateway.core.deployment import (
    ApiKey,
    Authorizer,
    Deployment,
    DomainMapping,
    Function,
    HttpApi,
    HttpAuthorizer,
    HttpProxy,
    HttpRoute,
    LambdaProxy,
    Mock,
    Route,
    Table,
    Throttle,
    WebSocketApi,
)
from gatepost.gateway.core.faults import Faults
from gatepost.gateway.core.inputs import (
    Failed,
    Inject,
    Input,
    InvocationFinished,
    ManagementCall,
    Message,
    Returned,
    Tick,
    Upgrade,
)
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.server.trace import (
    Header,
    RecordedCore,
    Recorder,
    TraceError,
    decode,
    encode,
    read_header,
)

if TYPE_CHECKING:
    from tests.conftest import Eventually

DEPLOYMENT = Deployment(
    service="s",
    stage="dev",
    region="eu-west-1",
    account_id="123456789012",
    root=Path("/project"),
    apis=(
        WebSocketApi(
            "a1b2c3d4e5",
            "chat",
            "dev",
            {
                "$connect": Route(
                    "$connect",
                    LambdaProxy("connect"),
                    authorization=Authorizer(
                        "guard", "guard", ("route.request.querystring.token",)
                    ),
                    throttle=Throttle(10.5, 5),
                ),
                "mock": Route("mock", Mock(response_templates={"200": "{}"}), two_way=True),
                "proxy": Route("proxy", HttpProxy("POST", "http://localhost:1"), models={"a": {}}),
                "none": Route("none"),
            },
            api_keys=(ApiKey("partner", "the-key-of-a-partner"),),
        ),
        WebSocketApi(
            "f6g7h8i9j0",
            "signed",
            "signed",
            {"$connect": Route("$connect", LambdaProxy("connect"), authorization="AWS_IAM")},
        ),
    ),
    functions={"connect": Function("connect", "a.b", "python3.13", Path("/project"), {"K": "v"})},
    tables=(Table("t", {"TableName": "t"}),),
    http_apis=(
        HttpApi(
            "h",
            "h",
            "$default",
            "http",
            (HttpRoute("GET", "/", "connect", "2.0", authorizer=HttpAuthorizer("g", "guard")),),
        ),
    ),
    domains=(DomainMapping("ws.example.com", "a1b2c3d4e5", "dev"),),
)


def lines_of(path: Path) -> list[Any]:
    """The lines of a trace, as JSON."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize(
    "value",
    [
        DEPLOYMENT,
        GatewaySettings(lifetime_s=1.5),
        Header(gatepost="1", seed=2**64 - 1, settings=GatewaySettings(), deployment=DEPLOYMENT),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_core_is_made_of_comes_back_as_it_was(value: object) -> None:
    """Paths, unions and defaults survive JSON."""
    assert decode(json.loads(json.dumps(encode(value))), type(value)) == value


@pytest.mark.parametrize(
    "given",
    [
        Upgrade(1, "/dev", "a=b", (("Host", "h"), ("Host", "i")), "h", "192.0.2.1"),
        ManagementCall(2, "POST", "/p", b"\xff\x00 \xe2\x82\xac", headers=((b"A", b"\x80"),)),
        InvocationFinished(3, Returned(b'{"statusCode":200}')),
        InvocationFinished(4, Failed("E", "m")),
        Message("c", "\u20ac \x00"),
        Inject(Faults(gone=("*",))),
        Tick(),
    ],
)
def test_inputs_come_back_as_they_were(given: Input) -> None:
    """Bytes too, whether they are UTF-8 or not."""
    again: Input = decode(json.loads(json.dumps(encode(given))), Input)  # type: ignore[arg-type]
    assert again == given


def test_bytes_are_shown_as_text() -> None:
    """A developer reads events and payloads."""
    assert encode(Returned(b'{"a":1}')) == {"type": "Returned", "payload": {"$": '{"a":1}'}}


def test_the_header_leaves_out_what_the_core_never_reads(tmp_path: Path) -> None:
    """Environment variables, folders and API keys are nobody's business."""
    recorder = Recorder(tmp_path / "trace", seed=1)
    recorder.core(DEPLOYMENT, GatewaySettings())
    recorder.close()
    text = (tmp_path / "trace").read_text(encoding="utf-8")
    assert "the-key-of-a-partner" not in text
    assert "/project" not in text
    header = read_header(text.encode())
    assert header.deployment.functions["connect"].environment == {}
    assert header.deployment.apis[0].routes == DEPLOYMENT.apis[0].routes


class Broken:
    """A core with a bug."""

    def receive(self, given: Input, now: float) -> list[Command]:
        """Fail on whatever comes."""
        raise ZeroDivisionError

    def connections(self) -> list[Connection]:
        """It has none."""
        return []


def test_each_input_is_a_line_with_its_commands(tmp_path: Path) -> None:
    """In the order in which they came, with their times."""
    recorder = Recorder(tmp_path / "trace", seed=1)
    core = recorder.core(DEPLOYMENT, GatewaySettings())
    core.receive(Upgrade(1, "/nowhere", "", (), "h", "192.0.2.1"), 1000.0)
    core.receive(Tick(), 1000.5)
    recorder.close()
    _, upgrade, tick = lines_of(tmp_path / "trace")
    assert upgrade["now"] == 1000.0
    assert upgrade["input"]["type"] == "Upgrade"
    assert [command["type"] for command in upgrade["commands"]] == ["Refuse", "Report"]
    assert tick == {"now": 1000.5, "input": {"type": "Tick"}, "commands": []}


def test_a_bug_of_the_core_is_recorded_and_goes_on_its_way(tmp_path: Path) -> None:
    """The trace of a crash shows the crash."""
    recorder = Recorder(tmp_path / "trace", seed=1)
    core = RecordedCore(Broken(), recorder)
    with pytest.raises(ZeroDivisionError):
        core.receive(Tick(), 1.0)
    recorder.close()
    (line,) = lines_of(tmp_path / "trace")
    assert line == {"now": 1.0, "input": {"type": "Tick"}, "error": "ZeroDivisionError"}


async def test_a_line_is_on_disk_soon_although_nothing_follows(
    tmp_path: Path, eventually: "Eventually"
) -> None:
    """What `kill -9` may lose is bounded in time."""
    recorder = Recorder(tmp_path / "trace", seed=1, later=asyncio.get_running_loop().call_later)
    recorder.core(DEPLOYMENT, GatewaySettings()).receive(Tick(), 1.0)
    assert len(lines_of(tmp_path / "trace")) == 1
    await eventually(lambda: len(lines_of(tmp_path / "trace")) == 2)
    recorder.close()


def test_a_full_disk_ends_the_trace_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """One warning; the core goes on."""
    recorder = Recorder(Path("/dev/full"), seed=1)
    core = recorder.core(DEPLOYMENT, GatewaySettings())
    assert core.receive(Upgrade(1, "/nowhere", "", (), "h", "192.0.2.1"), 1.0)
    recorder.close()
    recorder.close()
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "The trace ends here, it can't be written"
    ]


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"format":2}', b'{"format":1}', b"\xff"])
def test_what_is_no_header_is_refused(line: bytes) -> None:
    """Any other file, a trace of another format."""
    with pytest.raises(TraceError):
        read_header(line)
