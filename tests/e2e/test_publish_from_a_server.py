"""The page on publishing from a server works as printed: its command, its keys, its client."""

import asyncio
import hashlib
import json
import re
import shlex
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from websockets.asyncio.client import connect

from tests.e2e.conftest import ROOT
from tests.e2e.test_chat import ask, receive
from tests.e2e.test_http_port import curl

if TYPE_CHECKING:
    from tests.e2e.conftest import RunningEmulator

PAGE = (ROOT / "docs/how-to/publish-from-a-server.md").read_text(encoding="utf-8")
CURL, MAKE_KEY = re.findall(r"```sh\n(.*?)\n```", PAGE, re.DOTALL)
[CLIENT] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


class Flaky(BaseHTTPRequestHandler):
    """An API that answers as `answers` say: a status with a body, or nothing."""

    answers: ClassVar[list[tuple[int, object] | None]] = []
    bodies: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        """Take one request."""
        self.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        answer = self.answers.pop(0)
        if answer is None:
            return
        body = json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture
def flaky() -> Iterator[tuple[type[Flaky], str]]:
    """Serve it; its class and its URL."""

    class Api(Flaky):
        answers: ClassVar[list[tuple[int, object] | None]] = []
        bodies: ClassVar[list[dict[str, Any]]] = []

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield Api, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def client(url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Load the page's client, which waits for nothing here."""
    monkeypatch.setenv("GATEPOST_URL", url)
    monkeypatch.setenv("GATEPOST_KEY", "local-key")
    loaded: dict[str, Any] = {"__name__": "client"}
    exec(compile(CLIENT, "client.py", "exec"), loaded)  # noqa: S102 - the page's own

    class Time:
        sleep = staticmethod(lambda _: None)

    loaded["time"] = Time
    return loaded


async def test_the_command_publishes_to_who_is_subscribed(
    shared_emulator: "RunningEmulator",
) -> None:
    """With the key that local.env sets."""
    async with connect(shared_emulator.url) as listener:
        await ask(listener, action="subscribe", channel="ticker:gold")
        answer = await curl(CURL, shared_emulator.page_url)
        assert isinstance(answer, dict)
        heard = await receive(listener)
        assert (heard["data"], heard["offset"]) == ({"price": 2950.4}, answer["offset"])


def test_the_key_is_printed_with_its_hash() -> None:
    """As the setting wants it."""
    python, *arguments = shlex.split(MAKE_KEY)
    assert python == "python3"
    printed = subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True
    ).stdout.split()
    assert printed[1] == hashlib.sha256(printed[0].encode()).hexdigest()
    assert "." not in printed[0]


async def test_the_client_publishes_once_however_often_it_asks(
    shared_emulator: "RunningEmulator", monkeypatch: pytest.MonkeyPatch
) -> None:
    """By key; and what can't succeed is an exception at once."""
    loaded = client(shared_emulator.page_url.rstrip("/"), monkeypatch)
    channel = f"chat:{uuid.uuid4().hex}"
    first = await asyncio.to_thread(loaded["publish"], channel, {"n": 1}, "k")
    again = await asyncio.to_thread(loaded["publish"], channel, {"n": 1}, "k")
    other = await asyncio.to_thread(loaded["publish"], channel, {"n": 2})
    assert first == again
    assert (first["offset"], other["offset"]) == (1, 2)
    with pytest.raises(loaded["Refused"], match="no namespace") as refused:
        await asyncio.to_thread(loaded["publish"], "none:a", 1)
    assert refused.value.problem["code"] == 102


def test_the_client_tries_again_with_the_same_key(
    flaky: tuple[type[Flaky], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a temporary problem, the gateway's own 503, and an answer that was lost."""
    api, url = flaky
    busy = {"status": 429, "detail": "again", "code": 111, "temporary": True}
    position = {"epoch": "e", "offset": 1}
    api.answers += [(429, busy), (503, {"message": "Service Unavailable"}), None, (200, position)]
    loaded = client(url, monkeypatch)
    assert loaded["publish"]("chat:a", 1) == position
    assert len(api.bodies) == 4
    assert len({body["key"] for body in api.bodies}) == 1


def test_the_client_gives_up_in_the_end(
    flaky: tuple[type[Flaky], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four attempts, and the last failure."""
    api, url = flaky
    loaded = client(url, monkeypatch)
    api.answers += [(503, {"message": "Service Unavailable"})] * 4
    with pytest.raises(loaded["Refused"], match="Service Unavailable"):
        loaded["publish"]("chat:a", 1)
    api.answers += [None] * 4
    with pytest.raises(OSError):  # noqa: PT011 - of any kind
        loaded["publish"]("chat:a", 1)
    assert len(api.bodies) == 8
