"""What a client is answered, and the answers that the gateway itself gives.

HTTP and REST APIs differ in nearly every status and spelling. Sources: API Gateway Developer
Guide, "Working with HTTP APIs" and "Gateway response types"; the texts are those that AWS sends.
"""

from typing import Final, Literal

from msgspec import Struct
from msgspec import json as msgspec_json

from gatepost.emulator.http_api.requests import Headers

Kind = Literal["http", "rest"]

BODY_BYTES_MAX: Final = 10 * 1024 * 1024
"""The largest body that API Gateway takes (its quota: 10 MB)."""


class HttpAnswer(Struct, frozen=True):
    """Status, headers and body."""

    status: int
    headers: Headers = ()
    body: bytes = b""


def _http(status: int, text: str) -> HttpAnswer:
    """Return an answer as an HTTP API writes its own: one JSON object with one text."""
    body = msgspec_json.encode({"message": text})
    return HttpAnswer(status, (("Content-Type", "application/json"),), body)


def _rest(status: int, error_type: str, text: str | None, key: str = "message") -> HttpAnswer:
    """Return an answer as a REST API writes its own: the type in a header as well."""
    headers = (("Content-Type", "application/json"), ("x-amzn-ErrorType", error_type))
    return HttpAnswer(status, headers, msgspec_json.encode({key: text}))


NO_ROUTE: Final[dict[Kind, HttpAnswer]] = {
    "http": _http(404, "Not Found"),
    "rest": _rest(403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
}
"""No route for this method and path."""

BAD_INTEGRATION: Final[dict[Kind, HttpAnswer]] = {
    "http": _http(500, "Internal Server Error"),
    "rest": _rest(502, "InternalServerErrorException", "Internal server error"),
}
"""The function failed, or returned what can't be an answer."""

NO_INTEGRATION: Final[dict[Kind, HttpAnswer]] = {
    "http": _http(500, "Internal Server Error"),
    "rest": _rest(500, "InternalServerErrorException", "Internal server error"),
}
"""The function could not be invoked."""

TIMED_OUT: Final[dict[Kind, HttpAnswer]] = {
    "http": _http(503, "Service Unavailable"),
    "rest": _rest(504, "InternalServerErrorException", "Endpoint request timed out"),
}
"""The function took longer than its route waits."""

TOO_LARGE: Final[dict[Kind, HttpAnswer]] = {
    "http": _http(413, "Request Entity Too Large"),
    "rest": _rest(413, "RequestTooLargeException", "Request Too Long"),
}
"""The body is over BODY_BYTES_MAX, or the event made of it is more than a function takes."""

UNAUTHORIZED: Final[dict[Kind, HttpAnswer]] = {
    "http": _http(401, "Unauthorized"),
    "rest": _rest(401, "UnauthorizedException", "Unauthorized"),
}
"""An identity source is missing or empty; the authorizer was not asked."""

BAD_AUTHORIZER: Final[dict[Kind, HttpAnswer]] = {
    "http": _http(500, "Internal Server Error"),
    "rest": _rest(500, "AuthorizerConfigurationException", None),
}
"""The authorizer failed, or returned what is no answer: nobody is let in."""

DENIED: Final[dict[Kind, HttpAnswer]] = {
    "http": _http(403, "Forbidden"),
    "rest": _rest(
        403, "AccessDeniedException", "User is not authorized to access this resource", "Message"
    ),
}
"""The authorizer did not allow it."""

DENIED_EXPLICITLY: Final[dict[Kind, HttpAnswer]] = {
    "http": DENIED["http"],
    "rest": _rest(
        403,
        "AccessDeniedException",
        "User is not authorized to access this resource with an explicit deny",
        "Message",
    ),
}
"""A statement of the authorizer's policy denies it."""
