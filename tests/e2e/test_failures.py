"""Handlers that fail: the client is told as on the real gateway, and the next message is served."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import RunningEmulator

ERROR_FRAME = re.compile(
    r'\{"message": "Internal server error", "connectionId":"[^"]{16}", "requestId":"[^"]{16}"\}'
)


@pytest.fixture
def failing(gatepost_dev: "Callable[..., RunningEmulator]") -> "RunningEmulator":
    """The project whose handler fails on demand; its functions may run for one second."""
    return gatepost_dev("--template", "tests/fixtures/projects/failures/serverless.yml")


async def exchange(client: ClientConnection, **request: object) -> str:
    """Send and give the answer as text."""
    await client.send(json.dumps(request))
    answer = await asyncio.wait_for(client.recv(), 10)
    assert isinstance(answer, str)
    return answer


async def served(client: ClientConnection) -> dict[str, Any]:
    """The connection still works."""
    answer: dict[str, Any] = json.loads(await exchange(client, action="echo", data="next"))
    assert answer["echo"] == "next"
    return answer


async def test_a_handler_that_raises_answers_the_error_frame_at_once(
    failing: "RunningEmulator",
) -> None:
    """B-180: the frame comes in milliseconds, the traceback is in the log."""
    async with connect(failing.url) as client:
        await served(client)
        started = time.monotonic()
        assert ERROR_FRAME.fullmatch(await exchange(client, action="raise"))
        assert time.monotonic() - started < 5  # not after the function's timeout
        await served(client)
    await failing.said("ValueError: raised on purpose")


async def test_a_handler_that_returns_none_harms_nothing(failing: "RunningEmulator") -> None:
    """B-193: on a two-way route, nothing is an empty frame."""
    async with connect(failing.url) as client:
        assert await exchange(client, action="none") == ""
        await served(client)


async def test_a_handler_past_its_timeout_is_killed_and_the_next_message_served(
    failing: "RunningEmulator",
) -> None:
    """B-180: the function's own limit (one second here) gives the error frame."""
    async with connect(failing.url) as client:
        assert ERROR_FRAME.fullmatch(await exchange(client, action="sleep"))
        await served(client)


async def test_a_handler_that_ends_its_process_is_replaced(failing: "RunningEmulator") -> None:
    """`os._exit` in a handler is a failed invocation, no more."""
    async with connect(failing.url) as client:
        before = await served(client)
        assert ERROR_FRAME.fullmatch(await exchange(client, action="exit"))
        assert (await served(client))["pid"] != before["pid"]


async def test_a_worker_killed_in_the_middle_of_an_invocation_fails_that_one_only(
    failing: "RunningEmulator",
) -> None:
    """`kill -9` of a worker: the error frame for its message, service for the next."""
    async with connect(failing.url) as client:
        await client.send(json.dumps({"action": "announce-and-sleep"}))
        await failing.said("sleeps")
        announced = re.search(r"pid (\d+) sleeps", failing.output)
        assert announced
        os.kill(int(announced[1]), signal.SIGKILL)
        answer = await asyncio.wait_for(client.recv(), 10)
        assert isinstance(answer, str)
        assert ERROR_FRAME.fullmatch(answer)
        await served(client)


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        ("nowhere.handle", "No module named 'nowhere'"),
        ("handlers.missing", "missing"),
        ("needs.handle", "No module named 'not_installed_anywhere'"),
    ],
)
async def test_a_handler_that_cannot_be_imported_is_named_and_refuses_connections(
    gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path", handler: str, why: str
) -> None:
    """B-043: the client gets 502; the developer learns which string, from where, and why."""
    (tmp_path / "handlers.py").write_text("def handle(event, context): return {}\n")
    (tmp_path / "needs.py").write_text("import not_installed_anywhere\n")
    (tmp_path / "serverless.yml").write_text(
        "service: s\nprovider: {name: aws, runtime: python3.13}\n"
        f"functions: {{any: {{handler: {handler}, events: [{{websocket: $connect}}]}}}}\n"
    )
    emulator = gatepost_dev("--template", str(tmp_path / "serverless.yml"))
    with pytest.raises(InvalidStatus) as refused:
        await connect(emulator.url)
    assert refused.value.response.status_code == 502
    summary = f"Can't be loaded, see above: any. Python functions are run by {sys.executable};"
    for part in (handler, str(tmp_path), why, summary):
        await emulator.said(part)
