"""All HTTP and REST APIs of a deployment: which one a request is for, and its answer."""

import asyncio
from typing import Final, NamedTuple

from msgspec import json as msgspec_json
from msgspec import structs

from gatepost.emulator.http_api.answers import (
    BAD_INTEGRATION,
    NO_INTEGRATION,
    NO_ROUTE,
    TIMED_OUT,
    TOO_LARGE,
    HttpAnswer,
)
from gatepost.emulator.http_api.authorizers import authorize
from gatepost.emulator.http_api.cors import (
    http_preflight,
    is_preflight,
    rest_preflight,
    with_cors,
)
from gatepost.emulator.http_api.events import event
from gatepost.emulator.http_api.requests import Call, HttpRequest, below_stage
from gatepost.emulator.http_api.results import answer
from gatepost.emulator.http_api.routes import Matched, Router, is_catch_all
from gatepost.gateway.core.deployment import Cors, Deployment, HttpApi, HttpRoute
from gatepost.gateway.core.inputs import NotInvocable, Returned
from gatepost.gateway.core.ports import Invoker

EVENT_BYTES_MAX: Final = 6 * 1024 * 1024
"""The largest event of a synchronous invocation (Lambda's quota: 6 MB)."""


class _Api(NamedTuple):
    api: HttpApi
    router: Router


class Found(NamedTuple):
    """What a request is for: an API, and one of its routes if it has one for it.

    `resource` are the routes of the path, whatever their method.
    """

    api: HttpApi
    matched: Matched | None
    resource: tuple[HttpRoute, ...]

    @property
    def definite(self) -> bool:
        """Whether the API's claim to the path is better than that of a page which is there.

        It is at a stage of its own, and where a route of `$default` names the path.
        """
        if self.api.stage != "$default":
            return True
        return self.matched is not None and not is_catch_all(self.matched.route)


class HttpApis:
    """The HTTP and REST APIs of a deployment, their functions behind `invoker`."""

    def __init__(self, deployment: Deployment, invoker: Invoker) -> None:
        self._deployment = deployment
        self._invoker = invoker
        self._apis = [_Api(api, Router(api)) for api in deployment.http_apis]

    def find(self, method: str, path: str) -> Found | None:
        """Find the API for a percent-encoded path.

        A stage in the path comes before `$default`; of several APIs there, one with a route for
        the request before one with a route for its path, and that before any other.
        """
        claims = [
            _claim(each, method, below)
            for each in self._apis
            if (below := below_stage(each.api, path)) is not None
        ]
        return min(
            claims,
            key=lambda c: (c.api.stage == "$default", c.matched is None, not c.resource),
            default=None,
        )

    async def answer(self, found: Found, request: HttpRequest) -> HttpAnswer:
        """Answer a request: preflight, authorizer, function, in that order."""
        api, cors = found.api, found.api.cors
        if cors is None or api.kind == "rest":
            return await self._routed(found, request, cors)
        if is_preflight(request) and not _guards_preflight(found):
            return http_preflight(cors, request)
        return with_cors(await self._routed(found, request, cors), cors, request)

    async def _routed(self, found: Found, request: HttpRequest, cors: Cors | None) -> HttpAnswer:
        api = found.api
        if found.matched is None:
            if cors is not None and api.kind == "rest" and request.method == "OPTIONS":
                methods = {route.method for route in found.resource}
                return rest_preflight(cors, methods) if methods else NO_ROUTE[api.kind]
            return NO_ROUTE[api.kind]
        route, parameters = found.matched
        deployment = self._deployment
        call = Call(api, route, parameters, request, deployment.region, deployment.account_id)
        if route.authorizer is not None:
            decided = await authorize(call, route.authorizer, self._invoker)
            if isinstance(decided, HttpAnswer):
                return decided
            call = structs.replace(call, authorizer=decided)
            if cors is not None and is_preflight(request) and api.kind == "http":
                return http_preflight(cors, request)
        return await self._invoked(call)

    async def _invoked(self, call: Call) -> HttpAnswer:
        kind = call.api.kind
        encoded = msgspec_json.encode(event(call))
        if len(encoded) > EVENT_BYTES_MAX:
            return TOO_LARGE[kind]
        try:
            async with asyncio.timeout(call.route.timeout_s):
                outcome = await self._invoker.invoke(call.route.function, encoded)
        except TimeoutError:
            return TIMED_OUT[kind]
        match outcome:
            case Returned(payload=payload):
                return answer(kind, call.route, payload)
            case NotInvocable():
                return NO_INTEGRATION[kind]
            case _:
                return BAD_INTEGRATION[kind]


def _claim(each: _Api, method: str, path: str) -> Found:
    matched = each.router.match(method, path)
    fitting = each.router.paths(path)
    resource = tuple(route for route in fitting if route.path == fitting[0].path)
    return Found(each.api, matched, resource)


def _guards_preflight(found: Found) -> bool:
    """Whether a preflight request meets an authorizer first.

    A route that takes OPTIONS takes preflight requests too, which is why AWS recommends an
    `OPTIONS /{proxy+}` route without authorizer beside a guarded `$default`.
    """
    return found.matched is not None and found.matched.route.authorizer is not None
