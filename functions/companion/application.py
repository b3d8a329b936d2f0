"""The HTTP API as an ASGI application: from a request to an endpoint, and from its result back.

Not here: the endpoints (endpoints.py lists them), their description (openapi.py), and Lambda
(runtime/asgi.py).
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.companion import openapi, problems
from functions.companion.authentication import Callers
from functions.companion.endpoint import AnyEndpoint
from functions.companion.endpoints import ENDPOINTS
from functions.core import connections
from functions.core.context import Services
from functions.core.errors import BAD_REQUEST, INTERNAL, LIMIT_EXCEEDED, ProtocolError
from functions.core.ports import Conflict

logger = logging.getLogger(__name__)

OpenServices = Callable[[], Awaitable[Services]]


def application(
    services: OpenServices, callers: Callers, endpoints: Sequence[AnyEndpoint] = ENDPOINTS
) -> Starlette:
    """Make the application; `services` is called for each request that may be served."""
    routes = [
        Route(
            each.path,
            partial(_serve, each, services, callers),
            name=each.name,
            methods=[each.method],
        )
        for each in endpoints
    ]
    app = Starlette(
        routes=[*routes, *openapi.routes(endpoints)],
        exception_handlers={HTTPException: _http_error},
    )
    app.router.redirect_slashes = False  # a path is right or unknown
    return app


async def _serve(
    endpoint: AnyEndpoint, services: OpenServices, callers: Callers, request: Request
) -> Response:
    """Serve one request; who may not ask learns nothing, not even whether the request is right."""
    try:
        if endpoint.permission is not None:
            await callers.require(request.headers.get("authorization"), endpoint.permission)
        fields = await _fields(endpoint, request)
        result = await endpoint.run(await services(), fields)
    except ProtocolError as error:
        return problems.of_error(error)
    except Conflict:
        return problems.of_error(connections.conflict())
    except HTTPException:
        raise
    except Exception:
        logger.exception("endpoint failed path=%s", endpoint.path)
        return problems.of_error(ProtocolError(INTERNAL))
    return Response(
        msgspec.json.encode(result),
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )


async def _fields(endpoint: AnyEndpoint, request: Request) -> object:
    """Read the query of a GET or the body of a POST; raise ProtocolError 106, 107."""
    try:
        if endpoint.method == "GET":
            return msgspec.convert(dict(request.query_params), endpoint.fields, strict=False)
        body = await request.body()
        if len(body) > endpoint.body_bytes_max:
            raise ProtocolError(
                LIMIT_EXCEEDED,
                f"the body has {len(body)} bytes; at most {endpoint.body_bytes_max} are taken",
            )
        return msgspec.json.decode(body, type=endpoint.fields)
    except msgspec.ValidationError as error:
        raise ProtocolError(BAD_REQUEST, f"bad request: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(BAD_REQUEST, f"bad request: not JSON: {error}") from None
    except RecursionError:
        raise ProtocolError(BAD_REQUEST, "bad request: nested too deeply") from None


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return problems.of_status(error.status_code, error.detail, error.headers)
