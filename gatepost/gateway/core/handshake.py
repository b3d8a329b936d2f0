"""From an upgrade request to an open connection, or to an HTTP status.

Order: address, authorization, API key, `$connect` function, 101 (section 3). The connection
exists once the function has accepted, not before (B-040).
"""

from typing import Final

from gatepost.gateway.core import http_errors
from gatepost.gateway.core.addresses import Address
from gatepost.gateway.core.admission import find_api_key, upgrade_refusal
from gatepost.gateway.core.authorization import (
    UNAUTHORIZED,
    AuthorizerFailedError,
    read_grant,
)
from gatepost.gateway.core.closing import GOING_AWAY, Closing
from gatepost.gateway.core.commands import Accept, Refuse, Report
from gatepost.gateway.core.connection import Connection, Handshake, Invocation
from gatepost.gateway.core.deployment import CONNECT, Authorizer, LambdaProxy, Route
from gatepost.gateway.core.events import (
    authorizer_event,
    connect_context,
    connect_event,
    fixed_context,
)
from gatepost.gateway.core.frames import ENDPOINT_TIMED_OUT, FORBIDDEN, INTERNAL_SERVER_ERROR
from gatepost.gateway.core.http_errors import HttpError
from gatepost.gateway.core.identity_sources import missing_source
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
from gatepost.gateway.core.upgrade_request import (
    SUBPROTOCOL,
    added_headers,
    offers,
    read_headers,
    read_query,
)

_ERROR_TYPES: Final = {401: "UnauthorizedException", 403: "ForbiddenException"}
_ROOT: Final = frozenset({"", "/"})
_SWITCHING_PROTOCOLS: Final = 101
_STATUS_PASSED_MIN: Final = 300


def start(state: State, upgrade: Upgrade) -> None:
    """Refuse an upgrade that leads nowhere, accept it without a `$connect` route, or ask further.

    What is asked: the authorizer, then the `$connect` function.
    """
    address = _resolve(state, upgrade)
    if isinstance(address, HttpError):
        _refuse(state, upgrade.handshake_id, address)
        here = ", ".join(state.addresses.paths) or "only a custom domain"
        detail = f"{upgrade.path}, where no stage is; there is {here}"
        state.out.append(Report("connect", None, None, address.status, detail=detail))
        return
    api = address.api.deployed
    if not state.throttles.admit_connect(api, state.now):
        _refuse(state, upgrade.handshake_id, http_errors.TOO_MANY_REQUESTS)
        state.out.append(Report("connect", None, CONNECT, 429, detail="throttled"))
        return
    handshake = _begin(state, upgrade, address)
    connection = handshake.connection
    route = api.routes.get(CONNECT)
    if route is None:  # B-047
        _accept(state, handshake, None)
        state.out.append(Report("connect", connection.id, None, _SWITCHING_PROTOCOLS, 0.0))
    elif isinstance(route.authorization, Authorizer):
        _ask_authorizer(state, handshake, route.authorization)
    elif route.authorization == "AWS_IAM" and (
        refusal := upgrade_refusal(upgrade, connection, state.settings, state.now)
    ):
        _turn_away(state, handshake, refusal, "AWS_IAM")
    else:
        _admit(state, handshake, route)


def finish(state: State, invocation: Invocation, handshake: Handshake, outcome: Outcome) -> None:
    """Go on or refuse as the authorizer says, then as the `$connect` function (B-041 to B-045).

    A `$connect` function that accepts when nobody waits any more (see `abandon`) has recorded a
    connection that never was: its `$disconnect` runs, so that the record goes away. This is
    inferred; on AWS `$disconnect` is best effort.
    """
    if handshake.authorizing:
        if handshake.ended is None:
            _finish_authorizer(state, invocation, handshake, outcome)
        return
    result, refusal, detail = _judge(state, handshake, outcome)
    if handshake.ended is not None:
        if refusal is None:
            state.disconnect(handshake.connection, handshake.ended)
        return
    if refusal is not None:
        _turn_away(state, handshake, refusal, detail, invocation=invocation)
        return
    del state.handshakes[handshake.id]
    _accept(state, handshake, result)
    if state.settings.connect_response and invocation.route.two_way and result is not None:
        detail = _respond(state, handshake.connection, result)
    state.report(invocation, status=_SWITCHING_PROTOCOLS, detail=detail)


