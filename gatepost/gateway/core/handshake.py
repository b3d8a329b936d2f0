"""From an upgrade request to an open connection, or to an HTTP status.

Order: stage, `$connect` function, 101 (section 3). The connection exists once the function has
accepted, not before (B-040).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, unquote

from gatepost.gateway.core import http_errors
from gatepost.gateway.core.closing import GOING_AWAY, Closing
from gatepost.gateway.core.commands import Accept, Refuse, Report
from gatepost.gateway.core.connection import Api, Connection, Handshake, Invocation
from gatepost.gateway.core.deployment import CONNECT
from gatepost.gateway.core.events import MultiValue, connect_event, fixed_context
from gatepost.gateway.core.frames import ENDPOINT_TIMED_OUT, INTERNAL_SERVER_ERROR
from gatepost.gateway.core.http_errors import HttpError
from gatepost.gateway.core.ids import trace_id
from gatepost.gateway.core.inputs import (
    Failed,
    HttpAnswered,
    NotInvocable,
    Outcome,
    Returned,
    Upgrade,
)
from gatepost.gateway.core.results import MalformedResultError, ProxyResult, read_answer
from gatepost.gateway.core.state import State

_SUBPROTOCOL: Final = "Sec-WebSocket-Protocol"
_DROPPED: Final = frozenset({"Connection", "Upgrade", "Content-Length"})
_SPELLINGS: Final = {"websocket": "WebSocket"}
_MAKER: Final = "InternalServerErrorException"
_SWITCHING_PROTOCOLS: Final = 101
_STATUS_PASSED_MIN: Final = 300


def start(state: State, upgrade: Upgrade) -> None:
    """Refuse an upgrade that leads nowhere, accept it without a `$connect` route, or ask it."""
    api = _resolve(state, upgrade)
    if isinstance(api, HttpError):
        _refuse(state, upgrade.handshake_id, api)
        here = ", ".join(f"/{stage}" for stage in state.apis)
        detail = f"{upgrade.path}, where no stage is; there is {here}"
        state.out.append(Report("connect", None, None, api.status, detail=detail))
        return
    if not state.throttles.admit_connect(api.deployed.stage, CONNECT, state.now):
        _refuse(state, upgrade.handshake_id, http_errors.TOO_MANY_REQUESTS)
        state.out.append(Report("connect", None, CONNECT, 429, detail="throttled"))
        return
    headers = read_headers(upgrade.headers)
    agents = headers.get("User-Agent")
    connection = Connection(
        id=api.ids.connection_id(state.now),
        api=api,
        host=upgrade.host,
        source_ip=upgrade.source_ip,
        user_agent=agents[-1] if agents else None,
        connected_at=state.now,
    )
    connection.context = fixed_context(connection)
    handshake = Handshake(upgrade.handshake_id, connection, _offers(headers))
    route = api.deployed.routes.get(CONNECT)
    if route is None:  # B-047
        _accept(state, handshake, None)
        state.out.append(Report("connect", connection.id, None, _SWITCHING_PROTOCOLS, 0.0))
        return
    headers.setdefault("Host", [upgrade.host])
    headers |= _added_headers(upgrade, trace_id(state.now, state.rng))
    request_id = api.ids.request_id(state.now)
    event = connect_event(
        connection,
        headers=headers,
        query=read_query(upgrade.query),
        request_id=request_id,
        now=state.now,
    )
    state.handshakes[handshake.id] = handshake
    state.invoke(connection, route, event, request_id=request_id, cause=handshake)


def finish(state: State, invocation: Invocation, handshake: Handshake, outcome: Outcome) -> None:
    """Accept or refuse as the `$connect` function says (B-041 to B-045).

    A function that accepts when nobody waits any more (see `abandon`) has recorded a connection
    that never was: its `$disconnect` runs, so that the record goes away. This is inferred; on AWS
    `$disconnect` is best effort.
    """
    result, refusal, detail = _judge(state, invocation, outcome)
    if handshake.ended is not None:
        if refusal is None:
            state.disconnect(handshake.connection, handshake.ended)
        return
    del state.handshakes[handshake.id]
    if refusal is not None:
        # No `$disconnect` follows a refusal (B-055, a guess).
        _refuse(state, handshake.id, refusal)
        state.report(invocation, status=refusal.status, detail=detail)
        return
    _accept(state, handshake, result)
    state.report(invocation, status=_SWITCHING_PROTOCOLS)


def expire(state: State, invocation: Invocation, handshake: Handshake) -> None:
    """Answer 504 when the `$connect` function is too slow (B-046); what it says later is lost."""
    if handshake.ended is not None:
        return
    del state.handshakes[handshake.id]
    refusal = _own_refusal(invocation, 504, ENDPOINT_TIMED_OUT)
    _refuse(state, handshake.id, refusal)
    state.report(invocation, status=refusal.status, detail=ENDPOINT_TIMED_OUT)


def abandon(state: State, handshake_id: int) -> None:
    """Stop waiting for the `$connect` function because the client left."""
    handshake = state.handshakes.pop(handshake_id, None)
    if handshake is None:
        return
    handshake.ended = Closing(state.settings.lost_close_code)
    connection = handshake.connection
    state.out.append(
        Report(
            "connect",
            connection.id,
            CONNECT,
            None,
            (state.now - connection.connected_at) * 1000,
            "the client left before $connect ended",
        )
    )


def refuse_pending(state: State) -> None:
    """Refuse every handshake that still waits, because the gateway is going away."""
    for handshake in state.handshakes.values():
        handshake.ended = GOING_AWAY
        _refuse(state, handshake.id, http_errors.SHUTTING_DOWN)
        state.out.append(
            Report("connect", handshake.connection.id, CONNECT, http_errors.SHUTTING_DOWN.status)
        )
    state.handshakes.clear()


def read_headers(headers: Iterable[tuple[str, str]]) -> MultiValue:
    """Return the headers that reach the function, names in canonical case (B-101, B-103)."""
    values: MultiValue = {}
    for name, value in headers:
        spelled = _canonical(name)
        if spelled not in _DROPPED:
            values.setdefault(spelled, []).append(value)
    return values


def read_query(query: str) -> MultiValue:
    """Return the decoded query parameters (B-105)."""
    values: MultiValue = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return values


def _resolve(state: State, upgrade: Upgrade) -> Api | HttpError:
    """Find the API behind `/{stage}` or `/{stage}/`, or why not (B-020, B-023, B-024)."""
    if state.shutting_down:
        return http_errors.SHUTTING_DOWN
    if len(upgrade.path) + len(upgrade.query) > state.settings.url_chars_max:
        return http_errors.URI_TOO_LONG
    stage = unquote(upgrade.path.removeprefix("/").removesuffix("/"))
    return state.apis.get(stage, http_errors.FORBIDDEN)


def _judge(
    state: State, invocation: Invocation, outcome: Outcome
) -> tuple[ProxyResult | None, HttpError | None, str]:
    """Return the result that accepts, or the refusal and why."""
    match outcome:
        case NotInvocable(message=message):
            return None, _own_refusal(invocation, 500, INTERNAL_SERVER_ERROR), message
        case Failed(error_type=error_type, message=message):
            detail = f"{error_type}: {message}"
            return None, _own_refusal(invocation, 502, INTERNAL_SERVER_ERROR), detail
        case Returned() | HttpAnswered():
            try:
                return _read(state, outcome)
            except MalformedResultError as error:
                refusal = _own_refusal(invocation, 502, INTERNAL_SERVER_ERROR)
                return None, refusal, f"malformed result: {error}"


def _read(
    state: State, outcome: Returned | HttpAnswered
) -> tuple[ProxyResult, HttpError | None, str]:
    lenient = state.settings.accept_connect_without_status  # contested (B-045)
    result = read_answer(outcome, status_if_missing=200 if lenient else None)
    if result is None:
        raise MalformedResultError("the function returned nothing")
    if 200 <= result.status_code < _STATUS_PASSED_MIN:  # noqa: PLR2004 - 2xx (B-041)
        return result, None, ""
    if result.status_code < _STATUS_PASSED_MIN:
        raise MalformedResultError(f"statusCode {result.status_code} can't end a handshake")
    return result, HttpError(result.status_code, (), result.body_bytes()), ""


def _own_refusal(invocation: Invocation, status: int, message: str) -> HttpError:
    """Return a refusal made by the gateway, not by the function (B-054, a guess)."""
    return http_errors.http_error(
        status,
        _MAKER,
        message,
        connectionId=invocation.connection.id,
        requestId=invocation.request_id,
    )


def _refuse(state: State, handshake_id: int, refusal: HttpError) -> None:
    state.out.append(Refuse(handshake_id, refusal.status, refusal.headers, refusal.body))


def _accept(state: State, handshake: Handshake, result: ProxyResult | None) -> None:
    """Complete the handshake; of the result only the subprotocol goes along (B-049, B-051)."""
    chosen = result.header(_SUBPROTOCOL) if result is not None else None
    if chosen not in handshake.offered and not state.settings.pass_unoffered_subprotocol:
        chosen = None
    state.out.append(Accept(handshake.id, handshake.connection.id, chosen))
    state.open(handshake.connection)


def _offers(headers: MultiValue) -> tuple[str, ...]:
    offers = ",".join(headers.get(_SUBPROTOCOL, ())).split(",")
    return tuple(name for offer in offers if (name := offer.strip()))


def _added_headers(upgrade: Upgrade, trace: str) -> MultiValue:
    """Return what the gateway adds (B-102); a client can't set these itself.

    Port and scheme are AWS's, where there is nothing but TLS on 443 (B-027).
    """
    return {
        "X-Amzn-Trace-Id": [trace],
        "X-Forwarded-For": [upgrade.source_ip],
        "X-Forwarded-Port": ["443"],
        "X-Forwarded-Proto": ["https"],
    }


@lru_cache(maxsize=256)
def _canonical(name: str) -> str:
    return "-".join(_SPELLINGS.get(word, word.capitalize()) for word in name.lower().split("-"))
