"""Plain HTTP at the gateway: the `@connections` API, and what any other request is told.

Signatures count where the settings say so (B-201).
"""

from typing import Final
from urllib.parse import unquote

from msgspec import json as msgspec_json

from gatepost.gateway.core import faulting, http_errors
from gatepost.gateway.core.addresses import Address
from gatepost.gateway.core.admission import call_refusal
from gatepost.gateway.core.closing import DELETED
from gatepost.gateway.core.commands import Answer, Close, Report, ReportKind
from gatepost.gateway.core.connection import Api, Connection
from gatepost.gateway.core.events import identity
from gatepost.gateway.core.http_errors import HttpError, http_error
from gatepost.gateway.core.ids import is_well_formed
from gatepost.gateway.core.inputs import ManagementCall
from gatepost.gateway.core.state import State
from gatepost.gateway.core.timestamps import iso

_KINDS: Final[dict[str, ReportKind]] = {"POST": "send", "GET": "get", "DELETE": "delete"}
_MARKER: Final = "@connections"
_JSON: Final = (("Content-Type", "application/json"),)


def answer(state: State, call: ManagementCall) -> None:
    """Answer one HTTP request that is not an upgrade."""
    address = state.addresses.resolve(call.host, call.path)
    rest = "" if address is None else address.rest[1:]
    marker, _, last = rest.partition("/")
    is_marked = marker == _MARKER or unquote(marker) == _MARKER
    if address is None or not is_marked or not last or "/" in last:
        _answer_elsewhere(state, call, address)
        return
    api = address.api
    # Every id ends in "="; once that is decoded, `unquote` has nothing left to do, and is quick.
    connection_id = unquote(last.replace("%3D", "="))
    if not state.throttles.admit_call(state.now):
        _refuse(state, call, http_errors.LIMIT_EXCEEDED, connection_id)  # B-314
        return
    connection = _reachable(state, api, connection_id)
    if call.method not in _KINDS:
        # Inferred from B-218: what is no method of the API is answered like a wrong path.
        _refuse(state, call, http_errors.FORBIDDEN, connection_id)
    elif (
        state.settings.verify_signatures
        and (refusal := call_refusal(call, api, state.settings, state.now))
    ) or (refusal := faulting.call_refusal(state, connection_id)):
        _refuse(state, call, refusal, connection_id)
    elif connection is None:
        _refuse(state, call, _absence(state, api, connection_id), connection_id)
    elif call.method == "POST":
        _post(state, call, connection)
    elif call.method == "GET":
        _get(state, call, connection)
    else:
        _delete(state, call, connection)


def _post(state: State, call: ManagementCall, connection: Connection) -> None:
    """Deliver the payload as one text message (B-206), or as the settings guess.

    Guesses are about one that is empty (B-208) and one that is no text (B-207).
    A client that has stopped reading gets no more than its bounded buffer holds (B-203).
    """
    if len(call.body) > state.settings.message_bytes_max:
        message = state.settings.too_long_message
        _refuse(state, call, http_error(413, "PayloadTooLargeException", message), connection.id)
        return
    if not call.body and state.settings.refuse_empty_posts:
        _refuse(state, call, http_errors.EMPTY_PAYLOAD, connection.id)
        return
    binary = not call.body.isascii() and not _is_utf8(call.body)
    if binary and not state.settings.binary_posts:
        _refuse(state, call, http_errors.INVALID_PAYLOAD, connection.id)
        return
    if connection.backlogged:  # B-203
        _refuse(state, call, http_errors.LIMIT_EXCEEDED, connection.id)
        return
    if faulting.hangs(state, call, connection):
        return
    state.deliver(connection, call.body, binary=binary)
    state.out.append(Answer(call.call_id, 200))
    state.out.append(_report("send", connection.id, 200))


def _get(state: State, call: ManagementCall, connection: Connection) -> None:
    """Tell what the service model declares (B-210)."""
    body = {
        "connectedAt": iso(connection.connected_at),
        "identity": identity(connection),
        "lastActiveAt": iso(connection.last_active_at),
    }
    state.out.append(Answer(call.call_id, 200, _JSON, msgspec_json.encode(body)))
    state.out.append(_report("get", connection.id, 200))


def _delete(state: State, call: ManagementCall, connection: Connection) -> None:
    """Close the connection: without a reason on the wire, with one in the event (B-212).

    The code on the wire is a guess.
    """
    state.out.append(Close(connection.id, state.settings.deleted_close_code))
    state.out.append(Answer(call.call_id, 204))
    state.out.append(_report("delete", connection.id, 204))
    state.end(connection, DELETED)


def _reachable(state: State, api: Api, connection_id: str) -> Connection | None:
    """Find an open connection of this API, once its opening window is over (B-221)."""
    connection = state.connections.get(connection_id)
    if connection is None or connection.api is not api:
        return None
    opened_for_s = state.now - connection.opened_at
    return connection if opened_for_s >= state.settings.opening_window_s else None


def _absence(state: State, api: Api, connection_id: str) -> HttpError:
    """Say why there is no such connection (B-214 to B-217).

    One whose `$connect` still runs is as gone as one that has closed (B-220).
    """
    if not is_well_formed(connection_id):
        return http_errors.INVALID_CONNECTION_ID
    foreign_is_gone = state.settings.foreign_connection_status == http_errors.GONE.status
    if foreign_is_gone or api.ids.issued(connection_id):
        return http_errors.GONE
    return http_errors.FORBIDDEN


def _answer_elsewhere(state: State, call: ManagementCall, address: Address | None) -> None:
    """Answer a request that is not for `@connections` (B-025, B-218, B-326)."""
    refusal = http_errors.FORBIDDEN
    if address is not None and address.rest in {"", "/"}:
        refusal = _socket_refusal(state, call)
    elif address is not None and address.custom:
        route = address.rest.removeprefix("/")
        message = f"No method found matching route {route} for http method {call.method}."
        refusal = http_error(403, "ForbiddenException", message)
    state.out.append(Answer(call.call_id, *refusal))
    detail = f"{call.method} {call.path}"
    state.out.append(Report("http", None, None, refusal.status, detail=detail))


def _socket_refusal(state: State, call: ManagementCall) -> HttpError:
    """Say what a request without upgrade headers gets at the socket's path (B-025)."""
    refusal = http_errors.FORBIDDEN
    if call.method in {"GET", "HEAD"}:
        refusal = http_error(
            state.settings.plain_get_status, "UpgradeRequiredException", "Upgrade Required"
        )
        refusal = refusal._replace(headers=(("Upgrade", "websocket"), *refusal.headers))
    return refusal


def _refuse(state: State, call: ManagementCall, refusal: HttpError, connection_id: str) -> None:
    state.out.append(Answer(call.call_id, *refusal))
    kind = _KINDS.get(call.method, "http")
    state.out.append(_report(kind, connection_id, refusal.status))


def _report(kind: ReportKind, connection_id: str, status: int) -> Report:
    """Write the live log's line; a call is answered in the moment that it comes, after 0 ms."""
    return Report(kind, connection_id, "@connections", status, 0.0)


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
