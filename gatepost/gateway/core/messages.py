"""A client's message: its route, its function, and what comes back to the client."""

from gatepost.gateway.core.closing import MESSAGE_TOO_BIG
from gatepost.gateway.core.commands import Report
from gatepost.gateway.core.connection import Invocation
from gatepost.gateway.core.events import message_event
from gatepost.gateway.core.frames import (
    ENDPOINT_TIMED_OUT,
    FORBIDDEN,
    INTERNAL_SERVER_ERROR,
    error_frame,
)
from gatepost.gateway.core.inputs import Failed, Message, NotInvocable, Outcome, Returned
from gatepost.gateway.core.results import MalformedResultError, read_result
from gatepost.gateway.core.state import State


def start(state: State, message: Message) -> None:
    """Invoke the function of the message's route; messages are not queued (B-291).

    Without a route and without `$default` the client gets a `Forbidden` frame (B-165).
    """
    connection, text = state.connections.get(message.connection_id), message.text
    if connection is None:
        return
    if _is_too_long(text, state.settings.message_bytes_max):
        state.close(connection, MESSAGE_TOO_BIG)  # B-252
        return
    connection.last_active_at = state.now
    request_id = connection.api.ids.request_id(state.now)
    route = connection.api.selector.select(text)
    if route is None:
        state.send(connection, error_frame(FORBIDDEN, connection.id, request_id))
        state.out.append(Report("message", connection.id, None, 403, 0.0, "no route matches"))
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
        case Returned(payload=payload):
            _finish_returned(state, invocation, payload)
        case Failed(error_type=error_type, message=message):
            _fail(state, invocation, 502, detail=f"{error_type}: {message}")
        case NotInvocable(message=message):
            _fail(state, invocation, 500, detail=message)


def expire(state: State, invocation: Invocation) -> None:
    """Tell the client that the function is too slow; its result will be ignored (B-181)."""
    _send_error(state, invocation, ENDPOINT_TIMED_OUT)
    state.report(invocation, status=504, detail=ENDPOINT_TIMED_OUT)


def _finish_returned(state: State, invocation: Invocation, payload: bytes) -> None:
    """Read the result; one that is malformed fails a two-way route only (inferred).

    `null` is a result without a body: nothing on a one-way route (B-182), an empty frame on a
    two-way one (B-193). The status does not matter (B-192).
    """
    two_way = invocation.route.two_way
    try:
        result = read_result(payload)
        body = result.body_bytes() if two_way and result is not None else b""
        if two_way:
            _check_body(body, state.settings.message_bytes_max)
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


def _check_body(body: bytes, bytes_max: int) -> None:
    """Raise MalformedResultError unless the body can be one text message (B-250, inferred)."""
    if len(body) > bytes_max:
        raise MalformedResultError(f"body has {len(body)} bytes, a message at most {bytes_max}")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise MalformedResultError("body is not UTF-8 text") from error


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
