"""A project with HTTP and REST APIs whose functions invoke each other; the page about faults."""

import base64
import json
import re
import shlex
from typing import TYPE_CHECKING

import aiohttp
import boto3
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gatepost.emulator.fault_flags import parse_faults
from gatepost.gateway.core.faults import Faults
from tests.e2e.conftest import PROJECTS, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import RunningEmulator

TEMPLATE = str(PROJECTS / "sam-http/template.yaml")
PAGE = (ROOT / "docs/how-to/inject-faults.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)\n```", PAGE, re.DOTALL)


async def ask(url: str, method: str = "GET", **sent: object) -> tuple[int, str]:
    """Status and text of an answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, **sent) as response,  # type: ignore[arg-type] # aiohttp's own
    ):
        return response.status, await response.text()


async def curl(command: str, port_url: str) -> object:
    """Do what a `curl` of the page says, at the port of this run; the JSON that comes back."""
    words = iter(shlex.split(command.replace("http://localhost:3000/", port_url)))
    assert next(words) == "curl"
    method, url, headers, data = "GET", "", {}, None
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                data = next(words)
            case _:
                url = word
    status, text = await ask(url, method, headers=headers, data=data)
    assert status == 200, text
    return json.loads(text)


@pytest.mark.parametrize("how", [(), ("--in-process",)], ids=["workers", "in process"])
async def test_functions_behind_http_and_rest_routes_invoke_each_other(
    gatepost_dev: "Callable[..., RunningEmulator]", how: tuple[str, ...]
) -> None:
    """Results, failures, and an event that is given up after its retry."""
    emulator = gatepost_dev("--template", TEMPLATE, *how)
    base = emulator.page_url.rstrip("/")
    assert f"  HTTP API      {base}/" in emulator.output

    status, text = await ask(f"{base}/items/a%20b")
    assert status == 200
    assert json.loads(text) == {
        "said": '"/ITEMS/A B"',
        "error": None,
        "variables": {"id": "a b"},
    }
    status, text = await ask(f"{base}/fail")
    shown = json.loads(text)
    assert (status, shown["error"]) == (200, "Unhandled")
    failure = json.loads(shown["said"])
    assert (failure["errorType"], failure["errorMessage"]) == ("ValueError", "/fail")
    assert "app.py" in failure["stackTrace"][0]

    (rest,) = re.findall(r"REST API      (\S+)/", emulator.output)
    assert await ask(f"{rest}/legacy") == (403, '{"message":"Missing Authentication Token"}')
    status, text = await ask(f"{rest}/legacy", "POST", data="x")
    assert json.loads(text)["said"] == '"/LEGACY"'

    assert (await ask(f"{base}/later", "PUT"))[0] == 202
    await emulator.said("given up after 2 attempts: ValueError: /later")


async def test_the_page_about_faults_does_what_it_says(
    gatepost_dev: "Callable[..., RunningEmulator]",
) -> None:
    """Its commands in their order, against a running emulator."""
    start, listing, gone, clear, cut, wait = SHELL
    flags = re.findall(r"--fault (\S+)", start)
    assert parse_faults(flags) == Faults(disconnect="lost", throttle_rate=0.1)
    emulator = gatepost_dev("--template", TEMPLATE, *shlex.split(start)[2:])
    base = emulator.page_url
    shown = json.loads((await ask(f"{base}_gatepost/faults"))[1])
    assert (shown["disconnect"], shown["throttle_rate"]) == ("lost", 0.1)

    async with connect(emulator.url) as client, connect(emulator.url) as other:
        listed = await curl(listing, base)
        assert isinstance(listed, list)
        assert len(listed) == 2
        one = f"{emulator.management_url}/@connections/{listed[0]['connectionId']}"
        assert (await ask(one))[0] in (200, 429)
        await curl(gone, base)
        assert (await ask(one))[0] == 410
        await curl(clear, base)
        assert (await ask(one))[0] == 200
        assert await curl(cut, base) == {"dropped": 2}
        for each in (client, other):
            with pytest.raises(ConnectionClosed) as closed:
                await each.recv()
            assert closed.value.rcvd is None

    async with connect(emulator.url) as client:
        await curl(wait, base)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


@pytest.mark.parametrize("how", [(), ("--in-process",)], ids=["workers", "in process"])
async def test_workers_are_killed_until_the_fault_is_turned_off(
    gatepost_dev: "Callable[..., RunningEmulator]", how: tuple[str, ...]
) -> None:
    """From the command line, then by the control endpoint."""
    emulator = gatepost_dev("--template", TEMPLATE, "--fault", "kill_rate=1", *how)
    by_name = f"{emulator.page_url}2015-03-31/functions/back/invocations"
    with pytest.raises(InvalidStatus, match="502"):
        await connect(emulator.url)
    assert "Runtime.ExitError" in str((await ask(by_name, "POST"))[1])
    assert (await ask(f"{emulator.page_url}_gatepost/faults", "DELETE"))[0] == 200
    async with connect(emulator.url):
        pass
    assert "Runtime.ExitError" not in str((await ask(by_name, "POST"))[1])


WHO = """
def who(event, context):
    print("asked by", context.client_context.custom["name"])
    return context.client_context.custom
"""


def test_an_invocation_by_boto3_says_who_asks_and_gets_the_log(
    gatepost_dev: "Callable[..., RunningEmulator]", tmp_path: "Path"
) -> None:
    """All the way to a worker and back."""
    (tmp_path / "app.py").write_text(WHO, encoding="utf-8")
    (tmp_path / "serverless.yml").write_text(
        "service: s\nprovider: {name: aws, runtime: python3.13}\n"
        "functions: {who: {handler: app.who, events: [{websocket: $default}]}}\n",
        encoding="utf-8",
    )
    emulator = gatepost_dev("--template", str(tmp_path / "serverless.yml"))
    session = boto3.Session("local", "local", region_name="us-east-1")
    client = session.client("lambda", endpoint_url=emulator.page_url.rstrip("/"))
    answer = client.invoke(
        FunctionName="s-dev-who",
        ClientContext=base64.b64encode(b'{"custom": {"name": "ann"}}').decode(),
        LogType="Tail",
    )
    assert json.loads(answer["Payload"].read()) == {"name": "ann"}
    start, printed, end, report = base64.b64decode(answer["LogResult"]).decode().splitlines()
    assert printed == "asked by ann"
    assert [line.split()[0] for line in (start, end, report)] == ["START", "END", "REPORT"]
    client.close()
