"""Around the core: gives it inputs with the time, carries out its commands, runs invocations.

It knows links only by what it asks of them (the Protocols below) and reads no bytes.
"""

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from gatepost.gateway.core.commands import (
    Accept,
    Answer,
    CallHttp,
    Close,
    Command,
    Drop,
    Invoke,
    Refuse,
    Report,
    Send,
    Stall,
    WakeAt,
)
from gatepost.gateway.core.connection import Connection
from gatepost.gateway.core.inputs import (
    Backlog,
    BinaryMessage,
    Failed,
    Input,
    InvocationFinished,
    Lost,
    ManagementCall,
    Message,
    NotInvocable,
    Outcome,
    PeerClosed,
    Pinged,
    ProtocolFailed,
    Shutdown,
    Tick,
    Upgrade,
    UpgradeAbandoned,
)
from gatepost.gateway.core.ports import Backends, Disturbable, Invoker
from gatepost.gateway.server.clock import Clock
from gatepost.gateway.server.http_reader import Request
from gatepost.gateway.server.recovery import Cause, commands_after_a_bug, losses_after_a_bug

logger = logging.getLogger(__name__)

Headers = tuple[tuple[str, str], ...]

Heard = Message | BinaryMessage | Pinged | PeerClosed | ProtocolFailed | Lost | Backlog
"""What comes over a link after its handshake."""


INVOCATIONS_PER_CONNECTION_MAX = 256
"""With so many invocations under way a connection is not read, until half of them have ended."""


RECOVERY_S = 1.0
"""How soon after a bug the core is given the time again: its word of when may be lost."""

NO_BACKENDS = NotInvocable("no HTTP backend can be called here")


class Core(Protocol):
    """The sans-IO gateway, as the shell sees it."""

    def receive(self, given: Input, now: float) -> list[Command]:
        """Take an input at the moment `now` (epoch seconds) and say what is to be done."""
        ...

    def connections(self) -> list[Connection]:
        """List the open connections; to be read, not changed."""
        ...


class Connected(Protocol):
    """A link whose handshake is complete."""

    def send(self, fragments: tuple[bytes, ...], *, binary: bool = False) -> None:
        """Send one message, of text or binary, as these fragments."""
        ...

    def hold(self, *, held: bool) -> None:
        """Stop reading from the client, or go on."""
        ...

    def stall(self, *, stalled: bool) -> None:
        """Write nothing to the client, or go on with what waited."""
        ...

    def abort(self) -> None:
        """Cut the link without a close frame; it is reported as lost."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Send a close frame and end the link, within a bounded time whatever the client does."""
        ...


