"""A channel's stream as a client has it whose link breaks, and a template made for such tests.

`Follower` is the smallest client that recovers as docs/reference/protocol.md says.
"""

import asyncio
import json
import shutil
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.e2e.conftest import ROOT, RunningEmulator

Message = dict[str, Any]
NAMESPACES = '''\
"""Namespaces of tests: a stream, one that forgets soon, and one that tells who is there."""

from functions.core.namespaces import Namespace, Rate

PLENTY = Rate(burst=100_000, interval_s=0.001)
NAMESPACES = {
    "stream": Namespace(history_size=1000, history_age_s=3600, publish_rate=PLENTY),
    "short": Namespace(history_size=10, history_age_s=3600, publish_rate=PLENTY),
    "crowd": Namespace(presence=True),
}
'''


class UnrecoverableError(Exception):
    """The history does not cover what the client missed, and it was told so."""


class Follower:
    """Has a channel's stream, whatever becomes of its link: `seen` in order, each once.

    `recoveries` counts the replies that recovered, `caught_up` the publications that came that way.
    """

    def __init__(self, url: str, channel: str) -> None:
        self._url = url
        self._channel = channel
        self._position: Message | None = None
        self._ahead: dict[int, object] = {}
        self._client: ClientConnection | None = None
        self._life: asyncio.Task[None] | None = None
        self._is_cut = False
        self.seen: list[object] = []
        self.recoveries = self.caught_up = 0

    @property
    def offset(self) -> int:
        """Up to where it has the stream."""
        return 0 if self._position is None else int(self._position["offset"])

    def begin(self) -> None:
        """Connect, and stay so."""
        self._is_cut = False
        self._life = asyncio.create_task(self._live())

    async def cut(self) -> None:
        """Break the link, wherever it stands: in its handshake, recovering, or live."""
        assert self._life is not None
        if self._client is not None:
            self._client.transport.abort()
        self._is_cut = True  # the link's end may be met before the cancellation, and hide it
        self._life.cancel()
        with suppress(asyncio.CancelledError):
            await self._life
        self._client = None

    async def follow_until(self, offset: int) -> None:
        """Wait until it has the stream so far; raise what ended it."""
        assert self._life is not None
        while self._position is None or self.offset < offset:
            await asyncio.wait([self._life], timeout=0.01)
            if self._life.done() and not self._life.cancelled():
                self._life.result()

    async def _live(self) -> None:
        while not self._is_cut:
            with suppress(OSError, WebSocketException):
                async with connect(self._url) as self._client:
                    await self._catch_up(self._client)
                    while True:
                        self._take(await _receive(self._client))

    async def _catch_up(self, client: ClientConnection) -> None:
        self._ahead.clear()  # it comes again
        request: Message = {"action": "subscribe", "channel": self._channel}
        if self._position is None:
            (begun,) = (await self._ask(client, request))["channels"]
            self._position = {"epoch": begun["epoch"], "offset": begun["offset"]}
            return
        (found,) = (await self._ask(client, {**request, "recover": self._position}))["channels"]
        if not found["recovered"]:
            raise UnrecoverableError(self._channel)
        self.recoveries += 1
        self._pass(found)
        while found["more"]:
            request = {"action": "history", "channel": self._channel, "since": self._position}
            found = await self._ask(client, request)
            self._pass(found)
        self._deliver()

    async def _ask(self, client: ClientConnection, request: Message) -> Message:
        await client.send(json.dumps(request))
        while (message := await _receive(client))["type"] != "reply":
            self._hold(message)
        if not message["ok"] and message["error"]["code"] == 112:
            raise UnrecoverableError(self._channel)
        assert message["ok"], message
        return dict(message["result"])

    def _take(self, message: Message) -> None:
        self._hold(message)
        self._deliver()

    def _hold(self, message: Message) -> None:
        if message["offset"] > self.offset:
            self._ahead[message["offset"]] = message["data"]

    def _pass(self, found: Message) -> None:
        """Take a part of the log: what it holds up to its position is all that there is."""
        assert self._position is not None
        for each in found["publications"]:
            self._hold(each)
        self.caught_up += len(found["publications"])
        for offset in sorted(one for one in self._ahead if one <= found["offset"]):
            self.seen.append(self._ahead.pop(offset))
        self._position = {"epoch": found["epoch"], "offset": found["offset"]}

    def _deliver(self) -> None:
        assert self._position is not None
        while (following := self.offset + 1) in self._ahead:
            self.seen.append(self._ahead.pop(following))
            self._position = {**self._position, "offset": following}


async def _receive(client: ClientConnection) -> Message:
    found = json.loads(await asyncio.wait_for(client.recv(), 30))
    assert "type" in found, found
    return dict(found)


@asynccontextmanager
async def following(url: str, channel: str) -> AsyncIterator[Follower]:
    """Follow a channel from its present end on."""
    follower = Follower(url, channel)
    follower.begin()
    try:
        await follower.follow_until(0)
        yield follower
    finally:
        with suppress(UnrecoverableError):  # whoever waited for it knows
            await follower.cut()


def copy_template(folder: Path) -> None:
    """Copy what `make run` runs."""
    for name in ("functions", "infra", "web"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("serverless.yml", "local.env"):
        shutil.copy(ROOT / name, folder / name)


@contextmanager
def template_for_streams(folder: Path, dynamodb_url: str, stage: str) -> Iterator[RunningEmulator]:
    """Copy the template and give it the namespaces of these tests; run it over a table."""
    copy_template(folder)
    (folder / "functions/actions/namespaces.py").write_text(NAMESPACES)
    arguments = ("--env-file", "local.env", "--dynamodb", dynamodb_url, "--stage", stage)
    running = RunningEmulator(*arguments, cwd=folder)
    try:
        yield running
    finally:
        running.stop_now()


async def control(emulator: RunningEmulator, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Ask the control endpoint."""
    request = urllib.request.Request(  # noqa: S310 - our own port
        f"{emulator.page_url}_gatepost/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )

    def ask() -> object:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - the same
            return json.load(response)

    return await asyncio.to_thread(ask)
