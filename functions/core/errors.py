"""The errors and closing codes of the wire protocol: two tables, and what carries their rows.

Not here: which error a situation deserves; the module that finds the situation decides.
docs/reference/protocol.md is checked against both.
"""

from typing import Final

from msgspec import Struct


class ErrorKind(Struct, frozen=True):
    """One row of the table: `temporary` is true when the same request may succeed later."""

    code: int
    name: str
    temporary: bool


INTERNAL: Final = ErrorKind(100, "internal error", temporary=True)
UNAUTHORIZED: Final = ErrorKind(101, "unauthorized", temporary=False)
UNKNOWN_CHANNEL: Final = ErrorKind(102, "unknown channel or namespace", temporary=False)
PERMISSION_DENIED: Final = ErrorKind(103, "permission denied", temporary=False)
UNKNOWN_ACTION: Final = ErrorKind(104, "unknown action", temporary=False)
LIMIT_EXCEEDED: Final = ErrorKind(106, "limit exceeded", temporary=False)
BAD_REQUEST: Final = ErrorKind(107, "bad request", temporary=False)
NOT_AVAILABLE: Final = ErrorKind(108, "not available", temporary=False)
TOKEN_EXPIRED: Final = ErrorKind(109, "token expired", temporary=False)
TOO_MANY_REQUESTS: Final = ErrorKind(111, "too many requests", temporary=True)
UNRECOVERABLE_POSITION: Final = ErrorKind(112, "unrecoverable position", temporary=False)

ERRORS: Final = (
    INTERNAL,
    UNAUTHORIZED,
    UNKNOWN_CHANNEL,
    PERMISSION_DENIED,
    UNKNOWN_ACTION,
    LIMIT_EXCEEDED,
    BAD_REQUEST,
    NOT_AVAILABLE,
    TOKEN_EXPIRED,
    TOO_MANY_REQUESTS,
    UNRECOVERABLE_POSITION,
)


class ClosingKind(Struct, frozen=True):
    """Why the server ends a connection: from 3500 on a client does not come back by itself."""

    code: int
    name: str

    @property
    def reconnect(self) -> bool:
        """Whether the client may connect again at once."""
        return self.code < 3500  # noqa: PLR2004 - the border that the protocol draws


SHUTDOWN: Final = ClosingKind(3001, "shutdown")
EXPIRED: Final = ClosingKind(3005, "expired")
INVALID_TOKEN: Final = ClosingKind(3500, "invalid token")
FORCED: Final = ClosingKind(3503, "forced to leave")
PERMISSION_WITHDRAWN: Final = ClosingKind(3507, "permission denied")
RATE_LIMIT_IGNORED: Final = ClosingKind(3508, "rate limit ignored")

CLOSINGS: Final = (
    SHUTDOWN,
    EXPIRED,
    INVALID_TOKEN,
    FORCED,
    PERMISSION_WITHDRAWN,
    RATE_LIMIT_IGNORED,
)


class ProtocolError(Exception):
    """A request can't be served, and the client is told why.

    `message` goes to the client: it names the field or the limit at fault, and no secret. With
    `closing` the connection is closed for it as well.
    """

    def __init__(
        self, kind: ErrorKind, message: str | None = None, *, closing: ClosingKind | None = None
    ) -> None:
        self.kind = kind
        self.message = message or kind.name
        self.closing = closing
        super().__init__(f"{kind.code} {self.message}")
