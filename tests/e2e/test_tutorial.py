"""The tutorial works as printed: every command, every line of code, one after the other."""

import asyncio
import json
import re
import shlex
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from tests.e2e.conftest import GATEPOST, ROOT, RunningEmulator
from tests.e2e.streams import copy_template
from tests.e2e.test_http_port import curl

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs/tutorial/a-namespace-of-your-own.md"


def blocks(language: str) -> list[str]:
    """Give the page's blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


async def output_of(command: list[str], folder: "Path") -> str:
    """Run a command; what it printed, once it succeeded."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    return output.decode().strip()


@asynccontextmanager
async def running(command: list[str], folder: "Path") -> AsyncIterator[asyncio.StreamReader]:
    """Keep a program running; what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        await process.communicate()


async def printed(output: asyncio.StreamReader) -> dict[str, Any]:
    """Give the next message that listen.py prints."""
    return dict(json.loads(await asyncio.wait_for(output.readline(), 20)))


async def save(path: "Path", text: str, emulator: RunningEmulator) -> None:
    """Save as an editor does, again where the emulator does not watch yet."""
    for _ in range(20):
        path.write_text(text, "utf-8")
        with suppress(AssertionError):
            await emulator.said("Saved: every function starts anew.", within_s=1)
            return
    raise AssertionError(emulator.output)


async def test_the_tutorial_leads_where_it_says(
    gatepost_dev: Callable[..., RunningEmulator], tmp_path: "Path"
) -> None:
    """A namespace, a token, a listener, a server that publishes twice, and one who comes late."""
    run, make_token, listen, publish = (block.strip() for block in blocks("sh"))
    line, program = blocks("python")
    copy_template(tmp_path)
    assert run == "make run"
    assert "gatepost dev --env-file local.env" in (ROOT / "Makefile").read_text("utf-8")
    emulator = gatepost_dev("--env-file", "local.env", cwd=tmp_path)

    namespaces = tmp_path / "functions/actions/namespaces.py"
    text = namespaces.read_text("utf-8")
    opening = "NAMESPACES: Final[Namespaces] = {\n"
    assert text.count(opening) == 1
    await save(namespaces, text.replace(opening, opening + line), emulator)

    program = program.replace("ws://localhost:3001/dev", emulator.url)
    (tmp_path / "listen.py").write_text(program, "utf-8")
    command = shlex.split(make_token)
    assert command.pop(0) == ".venv/bin/gatepost"
    token = await output_of([str(GATEPOST), *command], tmp_path)
    assert shlex.split(listen) == [".venv/bin/python", "listen.py", "THE_TOKEN"]
    listening = [sys.executable, "listen.py", token]
    async with running(listening, tmp_path) as output:
        allowed, secret = (await printed(output))["result"]["channels"]
        assert (allowed["offset"], secret["error"]["code"]) == (0, 103)
        place = await curl(publish, emulator.page_url)
        heard = await printed(output)
        assert heard["data"] == {"build": 17, "ok": True}
        assert place == {"epoch": heard["epoch"], "offset": 1}
        assert await curl(publish, emulator.page_url) == place
        async with running(listening, tmp_path) as late:
            allowed, _ = (await printed(late))["result"]["channels"]
            assert [each["data"]["build"] for each in allowed["publications"]] == [17]
        later = publish.replace("build-17", "build-18")
        await curl(later, emulator.page_url)
        assert (await printed(output))["offset"] == 2
