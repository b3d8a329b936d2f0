"""A client's message: its route, its integration, and what comes back to the client."""

from typing import NamedTuple

from gatepost.gateway.core.closing import MESSAGE_TOO_BIG
from gatepost.gateway.core.commands import Report
from gatepost.gateway.core.connection import Connection, Invocation
from gatepost.gateway.core.deployment import Route
from gatepost.gateway.core.events import message_event
from gatepost.gateway.core.frames import (
    BAD_REQUEST_BODY,
    ENDPOINT_TIMED_OUT,
    FORBIDDEN,
    INTERNAL_SERVER_ERROR,
    error_frame,
    invalid_body_frame,
)
from gatepost.gateway.core.inputs import (
    Failed,
    HttpAnswered,
    Message,
    NotInvocable,
    Outcome,
    Returned,
)
from gatepost.gateway.core.results import MalformedResultError, read_answer
from gatepost.gateway.core.state import State


class _Refusal(NamedTuple):
    """Why a message does not reach its integration, for the client and for the live log."""

    route: Route | None
    status: int
    text: str
    detail: str


def start(state: State, message: Message) -> None:
    """Begin the integration of the message's route; messages are not queued (B-291).

    Without a route and without `$default` the client gets a `Forbidden` frame (B-165), too many
    messages get another (B-313, a guess).
    """
    connection, text = state.connections.get(message.connection_id), message.text
    if connection is None:
        return
    if _is_too_long(text, state.settings.message_bytes_max):
        state.close(connection, MESSAGE_TOO_BIG)  # B-252
        return
    connection.last_active_at = state.now
    request_id = connection.api.ids.request_id(state.now)
    route = _route_of(state, connection, text)
    if isinstance(route, _Refusal):
        state.send(connection, _refusal_frame(state, connection, request_id, route))
        route_key = None if route.route is None else route.route.key
        state.out.append(
            Report("message", connection.id, route_key, route.status, 0.0, route.detail)
        )
        return
    event = message_event(
        connection, text, route_key=route.key, request_id=request_id, now=state.now
    )
    state.invoke(connection, route, event, request_id=request_id)


def finish(state: State, invocation: Invocation, outcome: Outcome) -> None:
    """Send the route response of a two-way route, or an error frame on either kind.

    The result of a one-way route is dropped whatever it says (B-182, B-183).
    """
    match outcome:
        case Returned() | HttpAnswered():
            _finish_answered(state, invocation, outcome)
        case Failed(error_type=error_type, message=message):
            _fail(state, invocation, 502, detail=f"{error_type}: {message}")
        case NotInvocable(message=message):
            _fail(state, invocation, 500, detail=message)


def expire(state: State, invocation: Invocation) -> None:
    """Tell the client that the function is too slow; its result will be ignored (B-181)."""
    _send_error(state, invocation, ENDPOINT_TIMED_OUT)
    state.report(invocation, status=504, detail=ENDPOINT_TIMED_OUT)


def _route_of(state: State, connection: Connection, text: str) -> Route | _Refusal:
    """Return the message's route, or why it goes nowhere (B-165, B-168, B-313)."""
    api = connection.api
    route = api.selector.select(text)
    key = "" if route is None else route.key
    if not state.throttles.admit_message(api.deployed, key, state.now):
        return _Refusal(route, 429, state.settings.throttled_message, "throttled")
    if state.lanes.is_full(connection.id):
        return _Refusal(route, 429, state.settings.throttled_message, "too many messages wait")
    if route is None:
        return _Refusal(None, 403, FORBIDDEN, "no route matches")
    models = api.models.get(key)
    if models is not None and (objection := models.objection(text)) is not None:
        return _Refusal(route, 400, BAD_REQUEST_BODY, objection)
    return route


def _refusal_frame(
    state: State, connection: Connection, request_id: str, refusal: _Refusal
) -> bytes:
    if refusal.text == BAD_REQUEST_BODY:
        return invalid_body_frame(connection.id, connection.api.ids.message_id(state.now))
    return error_frame(refusal.text, connection.id, request_id)


def _finish_answered(
    state: State, invocation: Invocation, outcome: Returned | HttpAnswered
) -> None:
    """Read the result; one that is malformed fails a two-way route only (inferred).

    `null` is a result without a body: nothing on a one-way route (B-182), an empty frame on a
    two-way one (B-193). The status does not matter (B-192).
    """
    two_way = invocation.route.two_way
    try:
        result = read_answer(outcome)
        bytes_max = state.settings.message_bytes_max
        body = result.text_bytes(bytes_max) if two_way and result is not None else b""
    except MalformedResultError as error:
        if two_way:
            _fail(state, invocation, 502, detail=f"malformed result: {error}")
        else:
            state.report(invocation, status=None, detail=f"malformed result: {error}")
        return
    connection = invocation.connection
    if two_way and connection.id in state.connections:
        state.send(connection, body)
    state.report(invocation, status=None if result is None else result.status_code)


def _fail(state: State, invocation: Invocation, status: int, *, detail: str) -> None:
    """Send `Internal server error`, on one-way routes too (B-180)."""
    _send_error(state, invocation, INTERNAL_SERVER_ERROR)
    state.report(invocation, status=status, detail=detail)


def _send_error(state: State, invocation: Invocation, message: str) -> None:
    connection = invocation.connection
    if connection.id in state.connections:
        state.send(connection, error_frame(message, connection.id, invocation.request_id))


def _is_too_long(text: str, bytes_max: int) -> bool:
    # A character has at most 4 bytes, so most texts need no encoding to know.
    return len(text) * 4 > bytes_max and len(text.encode()) > bytes_max