def expire(state: State, invocation: Invocation, handshake: Handshake) -> None:
    """Answer 504 when the `$connect` function is too slow (B-046); what it says later is lost.

    An authorizer that is too slow has failed (B-080, B-087).
    """
    if handshake.ended is not None:
        return
    if handshake.authorizing:
        refusal = _own_refusal(state, handshake, 500, INTERNAL_SERVER_ERROR)
    else:
        refusal = _own_refusal(state, handshake, 504, ENDPOINT_TIMED_OUT)
    _turn_away(state, handshake, refusal, ENDPOINT_TIMED_OUT, invocation=invocation)


def abandon(state: State, handshake_id: int) -> None:
    """Stop waiting for authorizer or `$connect` function because the client left."""
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


def _resolve(state: State, upgrade: Upgrade) -> Address | HttpError:
    """Find the API, behind `/{stage}` or `/{stage}/`, or why not (B-020, B-023, B-024)."""
    if state.shutting_down:
        return http_errors.SHUTTING_DOWN
    if len(upgrade.path) + len(upgrade.query) > state.settings.url_chars_max:
        return http_errors.URI_TOO_LONG
    address = state.addresses.resolve(upgrade.host, upgrade.path)
    if address is None:
        return http_errors.FORBIDDEN
    if address.rest not in _ROOT:
        is_forbidden = state.settings.extra_path_status == http_errors.FORBIDDEN.status
        return http_errors.FORBIDDEN if is_forbidden else http_errors.NOT_FOUND
    return address


def _begin(state: State, upgrade: Upgrade, address: Address) -> Handshake:
    """Give the connection its id, and collect what functions are shown of the request."""
    api = address.api
    headers = read_headers(upgrade.headers)
    agents = headers.get("User-Agent")
    offered = offers(headers)
    headers.setdefault("Host", [upgrade.host])
    headers |= added_headers(upgrade, trace_id(state.now, state.rng))
    connection = Connection(
        id=api.ids.connection_id(state.now),
        api=api,
        host=upgrade.host,
        source_ip=upgrade.source_ip,
        user_agent=agents[-1] if agents else None,
        connected_at=state.now,
    )
    connection.context = fixed_context(connection, address.domain_name)
    return Handshake(
        upgrade.handshake_id,
        connection,
        api.ids.request_id(state.now),
        headers,
        read_query(upgrade.query),
        offered,
    )


def _ask_authorizer(state: State, handshake: Handshake, authorizer: Authorizer) -> None:
    """Invoke the authorizer, each time anew (B-071), unless an identity source is missing."""
    connection = handshake.connection
    context = connect_context(connection, handshake.request_id)
    missing = missing_source(
        connection.api.identity_sources,
        headers=handshake.headers,
        query=handshake.query,
        stage_variables=connection.api.deployed.stage_variables,
        context=context,
    )
    if missing is not None:
        refusal = _own_refusal(state, handshake, 401, UNAUTHORIZED)
        _turn_away(state, handshake, refusal, f"identity source {missing} is missing")
        return
    handshake.authorizing = True
    event = authorizer_event(
        connection, headers=handshake.headers, query=handshake.query, context=context
    )
    _ask(state, handshake, Route(CONNECT, LambdaProxy(authorizer.function)), event)


def _finish_authorizer(
    state: State, invocation: Invocation, handshake: Handshake, outcome: Outcome
) -> None:
    """Go on to the API key, or answer 401, 403 or 500 (B-078 to B-080)."""
    connection = handshake.connection
    try:
        grant = read_grant(
            outcome,
            resource=connection.api.arn(CONNECT),
            bytes_max=state.settings.authorizer_result_bytes_max,
        )
    except AuthorizerFailedError as failure:
        if failure.unauthorized:
            refusal = _own_refusal(state, handshake, 401, UNAUTHORIZED)
        else:
            refusal = _own_refusal(state, handshake, 500, INTERNAL_SERVER_ERROR)
        _turn_away(state, handshake, refusal, f"authorizer: {failure}", invocation=invocation)
        return
    if not grant.allowed:
        refusal = _own_refusal(state, handshake, 403, FORBIDDEN)
        detail = f"authorizer: its policy does not allow {connection.api.arn(CONNECT)}"
        _turn_away(state, handshake, refusal, detail, invocation=invocation)
        return
    handshake.authorizing = False
    handshake.authorizer_ms = int((state.now - invocation.started_at) * 1000)
    connection.context["authorizer"] = grant.context
    _admit(state, handshake, connection.api.deployed.routes[CONNECT], usage_key=grant.usage_key)


