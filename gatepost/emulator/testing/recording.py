"""What a test can look at afterwards: invocations, and what was posted to connections.

Written in the gateway's thread, read in the test's; lists are only ever appended to.
"""

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from gatepost.emulator.testing.loop_thread import Happenings
from gatepost.gateway.core.commands import Accept, Answer, Command
from gatepost.gateway.core.connection import Connection
from gatepost.gateway.core.inputs import (
    Failed,
    Input,
    ManagementCall,
    NotInvocable,
    Outcome,
    Returned,
    Upgrade,
)
from gatepost.gateway.core.ports import Disturbable
from gatepost.gateway.server.shell import Core

if TYPE_CHECKING:
    from gatepost.gateway.core.ports import Invoker

Event = dict[str, Any]


@dataclass(slots=True, eq=False)
class Invocation:
    """One run of a function: its name in the template or its route key, its event, its end.

    `outcome` is None while it runs.
    """

    function: str
    event: Event
    outcome: Outcome | None = None

    @property
    def event_type(self) -> str | None:
        """CONNECT, MESSAGE or DISCONNECT; None for events that no connection caused."""
        kind: str | None = self.event.get("requestContext", {}).get("eventType")
        return kind

    @property
    def result(self) -> Any:  # noqa: ANN401 - JSON
        """What the function returned. Raises AssertionError when it failed or still runs."""
        if not isinstance(self.outcome, Returned):
            raise AssertionError(f"{self.function} did not return: {self.ending}")  # noqa: TRY004
        return json.loads(self.outcome.payload)

    @property
    def ending(self) -> str:
        """How it ended, in a word or a sentence."""
        return self.error or ("runs" if self.outcome is None else "returned")

    @property
    def error(self) -> str | None:
        """Type and message of what the function raised, None if it did not."""
        match self.outcome:
            case Failed(error_type=kind, message=message):
                return f"{kind}: {message}"
            case NotInvocable(message=message):
                return message
            case _:
                return None


class RecordingInvoker:
    """Passes invocations on to `invoker` and keeps them; `prefix` is left out of names."""

    def __init__(self, happenings: Happenings, *, prefix: str = "") -> None:
        self.invocations: list[Invocation] = []
        self.invoker: Invoker
        self._happenings = happenings
        self._prefix = prefix

    def invoke(self, function: str, event: bytes) -> asyncio.Future[Outcome]:
        """Run the function behind the recorder; started when this returns (ports.Invoker)."""
        invocation = Invocation(function.removeprefix(self._prefix), json.loads(event))
        self.invocations.append(invocation)
        self._happenings.tell()
        outcome = asyncio.ensure_future(self.invoker.invoke(function, event))
        outcome.add_done_callback(lambda _: self._ended(invocation, outcome))
        return outcome

    def _ended(self, invocation: Invocation, outcome: asyncio.Future[Outcome]) -> None:
        if not outcome.cancelled():
            invocation.outcome = outcome.result()
            self._happenings.tell()


class RecordingWorkers(RecordingInvoker):
    """The same for an invoker whose workers faults can disturb."""

    def disturb(self, function: str, *, kill: bool, cold: bool) -> None:
        """Disturb one invocation behind the recorder."""
        if isinstance(self.invoker, Disturbable):
            self.invoker.disturb(function, kill=kill, cold=cold)


@dataclass(slots=True, eq=False)
class WatchedCore:
    """A core, what was posted through it, and which handshake became which connection.

    `sent` has the payloads of posts that were answered 200, by connection id.
    """

    core: Core
    happenings: Happenings
    sent: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    connection_ids: dict[str, str] = field(default_factory=dict)
    _keys: dict[int, str] = field(default_factory=dict)
    _posts: dict[int, ManagementCall] = field(default_factory=dict)

    def receive(self, given: Input, now: float) -> list[Command]:
        """Do what the core does, and remember."""
        if isinstance(given, Upgrade):
            headers = {name.lower(): value for name, value in given.headers}
            self._keys[given.handshake_id] = headers.get("sec-websocket-key", "")
        elif isinstance(given, ManagementCall) and given.method == "POST":
            self._posts[given.call_id] = given
        commands = self.core.receive(given, now)
        for command in commands:
            if isinstance(command, Accept):
                key = self._keys.pop(command.handshake_id, "")
                self.connection_ids[key] = command.connection_id
            elif isinstance(command, Answer):
                self._answered(command)
        return commands

    def connections(self) -> list[Connection]:
        """List the core's open connections."""
        return self.core.connections()

    def _answered(self, answer: Answer) -> None:
        post = self._posts.pop(answer.call_id, None)
        if post is None or answer.status != 200:  # noqa: PLR2004 - OK
            return
        connection_id = unquote(post.path.rpartition("/")[2])
        self.sent[connection_id].append(post.body.decode(errors="replace"))
        self.happenings.tell()
