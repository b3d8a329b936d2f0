"""Whole projects under the fixture `gatepost`, their tables in the stand-in."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gatepost.emulator.testing.gateway import StartGateway

ROOT = Path(__file__).parent.parent.parent
FOREIGN = ROOT / "tests/fixtures/projects/foreign/serverless.yml"


@pytest.mark.parametrize("workers", [0, 1], ids=["in process", "workers"])
def test_a_plain_boto3_project_broadcasts(gatepost: "StartGateway", workers: int) -> None:
    """It posts to `https://{domainName}/{stage}` and scans a table."""
    gateway = gatepost(template=FOREIGN, tables=True, workers=workers)
    one, two = gateway.connect(), gateway.connect()
    two.send({"action": "sendmessage", "message": "to everyone"})
    assert (one.receive(20), two.receive(20)) == ("to everyone", "to everyone")
    assert gateway.sent[one.connection_id] == ["to everyone"]


@pytest.mark.node
def test_a_node_project_runs_in_workers_without_being_asked(gatepost: "StartGateway") -> None:
    """No Node function can run in the test's own process."""
    gateway = gatepost(template=ROOT / "tests/fixtures/projects/node/serverless.yml")
    client = gateway.connect()
    client.send({"action": "whoami"})
    assert client.receive(20) == client.connection_id


def test_this_template_publishes_to_a_channel(gatepost: "StartGateway") -> None:
    """`functions/` as a project that was made from it would test them."""
    gateway = gatepost(
        template=ROOT / "serverless.yml", tables=True, environment={"AUTH": "anonymous"}
    )
    ann, ben = gateway.connect(), gateway.connect()
    ann.send({"action": "subscribe", "id": 1, "channel": "chat:plugin"})
    assert ann.receive_json(20)["ok"] is True
    ben.send({"action": "publish", "channel": "chat:plugin", "data": "hello"})
    assert ann.receive_json(20)["data"] == "hello"
