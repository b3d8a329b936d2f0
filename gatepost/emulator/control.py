"""The control endpoint: `/_gatepost/` on the HTTP port turns faults, links and the clock.

JSON in and out (docs/reference/http-port.md). A wrong request is a 400 that says what is wrong.
"""

from typing import Annotated, Final, Protocol, TypeVar

from aiohttp import web
from msgspec import Meta, MsgspecError, Struct
from msgspec import json as msgspec_json

from gatepost.emulator.callers import check_caller
from gatepost.gateway.core.connection import Connection
from gatepost.gateway.core.faults import NO_FAULTS, Faults
from gatepost.gateway.core.timestamps import iso
from gatepost.gateway.server.clock import MovableClock

T = TypeVar("T")

PREFIX: Final = "/_gatepost"

REQUESTS: Final = "GET, PUT, DELETE faults; GET connections; POST drop; POST clock"


class Gateway(Protocol):
    """What is turned: a GatewayServer."""

    def inject(self, faults: Faults) -> None:
        """Misbehave like this from now on. Raises ValueError for what can't be disturbed."""

    def drop(self, *connection_ids: str) -> None:
        """Cut these connections' links; without ids, every link."""

    def connections(self) -> list[Connection]:
        """List the open connections."""

    def tick(self) -> None:
        """Let timers ring that are due by the clock."""


class Drop(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST drop`; an empty list, which must be written, is every connection."""

    connection_ids: tuple[str, ...]


class Advance(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST clock`."""

    advance_s: Annotated[float, Meta(ge=0, le=31_536_000)]


class Control:
    """The control endpoint of one gateway. `host` is what the HTTP port listens on.

    `faults` are those that are on at the start.
    """

    def __init__(
        self, gateway: Gateway, clock: MovableClock, *, host: str, faults: Faults = NO_FAULTS
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._host = host
        self._faults = faults

    @property
    def faults(self) -> Faults:
        """The faults that are on."""
        return self._faults

    def add_to(self, application: web.Application) -> None:
        """Serve the endpoint at its paths."""
        router = application.router
        router.add_get(f"{PREFIX}/faults", self._show_faults)
        router.add_put(f"{PREFIX}/faults", self._replace_faults)
        router.add_delete(f"{PREFIX}/faults", self._clear_faults)
        router.add_post(f"{PREFIX}/drop", self._drop)
        router.add_get(f"{PREFIX}/connections", self._connections)
        router.add_post(f"{PREFIX}/clock", self._advance)
        router.add_route("*", PREFIX + "/{anything:.*}", self._unknown)

    async def _unknown(self, request: web.Request) -> web.Response:
        check_caller(request, self._host)
        return _json({"message": f"There are: {REQUESTS}"}, status=404)

    async def _show_faults(self, request: web.Request) -> web.Response:
        check_caller(request, self._host)
        return _json(self._faults)

    async def _replace_faults(self, request: web.Request) -> web.Response:
        self._inject(await self._body(request, Faults))
        return _json(self._faults)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        check_caller(request, self._host)
        self._inject(NO_FAULTS)
        return _json(self._faults)

    def _inject(self, faults: Faults) -> None:
        try:
            self._gateway.inject(faults)
        except ValueError as error:  # faults that this gateway can't have
            raise _wrong(web.HTTPBadRequest, str(error)) from error
        self._faults = faults

    async def _drop(self, request: web.Request) -> web.Response:
        body = await self._body(request, Drop)
        here = {connection.id for connection in self._gateway.connections()}
        if unknown := sorted(set(body.connection_ids) - here):
            return _json({"message": f"No such connections: {', '.join(unknown)}"}, status=404)
        self._gateway.drop(*body.connection_ids)
        return _json({"dropped": len(body.connection_ids or here)})

    async def _connections(self, request: web.Request) -> web.Response:
        check_caller(request, self._host)
        return _json(
            [
                {
                    "connectionId": connection.id,
                    "api": connection.api.deployed.name,
                    "stage": connection.api.deployed.stage,
                    "connectedAt": iso(connection.connected_at),
                    "lastActiveAt": iso(connection.last_active_at),
                }
                for connection in self._gateway.connections()
            ]
        )

    async def _advance(self, request: web.Request) -> web.Response:
        body = await self._body(request, Advance)
        self._clock.advance(body.advance_s)
        self._gateway.tick()
        return _json({"now": iso(self._clock())})

    async def _body(self, request: web.Request, kind: type[T]) -> T:
        """Read the body; raises HTTPBadRequest and the like, with a sentence."""
        check_caller(request, self._host)
        if request.content_type != "application/json":
            raise _wrong(web.HTTPUnsupportedMediaType, "send Content-Type: application/json")
        given = await request.read()
        try:
            return msgspec_json.decode(given, type=kind)
        except (MsgspecError, UnicodeDecodeError) as error:
            raise _wrong(web.HTTPBadRequest, str(error)) from error


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec_json.encode(value), content_type="application/json"
    )


def _wrong(kind: type[web.HTTPClientError], reason: str) -> web.HTTPClientError:
    text = msgspec_json.encode({"message": reason}).decode()
    return kind(text=text, content_type="application/json")
