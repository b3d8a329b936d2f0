"""The gateway: one input in, the commands it leads to out.

This module decides which part of the core an input belongs to, and keeps time. It holds no rule of
the gateway's behaviour itself.
"""

from functools import partial
from math import inf
from random import Random

from gatepost.gateway.core import admission, faulting, handshake, management, messages
from gatepost.gateway.core.addresses import Addresses
from gatepost.gateway.core.closing import GOING_AWAY, NO_STATUS, UNSUPPORTED_DATA, Closing
from gatepost.gateway.core.commands import Command, WakeAt
from gatepost.gateway.core.connection import Api, Connection, Handshake, Invocation
from gatepost.gateway.core.deployment import (
    CONNECT,
    DEFAULT,
    DISCONNECT,
    Authorizer,
    Deployment,
    LambdaMapped,
    WebSocketApi,
)
from gatepost.gateway.core.faults import NO_FAULTS
from gatepost.gateway.core.frames import ENDPOINT_TIMED_OUT
from gatepost.gateway.core.identity_sources import IdentitySource, parse_identity_source
from gatepost.gateway.core.ids import IdSource
from gatepost.gateway.core.inputs import (
    BinaryMessage,
    Failed,
    HttpAnswered,
    Input,
    InvocationFinished,
    Lost,
    ManagementCall,
    Message,
    NotInvocable,
    Outcome,
    PeerClosed,
    Pinged,
    ProtocolFailed,
    Returned,
    Shutdown,
    Tick,
    Upgrade,
    UpgradeAbandoned,
)
from gatepost.gateway.core.integrations import Ready, as_result, prepare
from gatepost.gateway.core.models import Models, models_of
from gatepost.gateway.core.routes import RouteSelector
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.core.state import State
from gatepost.gateway.core.throttling import Throttles

_PREDEFINED = frozenset({CONNECT, DISCONNECT, DEFAULT})
_DEFAULT_SETTINGS = GatewaySettings()


class Gateway:
    """The WebSocket APIs of a deployment, each at its addresses (see the module of that name).

    The same deployment, settings, seed and inputs give the same commands, so that a recorded trace
    can be replayed. Raises ValueError when APIs or domains exclude each other, when a route key is
    reserved, and when a selection expression, an identity source, a mapping template or a model
    can't be read, or what callers must show can't be asked (see `admission.check`).
    """

    def __init__(
        self,
        deployment: Deployment,
        *,
        settings: GatewaySettings = _DEFAULT_SETTINGS,
        seed: int | None = None,
    ) -> None:
        rng = Random(seed)  # noqa: S311 - ids are no secrets here, and must be repeatable
        self._state = State(
            settings,
            _addresses(deployment, rng, settings),
            rng,
            Throttles(settings, deployment.apis),
        )
        self._wake_at = inf

    def receive(self, given: Input, now: float) -> list[Command]:
        """Take in one thing that happened at `now` (epoch seconds); return what to do, in order.

        Whatever became due by `now` happens before the input. An input about a connection,
        handshake or invocation that is over is ignored. Time never goes back: a `now` before an
        earlier one counts as that one.
        """
        state = self._state
        state.now = max(now, state.now)
        state.out = []
        if state.now >= self._wake_at:
            self._expire()
            self._settle()
        self._dispatch(given)
        self._settle()
        next_at = min(state.deadlines.next_at(), state.later.next_at())
        if next_at < self._wake_at:
            self._wake_at = next_at
            state.out.append(WakeAt(next_at))
        return state.out if state.faults is NO_FAULTS else faulting.disturbed(state)

    def connections(self) -> list[Connection]:
        """List the open connections, the oldest first; to be read, not changed."""
        return list(self._state.connections.values())

    def _dispatch(self, given: Input) -> None:
        state = self._state
        # The most frequent first: a broadcast is one ManagementCall for each recipient.
        match given:
            case ManagementCall():
                management.answer(state, given)
            case Message():
                messages.start(state, given)
            case InvocationFinished():
                self._finish(given)
            case Tick():
                # Also when it came early: the shell's timer is spent, so it needs a new WakeAt.
                self._wake_at = inf
            case Upgrade():
                handshake.start(state, given)
            case UpgradeAbandoned():
                handshake.abandon(state, given.handshake_id)
            case Shutdown():
                self._shut_down()
            case PeerClosed() | Lost() | BinaryMessage() | ProtocolFailed() | Pinged():
                self._hear(given)
            case _:
                faulting.receive(state, given)

    def _settle(self) -> None:
        """Take in the outcomes of those integrations that answer by themselves."""
        while self._state.settled:
            self._finish(self._state.settled.pop(0))

    def _finish(self, given: InvocationFinished) -> None:
        """Hand the outcome to whoever asked for the invocation, unless that gave up (B-181)."""
        state = self._state
        invocation = state.invocations.get(given.invocation_id)
        if invocation is None:
            return
        delay_s = state.faults.connect_delay_s
        if delay_s and not state.shutting_down and _is_connect(invocation):
            state.later.put(state.now + delay_s, partial(self._act, given))
        else:
            self._act(given)

    def _act(self, given: InvocationFinished) -> None:
        state = self._state
        invocation = state.invocations.pop(given.invocation_id, None)
        if invocation is None:  # its time ran out while a fault delayed it
            return
        state.deadlines.cancel(invocation.id)
        outcome, route = given.outcome, invocation.route
        if isinstance(route.integration, LambdaMapped):
            outcome = as_result(invocation.connection.api.integrations[route.key], outcome)
        match invocation.cause:
            case None:
                messages.finish(state, invocation, outcome)
            case Handshake() as pending:
                handshake.finish(state, invocation, pending, outcome)
            case Closing(code=code):
                # The result reaches no one (B-136); only the live log tells of a failure.
                state.report(invocation, status=code, detail=_failure(given.outcome))
        state.ended(invocation)

    def _hear(self, given: PeerClosed | Lost | BinaryMessage | ProtocolFailed | Pinged) -> None:
        """End a connection that the client closed, left or broke (section 9), or note its ping.

        A client that closed or left gets no Close. After ProtocolFailed the shell may have sent
        that close frame already (B-252, B-259); the Close then only ends the link.
        """
        state = self._state
        connection = state.connections.get(given.connection_id)
        if connection is None:
            return
        match given:
            case PeerClosed(code=None):
                state.end(connection, NO_STATUS)
            case PeerClosed(code=int() as code, reason=reason):
                state.end(connection, Closing(code, reason))  # B-133
            case Lost():
                state.end(connection, Closing(state.settings.lost_close_code))
            case BinaryMessage():
                state.close(connection, UNSUPPORTED_DATA)  # B-256
            case ProtocolFailed(code=code):
                state.close(connection, Closing(code))
            case Pinged():
                connection.last_active_at = state.now

    def _shut_down(self) -> None:
        """Let what is held back happen now, since nothing comes later; then end everything."""
        state = self._state
        state.shutting_down = True
        self._act_until(inf)
        handshake.refuse_pending(state)
        for connection in list(state.connections.values()):
            state.close(connection, GOING_AWAY)

    def _expire(self) -> None:
        self._wake_at = inf
        state = self._state
        while (key := state.deadlines.pop_due(state.now)) is not None:
            if isinstance(key, str):
                self._expire_connection(state.connections[key])
            else:
                self._expire_invocation(state.invocations.pop(key))
        self._act_until(state.now)

    def _act_until(self, moment: float) -> None:
        while (action := self._state.later.pop_due(moment)) is not None:
            action()

    def _expire_connection(self, connection: Connection) -> None:
        """Close an idle or old connection; messages since the deadline was set have moved it."""
        state = self._state
        ends_at = state.ends_at(connection)
        if ends_at > state.now:
            state.deadlines.set(connection.id, ends_at)
        else:
            state.close(connection, GOING_AWAY)

    def _expire_invocation(self, invocation: Invocation) -> None:
        state = self._state
        match invocation.cause:
            case None:
                messages.expire(state, invocation)
            case Handshake() as pending:
                handshake.expire(state, invocation, pending)
            case Closing(code=code):
                state.report(invocation, status=code, detail=ENDPOINT_TIMED_OUT)
        state.ended(invocation)


