"""HTTP answers that the gateway itself gives when a request is refused."""

from typing import Final, NamedTuple

from msgspec import json as msgspec_json

Headers = tuple[tuple[str, str], ...]

_JSON: Final = ("Content-Type", "application/json")


class HttpError(NamedTuple):
    """Status, headers and body of a refusal."""

    status: int
    headers: Headers
    body: bytes


def http_error(status: int, error_type: str, message: str, **more: str) -> HttpError:
    """Return a refusal as AWS writes it: the type in a header, the message in JSON (B-023)."""
    body = msgspec_json.encode({"message": message, **more})
    return HttpError(status, (_JSON, ("x-amzn-ErrorType", error_type)), body)


FORBIDDEN: Final = http_error(403, "ForbiddenException", "Forbidden")
"""Unknown stage or path, on an upgrade (B-023, B-024) and on any other request (B-218)."""

NOT_FOUND: Final = http_error(404, "NotFoundException", "Not Found")
"""More path than the stage on an upgrade, where the settings say so (B-024, a guess)."""

GONE: Final = HttpError(410, (("x-amzn-ErrorType", "GoneException"),), b"")
"""A connection that was open and is not any more; the body is empty (B-214)."""

INVALID_CONNECTION_ID: Final = http_error(400, "BadRequestException", "Invalid connectionId")
"""A malformed connection id (B-216)."""

INVALID_PAYLOAD: Final = http_error(
    400, "BadRequestException", "Payload is not valid UTF-8; send text, or base64 of the bytes"
)
"""A payload that a text frame can't carry (B-207, a guess)."""

EMPTY_PAYLOAD: Final = http_error(400, "BadRequestException", "Payload is empty")
"""An empty payload, where the settings refuse it (B-208, a guess)."""

TOO_MANY_REQUESTS: Final = http_error(429, "TooManyRequestsException", "Too Many Requests")
"""A throttled handshake (B-312)."""

LIMIT_EXCEEDED: Final = HttpError(429, (("x-amzn-ErrorType", "LimitExceededException"),), b"")
"""A call that is throttled (B-314), or whose client reads too slowly (B-203); the empty body is
inferred."""

URI_TOO_LONG: Final = http_error(414, "RequestUriTooLongException", "Request-URI Too Long")
"""A URL over the limit of B-028; the status is inferred from that of a long ARN."""

SHUTTING_DOWN: Final = http_error(503, "ServiceUnavailableException", "Service Unavailable")
"""The gateway is going away and takes no new connections. Not a state that AWS has."""
