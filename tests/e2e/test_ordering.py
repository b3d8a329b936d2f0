"""`gatepost dev --ordering`: the option reaches the gateway."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningEmulator

TEMPLATE = """
service: ordered
provider: {name: aws, runtime: python3.13, timeout: 10}
functions:
  meet:
    handler: meet.handle
    events: [{websocket: {route: $default, routeResponseSelectionExpression: $default}}]
"""

HANDLER = '''
import pathlib
import time

here = pathlib.Path(__file__).parent


def handle(event, context):
    """Tell whether the other message's invocation ran at the same time."""
    mine, others = event["body"].split()
    (here / mine).touch()
    deadline = time.monotonic() + {patience_s}
    while not (here / others).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    met = (here / others).exists()
    return {"statusCode": 200, "body": f"{mine} {'met' if met else 'did not meet'} {others}"}
'''


@pytest.mark.parametrize(
    ("ordering", "answers"),
    [
        ("concurrent", {"one met two", "two met one"}),
        ("serial", {"one did not meet two", "two met one"}),
    ],
)
async def test_messages_of_a_connection_meet_unless_they_are_serial(
    gatepost_dev: "Callable[..., RunningEmulator]",
    tmp_path: Path,
    ordering: str,
    answers: set[str],
) -> None:
    """B-291, B-293: two invocations at once, or one after the other."""
    (tmp_path / "serverless.yml").write_text(TEMPLATE)
    patience_s = "8" if ordering == "concurrent" else "0.5"
    (tmp_path / "meet.py").write_text(HANDLER.replace("{patience_s}", patience_s))
    template = str(tmp_path / "serverless.yml")
    emulator = gatepost_dev("--template", template, "--ordering", ordering)
    async with connect(emulator.url) as client:
        await client.send("one two")
        await client.send("two one")
        assert {str(await asyncio.wait_for(client.recv(), 20)) for _ in answers} == answers
