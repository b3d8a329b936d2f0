"""The errors of the wire protocol: one table, and the exception that carries one of its rows.

Not here: which error a situation deserves; the module that finds the situation decides.
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


class ProtocolError(Exception):
    """A request can't be served, and the client is told why.

    `message` goes to the client: it names the field or the limit at fault, and no secret.
    """

    def __init__(self, kind: ErrorKind, message: str | None = None) -> None:
        self.kind = kind
        self.message = message or kind.name
        super().__init__(f"{kind.code} {self.message}")