def _addresses(deployment: Deployment, rng: Random, settings: GatewaySettings) -> Addresses:
    """Prepare each API; the stages of one API share its source of ids."""
    for deployed in deployment.apis:
        _check_route_keys(deployed)
        admission.check(deployed)
    ids: dict[str, IdSource] = {}
    apis = []
    for deployed in deployment.apis:
        integrations, models = _read_routes(deployed)
        selector = RouteSelector(
            deployed.route_selection_expression,
            deployed.routes,
            lenient=settings.lenient_json,
            reserved_too=settings.reserved_routes_selectable,
        )
        api = Api(
            deployed=deployed,
            ids=ids.setdefault(deployed.api_id, IdSource(deployed.api_id, rng)),
            selector=selector,
            region=deployment.region,
            account_id=deployment.account_id,
            integrations=integrations,
            models=models,
            identity_sources=_identity_sources(deployed),
        )
        apis.append(api)
    return Addresses(apis, deployment.domains)


def _check_route_keys(api: WebSocketApi) -> None:
    for key in api.routes:
        if key.startswith("$") and key not in _PREDEFINED:  # B-010
            raise ValueError(f"{api.name}: the route key {key!r} begins with $, which is reserved")


def _identity_sources(api: WebSocketApi) -> tuple[IdentitySource, ...]:
    route = api.routes.get(CONNECT)
    if route is None or not isinstance(route.authorization, Authorizer):
        return ()
    return tuple(map(parse_identity_source, route.authorization.identity_sources))


def _read_routes(api: WebSocketApi) -> tuple[dict[str, Ready], dict[str, Models]]:
    """Read what stands behind the routes, and their models. Raises ValueError naming the route."""
    integrations: dict[str, Ready] = {}
    models: dict[str, Models] = {}
    for key, route in api.routes.items():
        try:
            integrations[key] = prepare(route)
            if (checked := models_of(route)) is not None:
                models[key] = checked
        except ValueError as error:
            raise ValueError(f"the route {key!r} of {api.name!r}: {error}") from error
    return integrations, models


def _is_connect(invocation: Invocation) -> bool:
    """Whether it is one of `$connect` itself, not of its authorizer."""
    return isinstance(invocation.cause, Handshake) and not invocation.cause.authorizing


def _failure(outcome: Outcome) -> str:
    match outcome:
        case Failed(error_type=error_type, message=message):
            return f"{error_type}: {message}"
        case NotInvocable(message=message):
            return message
        case Returned() | HttpAnswered():
            return ""