def _admit(
    state: State, handshake: Handshake, route: Route, *, usage_key: str | None = None
) -> None:
    """Ask the `$connect` function, if the client has the API key that the route wants (B-086)."""
    if route.api_key_required:
        key = find_api_key(handshake, usage_key)
        if key is None:
            refusal = _own_refusal(state, handshake, 403, FORBIDDEN)
            _turn_away(state, handshake, refusal, "no valid API key")
            return
        if not state.throttles.admit_key(key, state.now):
            detail = f"the usage plan of API key {key.name} is used up"
            _turn_away(state, handshake, http_errors.TOO_MANY_REQUESTS, detail)
            return
    connection = handshake.connection
    context = connect_context(connection, handshake.request_id, handshake.authorizer_ms)
    event = connect_event(
        connection, headers=handshake.headers, query=handshake.query, context=context
    )
    _ask(state, handshake, route, event)


def _ask(state: State, handshake: Handshake, route: Route, event: bytes) -> None:
    state.handshakes[handshake.id] = handshake
    state.invoke(
        handshake.connection, route, event, request_id=handshake.request_id, cause=handshake
    )


def _judge(
    state: State, handshake: Handshake, outcome: Outcome
) -> tuple[ProxyResult | None, HttpError | None, str]:
    """Return the result that accepts, or the refusal and why."""
    match outcome:
        case NotInvocable(message=message):
            return None, _own_refusal(state, handshake, 500, INTERNAL_SERVER_ERROR), message
        case Failed(error_type=error_type, message=message):
            detail = f"{error_type}: {message}"
            return None, _own_refusal(state, handshake, 502, INTERNAL_SERVER_ERROR), detail
        case Returned() | HttpAnswered():
            try:
                return _read(state, outcome)
            except MalformedResultError as error:
                refusal = _own_refusal(state, handshake, 502, INTERNAL_SERVER_ERROR)
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


def _own_refusal(state: State, handshake: Handshake, status: int, message: str) -> HttpError:
    """Return a refusal made by the gateway, not by the function (B-054, a guess)."""
    ids = {"connectionId": handshake.connection.id, "requestId": handshake.request_id}
    return http_errors.http_error(
        status,
        _ERROR_TYPES.get(status, "InternalServerErrorException"),
        message,
        **(ids if state.settings.rejection_has_ids else {}),
    )


def _turn_away(
    state: State,
    handshake: Handshake,
    refusal: HttpError,
    detail: str,
    *,
    invocation: Invocation | None = None,
) -> None:
    """Refuse a handshake, whether a function was asked or not, and say why in the live log.

    No `$disconnect` follows, unless the settings want one after `$connect` (B-055, a guess).
    """
    state.handshakes.pop(handshake.id, None)
    _refuse(state, handshake.id, refusal)
    if invocation is not None:
        state.report(invocation, status=refusal.status, detail=detail)
        if state.settings.disconnect_after_rejection and not handshake.authorizing:
            state.disconnect(handshake.connection, Closing(state.settings.lost_close_code))
        return
    connection_id = handshake.connection.id
    state.out.append(Report("connect", connection_id, CONNECT, refusal.status, 0.0, detail))


def _refuse(state: State, handshake_id: int, refusal: HttpError) -> None:
    state.out.append(Refuse(handshake_id, refusal.status, refusal.headers, refusal.body))


def _accept(state: State, handshake: Handshake, result: ProxyResult | None) -> None:
    """Complete the handshake; of the result only the subprotocol goes along (B-049, B-051)."""
    chosen = result.header(SUBPROTOCOL) if result is not None else None
    if chosen not in handshake.offered and not state.settings.pass_unoffered_subprotocol:
        chosen = None
    state.out.append(Accept(handshake.id, handshake.connection.id, chosen))
    state.open(handshake.connection)


def _respond(state: State, connection: Connection, result: ProxyResult) -> str:
    """Send the body of `$connect` as a first frame (B-056, a guess), or return why it can't be."""
    try:
        state.send(connection, result.text_bytes(state.settings.message_bytes_max))
    except MalformedResultError as error:
        return f"malformed result: {error}"
    return ""
