"""Puts a deployment's HTTP and REST APIs on the HTTP port, in front of the pages."""

import time
from collections.abc import Callable
from random import Random, SystemRandom
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gatepost.emulator.http_api.answers import TOO_LARGE, HttpAnswer
from gatepost.emulator.http_api.apis import Found, HttpApis
from gatepost.emulator.http_api.requests import HttpRequest
from gatepost.gateway.core.commands import Report
from gatepost.gateway.core.ids import IdSource, trace_id

OURS: Final = ("/gatepost.json", "/_gatepost", "/2015-03-31/functions")
"""Paths, with all below them, that no API of a template takes."""


def middleware(
    apis: HttpApis,
    *,
    has_page: Callable[[str], bool],
    on_report: Callable[[Report], None],
) -> Middleware:
    """Make what answers the requests that are for an API and lets the others pass.

    `has_page` says whether a file is served at a path: for GET and HEAD it comes before a route
    that takes every path (`$default`, `/{proxy+}`) at the root, and after any other.
    """
    rng = SystemRandom()
    ids: dict[str, IdSource] = {}

    @web.middleware
    async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        found = None if _is_ours(path) else apis.find(request.method, path)
        if found is None or _is_for_a_page(found, request, path, has_page):
            return await handler(request)
        started = time.perf_counter()
        source = ids.setdefault(found.api.api_id, IdSource(found.api.api_id, rng))
        request_id = source.request_id(time.time())
        try:
            given = _request(request, await request.read(), request_id, rng)
            answer = await apis.answer(found, given)
        except web.HTTPRequestEntityTooLarge:
            answer = TOO_LARGE[found.api.kind]
        route = found.matched.route if found.matched is not None else None
        duration_ms = (time.perf_counter() - started) * 1000
        shown = f"{route.method} {route.path}" if route is not None else None
        detail = f"{request.method} {path}"
        on_report(Report("api", None, shown, answer.status, duration_ms, detail))
        return _response(found, answer, request_id)

    return serve


def _is_ours(path: str) -> bool:
    return any(path == ours or path.startswith(f"{ours}/") for ours in OURS)


def _is_for_a_page(
    found: Found, request: web.Request, path: str, has_page: Callable[[str], bool]
) -> bool:
    if request.method not in ("GET", "HEAD") or found.definite:
        return False
    return has_page(request.path) or (path == "/" and found.matched is None)


def _request(request: web.Request, body: bytes, request_id: str, rng: Random) -> HttpRequest:
    path, _, query = request.raw_path.partition("?")
    now = time.time()
    return HttpRequest(
        method=request.method,
        path=path,
        query=query,
        headers=tuple(
            (name.decode("latin-1"), value.decode(errors="replace"))
            for name, value in request.raw_headers
        ),
        body=body,
        host=request.host,
        source_ip=request.remote or "127.0.0.1",
        request_id=request_id,
        trace_id=trace_id(now, rng),
        received_at=now,
        protocol=f"HTTP/{request.version.major}.{request.version.minor}",
    )


def _response(found: Found, answer: HttpAnswer, request_id: str) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body)
    # aiohttp's own guess; the answer says what it is, or nothing.
    response.headers.popall("Content-Type", None)
    for name, value in answer.headers:
        response.headers.add(name, value)
    response.headers["x-amzn-RequestId" if found.api.kind == "rest" else "apigw-requestid"] = (
        request_id
    )
    return response
