"""What the gateway's core wants done, as data. The shell carries it out, in order.

Every command is a msgspec Struct tagged with its name, so that a trace of them is JSON.
"""

from typing import Literal

from msgspec import Struct

ReportKind = Literal[
    "connect", "message", "send", "get", "delete", "disconnect", "http", "api", "invoke"
]


class Accept(Struct, frozen=True, tag=True):
    """Complete the handshake with 101; from now on the link is known by `connection_id`."""

    handshake_id: int
    connection_id: str
    subprotocol: str | None = None


class Refuse(Struct, frozen=True, tag=True):
    """Answer the handshake with an HTTP status (B-042)."""

    handshake_id: int
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Invoke(Struct, frozen=True, tag=True):
    """Run a function; its end comes back as InvocationFinished.

    `event` is the JSON document for the handler. `connection_id` and `route_key` name the cause,
    `handshake_id` the handshake that waits for it, if one does.
    Faults: `kill` ends the worker in the middle, `cold` wants one that was never used.
    """

    invocation_id: int
    function: str
    event: bytes
    connection_id: str
    route_key: str
    handshake_id: int | None = None
    kill: bool = False
    cold: bool = False


class Send(Struct, frozen=True, tag=True, omit_defaults=True):
    """Send one text message as these fragments, each at most 32 KiB (B-253).

    `binary` makes it a binary message (B-207, a guess).
    """

    connection_id: str
    fragments: tuple[bytes, ...]
    binary: bool = False


class Close(Struct, frozen=True, tag=True):
    """Send a close frame and end the link; the core has forgotten the connection."""

    connection_id: str
    code: int
    reason: str = ""


class Drop(Struct, frozen=True, tag=True):
    """Cut a connection's link without a close frame; the link reports Lost as ever."""

    connection_id: str


class Stall(Struct, frozen=True, tag=True):
    """Write nothing more to the client, as if it did not read, or go on; reading goes on."""

    connection_id: str
    stalled: bool


class CallHttp(Struct, frozen=True, tag=True):
    """Send a request to the backend of an HTTP_PROXY integration.

    Its end comes back as InvocationFinished with HttpAnswered, or with NotInvocable when the
    backend could not be reached or took longer than `timeout_s`. Causes are named as by Invoke.
    """

    invocation_id: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection_id: str
    route_key: str
    timeout_s: float
    handshake_id: int | None = None


class Answer(Struct, frozen=True, tag=True):
    """Answer a ManagementCall."""

    call_id: int
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class WakeAt(Struct, frozen=True, tag=True):
    """Send a Tick at this moment (epoch seconds); replaces every earlier WakeAt."""

    at: float


class Report(Struct, frozen=True, tag=True):
    """One line for the live log: what happened to whom, with what result, how long it took.

    `route_key` is `@connections` for the calls of that API. `status` is an HTTP status where there
    is one, a close code for a disconnect, else None.
    """

    kind: ReportKind
    connection_id: str | None
    route_key: str | None
    status: int | None
    duration_ms: float | None = None
    detail: str = ""


Command = (
    Accept | Refuse | Invoke | CallHttp | Send | Close | Drop | Stall | Answer | WakeAt | Report
)