class Waiting(Protocol):
    """A link whose HTTP request waits for its answer."""

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Write the answer."""
        ...


class Handshaking(Waiting, Protocol):
    """A link whose WebSocket handshake waits."""

    def accept(self, connection_id: str, subprotocol: str | None) -> Connected:
        """Complete the handshake."""
        ...


class Shell:
    """One core and what it moves. Lives in one event loop; none of its methods is thread-safe."""

    def __init__(
        self,
        core: Core,
        invoker: Invoker,
        *,
        clock: Clock,
        backends: Backends | None = None,
        on_report: Callable[[Report], None] | None = None,
    ) -> None:
        self._core = core
        self._invoker = invoker
        self._backends = backends
        self._disturb = invoker.disturb if isinstance(invoker, Disturbable) else None
        self._clock = clock
        self._on_report = on_report
        self._loop = asyncio.get_running_loop()
        self._ids = itertools.count(1)
        self._handshakes: dict[int, Handshaking] = {}
        self._calls: dict[int, Waiting] = {}
        self._connected: dict[str, Connected] = {}
        self._under_way: Counter[str] = Counter()
        self._invocations: set[asyncio.Future[Outcome]] = set()
        self._carry_out: dict[type[Command], Callable[[Any], None]] = {
            Accept: self._accept,
            Answer: self._answer,
            CallHttp: self._call_http,
            Close: self._close,
            Drop: self._drop,
            Invoke: self._invoke,
            Refuse: self._refuse,
            Report: self._report,
            Send: self._send,
            Stall: self._stall,
            WakeAt: self._wake,
        }
        self._wake_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    # What links ask.

    def call(self, link: Waiting, request: Request) -> int:
        """Hand a plain HTTP request to the core; `link.answer` is called once.

        Returns the id that the call gets.
        """
        call_id = next(self._ids)
        self._calls[call_id] = link
        self.receive(
            ManagementCall(
                call_id,
                request.method,
                request.path,
                request.body,
                request.query,
                request.host,
                request.raw_headers,
            )
        )
        return call_id

    def forget(self, call_id: int) -> None:
        """Let go of a call whose client left; the core goes on with it, its answer is dropped."""
        self._calls.pop(call_id, None)

    def upgrade(self, link: Handshaking, ask: Callable[[int], Upgrade]) -> int:
        """Hand a handshake to the core; `link.accept` or `link.answer` is called once.

        `ask` makes the input from the id that the handshake gets, which is returned.
        """
        handshake_id = next(self._ids)
        self._handshakes[handshake_id] = link
        self.receive(ask(handshake_id))
        return handshake_id

    def abandon(self, handshake_id: int) -> None:
        """Forget a handshake whose client left."""
        if self._handshakes.pop(handshake_id, None) is not None:
            self.receive(UpgradeAbandoned(handshake_id))

    def heard(self, given: Heard) -> None:
        """Hand on what came over a link, unless that connection has ended already."""
        if given.connection_id not in self._connected:
            return
        if isinstance(given, PeerClosed | ProtocolFailed | Lost):
            del self._connected[given.connection_id]
        self.receive(given)

    # Inputs and commands.

    def receive(self, given: Input, cause: Cause | None = None) -> None:
        """Give the core an input, the outcome of `cause` perhaps, and carry out what it says.

        A bug in the core or here is logged with its traceback and never ends the gateway. One in
        the core costs the connection concerned, which ends with 1011, or its handshake.
        """
        try:
            commands = self._core.receive(given, self._clock())
        except Exception:
            logger.exception("The gateway's core failed on %s", type(given).__name__)
            self._recover(given, cause)
            return
        self._do(commands)

    def _recover(self, given: Input, cause: Cause | None) -> None:
        """Keep clients from waiting for commands that a bug lost, and the core from dead links."""
        self._do(commands_after_a_bug(given, cause))
        for loss in losses_after_a_bug(given, cause):
            self.receive(loss)
        self._set_timer(self._clock() + RECOVERY_S)

    def _do(self, commands: list[Command]) -> None:
        for command in commands:
            try:
                self._carry_out[type(command)](command)
            except Exception:
                logger.exception("The gateway could not carry out %s", type(command).__name__)

    def _send(self, command: Send) -> None:
        if (connected := self._connected.get(command.connection_id)) is not None:
            connected.send(command.fragments, binary=command.binary)

    def _close(self, command: Close) -> None:
        if (connected := self._connected.pop(command.connection_id, None)) is not None:
            connected.close(command.code, command.reason)

    def _drop(self, command: Drop) -> None:
        if (connected := self._connected.get(command.connection_id)) is not None:
            connected.abort()

    def _stall(self, command: Stall) -> None:
        if (connected := self._connected.get(command.connection_id)) is not None:
            connected.stall(stalled=command.stalled)

    def _answer(self, command: Answer) -> None:
        if (call := self._calls.pop(command.call_id, None)) is not None:
            call.answer(command.status, command.headers, command.body)

    def _accept(self, command: Accept) -> None:
        if (handshake := self._handshakes.pop(command.handshake_id, None)) is not None:
            self._connected[command.connection_id] = handshake.accept(
                command.connection_id, command.subprotocol
            )

    def _refuse(self, command: Refuse) -> None:
        if (handshake := self._handshakes.pop(command.handshake_id, None)) is not None:
            handshake.answer(command.status, command.headers, command.body)

    def _report(self, command: Report) -> None:
        if self._on_report is not None:
            self._on_report(command)

    def _invoke(self, command: Invoke) -> None:
        if command.cold and self._disturb is not None:
            self._disturb(command.function, kill=False, cold=True)
        self._begin(command, self._invoker.invoke(command.function, command.event))
        if command.kill and self._disturb is not None:
            self._disturb(command.function, kill=True, cold=False)

    def _call_http(self, command: CallHttp) -> None:
        if self._backends is None:
            self.receive(InvocationFinished(command.invocation_id, NO_BACKENDS), command)
        else:
            self._begin(command, self._backends.call(command))

    def _begin(self, command: Invoke | CallHttp, work: Awaitable[Outcome]) -> None:
        running = asyncio.ensure_future(work)
        self._invocations.add(running)
        self._count(command.connection_id, 1)
        running.add_done_callback(partial(self._ended, command))

    def _ended(self, command: Invoke | CallHttp, ended: asyncio.Future[Outcome]) -> None:
        self._invocations.discard(ended)
        self._count(command.connection_id, -1)
        if ended.cancelled():
            return
        if (error := ended.exception()) is not None:
            what = command.function if isinstance(command, Invoke) else command.url
            logger.error("The integration %r could not be run", what, exc_info=error)
            outcome: Outcome = Failed(type(error).__name__, str(error))
        else:
            outcome = ended.result()
        self.receive(InvocationFinished(command.invocation_id, outcome), command)

    def _count(self, connection_id: str, change: int) -> None:
        """Count a connection's invocations; hold its client when it is far ahead of them."""
        under_way = self._under_way[connection_id] = self._under_way[connection_id] + change
        if under_way == 0:
            del self._under_way[connection_id]
        if (connected := self._connected.get(connection_id)) is None:
            return
        if change > 0 and under_way == INVOCATIONS_PER_CONNECTION_MAX:
            connected.hold(held=True)
        elif change < 0 and under_way == INVOCATIONS_PER_CONNECTION_MAX // 2:
            connected.hold(held=False)

    # Time.

    def tick(self) -> None:
        """Let the core see the time now, as a test that moved the clock wants it."""
        self.receive(Tick())

    def _wake(self, command: WakeAt) -> None:
        self._set_timer(command.at)

    def _set_timer(self, at: float) -> None:
        """Set the timer; one that rings too early stays and is set anew when it rings.

        Every message moves the idle limit, so this runs far more often than a timer rings.
        """
        self._wake_at = at
        when = self._loop.time() + max(0.0, at - self._clock())
        if self._timer is not None:
            if self._timer_at <= when:
                return
            self._timer.cancel()
        self._timer_at = when  # uvloop's timer can't be asked for a moment that has come
        self._timer = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._clock() < self._wake_at:
            self._set_timer(self._wake_at)
        else:
            self.receive(Tick())

    # The end.

    def shut_down(self) -> None:
        """Close every connection with 1001; from now on the core refuses handshakes."""
        self.receive(Shutdown())

    async def drained(self, within_s: float) -> None:
        """Wait until all invocations have ended; cancel those that outlast `within_s`."""
        deadline = self._loop.time() + within_s
        while self._invocations and (left_s := deadline - self._loop.time()) > 0:
            await asyncio.wait(self._invocations, timeout=left_s)
        if outlasting := list(self._invocations):
            logger.warning(
                "abandoned after %g s, still running: %d invocation(s)", within_s, len(outlasting)
            )
            for invocation in outlasting:
                invocation.cancel()
            await asyncio.gather(*outlasting, return_exceptions=True)

    def stop(self) -> None:
        """Let no timer ring any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
