"""What enters the gateway's core: everything the outside can do to it, as data.

Every input is a msgspec Struct tagged with its name, so that a trace of them is JSON and a replay
is a loop.
"""

from msgspec import Struct

from gatepost.gateway.core.faults import Faults


class Upgrade(Struct, frozen=True, tag=True):
    """A client asks for a WebSocket; the shell holds its HTTP request until Accept or Refuse.

    `path` is percent-encoded as received, without the query. `headers` keep order, spelling and
    repetition. `host` is the authority the client used (`localhost:3001`).
    """

    handshake_id: int
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    host: str
    source_ip: str
    secure: bool = False


class UpgradeAbandoned(Struct, frozen=True, tag=True):
    """The client left while its handshake was pending."""

    handshake_id: int


class Message(Struct, frozen=True, tag=True):
    """A whole text message, reassembled from its fragments (B-254)."""

    connection_id: str
    text: str


class BinaryMessage(Struct, frozen=True, tag=True):
    """A binary message came; its content does not matter (B-256)."""

    connection_id: str


class Pinged(Struct, frozen=True, tag=True):
    """A ping came, which was answered; told only where it counts as activity (B-273, a guess)."""

    connection_id: str


class PeerClosed(Struct, frozen=True, tag=True):
    """The client sent a close frame; `code` is None when the frame had none (1005)."""

    connection_id: str
    code: int | None = None
    reason: str = ""


class ProtocolFailed(Struct, frozen=True, tag=True):
    """The client broke RFC 6455 or a size limit; the link ends with `code` (1002, 1007, 1009)."""

    connection_id: str
    code: int


class Lost(Struct, frozen=True, tag=True):
    """The transport ended without a close frame from the client."""

    connection_id: str


class ManagementCall(Struct, frozen=True, tag=True):
    """A plain HTTP request: `@connections`, or anything else that is not an upgrade.

    `path` is percent-encoded as received, without the query. `host` is the authority the client
    used. `headers` are raw, as they came: only a signature check reads them, and most calls are
    never asked for them.
    """

    call_id: int
    method: str
    path: str
    body: bytes = b""
    query: str = ""
    host: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Returned(Struct, frozen=True, tag=True):
    """The function returned this JSON document."""

    payload: bytes


class Failed(Struct, frozen=True, tag=True):
    """The function raised, died, or ran into its own timeout.

    `stack_trace` is as the runtime reported it, one entry a frame.
    """

    error_type: str
    message: str
    stack_trace: tuple[str, ...] = ()


class NotInvocable(Struct, frozen=True, tag=True):
    """The function could not be invoked at all, as with a missing permission (B-044)."""

    message: str


class HttpAnswered(Struct, frozen=True, tag=True):
    """The backend of an HTTP_PROXY integration answered."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


Outcome = Returned | Failed | NotInvocable | HttpAnswered


class InvocationFinished(Struct, frozen=True, tag=True):
    """An invocation that the core asked for has ended."""

    invocation_id: int
    outcome: Outcome


class Backlog(Struct, frozen=True, tag=True):
    """What waits for a client that reads too slowly has passed its bound, or is below it again."""

    connection_id: str
    full: bool


class Inject(Struct, frozen=True, tag=True):
    """From now on misbehave like this; replaces every fault before."""

    faults: Faults


class DropLinks(Struct, frozen=True, tag=True):
    """Let these connections' links die without a close frame, as when a client loses its network.

    Empty means every connection.
    """

    connection_ids: tuple[str, ...] = ()


class Tick(Struct, frozen=True, tag=True):
    """Time has passed: the moment named by the last WakeAt, or later."""


class Shutdown(Struct, frozen=True, tag=True):
    """The gateway is going away: every connection is closed with 1001."""


Input = (
    Upgrade
    | UpgradeAbandoned
    | Message
    | BinaryMessage
    | Pinged
    | PeerClosed
    | ProtocolFailed
    | Lost
    | ManagementCall
    | InvocationFinished
    | Backlog
    | Inject
    | DropLinks
    | Tick
    | Shutdown
)
