"""Projects of each kind of template run as they are: SAM, CDK output, a packaged serverless.yml."""

import asyncio
import json
import shutil
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect

from tests.e2e.conftest import PROJECTS, ROOT
from tests.infra.conftest import run_osls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import RunningEmulator

SAM = "sam-chat/template.yaml"
STAGES = {
    SAM: "Prod",
    "sam-websocket-api/template.yml": "live",
    "cdk-chat/cdk.out/ChatStack.template.json": "prod",
}


async def chat(url: str) -> None:
    """Let one client write to two; each gets it."""
    async with connect(url) as one, connect(url) as two:
        await one.send(json.dumps({"action": "sendmessage", "data": "to everyone"}))
        for client in (one, two):
            assert await asyncio.wait_for(client.recv(), 20) == "to everyone"


@pytest.mark.parametrize("template", STAGES)
async def test_a_chat_of_another_kind_of_template_connects_and_broadcasts(
    gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path", template: str
) -> None:
    """Functions, table, environment and stage all come from the template."""
    project, _, path = template.partition("/")
    shutil.copytree(PROJECTS / project, tmp_path / project)
    emulator = gatepost_dev("--template", str(tmp_path / project / path))
    await chat(emulator.url)
    assert emulator.url.endswith(f"/{STAGES[template]}")


async def test_the_template_of_a_sam_project_is_found_in_its_folder(
    gatepost_dev: "Callable[..., RunningEmulator]",
) -> None:
    """`gatepost dev` takes template.yaml where there is no serverless.yml."""
    emulator = gatepost_dev(cwd=PROJECTS / "sam-chat")
    await chat(emulator.url)
    await emulator.said("hello from Virginia")


async def test_a_values_file_decides_a_parameter(
    gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path"
) -> None:
    """The stage is a parameter of the template, and so is what its condition compares."""
    (tmp_path / "values.yml").write_text("parameters: {Stage: test}\n", encoding="utf-8")
    template = str(PROJECTS / SAM)
    emulator = gatepost_dev("--template", template, "--values", str(tmp_path / "values.yml"))
    assert emulator.url.endswith("/test")
    await chat(emulator.url)
    await emulator.said("hello from elsewhere")


async def test_code_in_a_template_is_run_from_the_project(
    gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path"
) -> None:
    """Inline code lies in `.gatepost/inline`, where breakpoints can be set; git ignores it."""
    project = tmp_path / "cdk"
    shutil.copytree(PROJECTS / "cdk-chat", project)
    emulator = gatepost_dev("--template", str(project / "cdk.out/ChatStack.template.json"))
    async with connect(emulator.url) as client:
        await client.send(json.dumps({"action": "inline"}))
        assert await asyncio.wait_for(client.recv(), 20) == "from inline"
    assert list(project.glob(".gatepost/inline/Inline*/index.py"))
    assert (project / ".gatepost/.gitignore").read_text(encoding="utf-8") == "*\n"


@pytest.mark.node
async def test_a_packaged_serverless_yml_runs_from_the_sources_beside_it(
    gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path"
) -> None:
    """What `osls package` makes of this repository's own template: the code is its parent's."""
    for name in ("serverless.yml", "infra", "functions"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    package = run_osls(tmp_path, "--stage", "packaged")
    emulator = gatepost_dev(
        "--template", str(package.template_path), "--env-file", str(ROOT / "local.env")
    )
    assert emulator.url.endswith("/packaged")
    async with connect(emulator.url) as client:
        await client.send(json.dumps({"id": 1, "action": "echo", "data": {"text": "hi"}}))
        reply = json.loads(await asyncio.wait_for(client.recv(), 20))
    assert "hi" in json.dumps(reply)
