"""Errors as problem details (RFC 9457): the protocol's errors with an HTTP status each.

Not here: which error a situation deserves; the domain decides.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from functions.core import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.core.errors import ErrorKind, ProtocolError

MEDIA_TYPE: Final = "application/problem+json"

STATUSES: Final["Mapping[ErrorKind, HTTPStatus]"] = {
    errors.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
    errors.UNKNOWN_CHANNEL: HTTPStatus.NOT_FOUND,
    errors.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    errors.UNKNOWN_ACTION: HTTPStatus.NOT_FOUND,
    errors.LIMIT_EXCEEDED: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
    errors.NOT_AVAILABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TOKEN_EXPIRED: HTTPStatus.UNAUTHORIZED,
    errors.TOO_MANY_REQUESTS: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UNRECOVERABLE_POSITION: HTTPStatus.GONE,
}


class Problem(Struct, frozen=True):
    """The body of every answer that is no success; RFC 9457 defines the first four.

    `code` is the protocol's, and `temporary` says that the same request may succeed later. Both
    are missing where HTTP itself is at fault (no such path, another method).
    """

    type: str
    title: str
    status: int
    detail: str
    code: int | UnsetType = UNSET
    temporary: bool | UnsetType = UNSET


def of_error(error: "ProtocolError") -> Response:
    """Answer with an error of the protocol; its type leads to the page that explains it."""
    kind = error.kind
    status = STATUSES[kind]
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"  # RFC 6750, section 3
    if kind == errors.PERMISSION_DENIED:
        headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'
    if kind.temporary:
        headers["Retry-After"] = "1"
    problem = Problem(
        type=f"/docs#error-{kind.code}",
        title=kind.name,
        status=status,
        detail=error.message,
        code=kind.code,
        temporary=kind.temporary,
    )
    return _response(problem, headers)


def of_status(status: int, detail: str, headers: "Mapping[str, str] | None" = None) -> Response:
    """Answer with what only HTTP has a word for; such a problem has no type of its own."""
    title = HTTPStatus(status).phrase
    return _response(Problem("about:blank", title, status, detail), headers)


def _response(problem: Problem, headers: "Mapping[str, str] | None") -> Response:
    return Response(msgspec.json.encode(problem), problem.status, headers, media_type=MEDIA_TYPE)
