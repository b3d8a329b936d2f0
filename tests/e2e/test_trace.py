"""`gatepost dev --trace` and `gatepost replay` as a developer uses them."""

import asyncio
import io
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect

from gatepost.emulator.replay import replay

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Eventually
    from tests.e2e.conftest import RunningEmulator

GATEPOST = Path(sys.executable).parent / "gatepost"
PROJECT = "tests/fixtures/projects/failures/serverless.yml"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
async def test_a_run_is_replayed_without_difference(
    gatepost_dev: "Callable[..., RunningEmulator]",
    tmp_path: Path,
    eventually: "Eventually",
    end: signal.Signals,
) -> None:
    """However it ended; the token that a client showed is nowhere in the file."""
    trace = tmp_path / "trace.jsonl"
    emulator = gatepost_dev("--template", PROJECT, "--trace", str(trace))
    headers = {"Authorization": "Bearer not-for-the-file"}
    url = f"{emulator.url}?token=not-for-the-file"
    async with connect(url, additional_headers=headers) as client:
        await client.send('{"action": "echo", "data": "written down"}')
        await asyncio.wait_for(client.recv(), 10)
        await eventually(lambda: "written down" in trace.read_text("utf-8"))
        await asyncio.to_thread(emulator.stop_now, end)
    out = io.StringIO()
    assert replay(trace, out) == 0, out.getvalue()
    assert "not-for-the-file" not in trace.read_text("utf-8")


def test_a_trace_that_can_not_be_written_stops_the_start(tmp_path: Path) -> None:
    """One sentence and exit code 2."""
    options = ("--template", PROJECT, "--trace", str(tmp_path / "no" / "folder"))
    ran = subprocess.run(
        [GATEPOST, "dev", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("gatepost: --trace ")
    assert "No such file or directory" in ran.stderr
