"""CORS of HTTP and REST APIs, as far as the gateway itself answers it.

Sources: API Gateway Developer Guide, "Configure CORS for HTTP APIs" (the gateway answers preflight
requests, adds its headers and drops those of the function) and "CORS for REST APIs" (a MOCK
integration of OPTIONS with fixed headers; answers of functions are left alone).
"""

from fnmatch import fnmatchcase

from msgspec import structs

from gatepost.emulator.http_api.answers import HttpAnswer
from gatepost.emulator.http_api.requests import Headers, HttpRequest
from gatepost.gateway.core.deployment import Cors


def is_preflight(request: HttpRequest) -> bool:
    """Whether a browser asks what it may send."""
    return (
        request.method == "OPTIONS"
        and request.header("Origin") is not None
        and request.header("Access-Control-Request-Method") is not None
    )


def http_preflight(cors: Cors, request: HttpRequest) -> HttpAnswer:
    """Return an HTTP API's answer to a preflight request; without headers for a foreign origin."""
    headers = _of_origin(cors, request)
    if headers:
        lists = {
            "Access-Control-Allow-Methods": cors.allow_methods,
            "Access-Control-Allow-Headers": cors.allow_headers,
        }
        headers += tuple((name, ",".join(values)) for name, values in lists.items() if values)
        if cors.max_age_s is not None:
            headers += (("Access-Control-Max-Age", str(cors.max_age_s)),)
    return HttpAnswer(204, headers)


def with_cors(answer: HttpAnswer, cors: Cors, request: HttpRequest) -> HttpAnswer:
    """Return an HTTP API's answer with its own CORS headers in place of the function's."""
    kept = tuple(
        (name, value)
        for name, value in answer.headers
        if not name.lower().startswith("access-control-")
    )
    return structs.replace(answer, headers=kept + _of_origin(cors, request))


def rest_preflight(cors: Cors, methods: set[str]) -> HttpAnswer:
    """Return what OPTIONS of a REST API's resource answers, whoever asks.

    `methods` are those of the resource, for a configuration that names none.
    """
    allowed = cors.allow_methods or tuple(sorted({"OPTIONS", *methods}))
    headers: Headers = (
        ("Content-Type", "application/json"),
        ("Access-Control-Allow-Origin", ",".join(cors.allow_origins)),
        ("Access-Control-Allow-Headers", ",".join(cors.allow_headers)),
        ("Access-Control-Allow-Methods", ",".join(allowed)),
    )
    if cors.allow_credentials:
        headers += (("Access-Control-Allow-Credentials", "true"),)
    if cors.max_age_s is not None:
        headers += (("Access-Control-Max-Age", str(cors.max_age_s)),)
    return HttpAnswer(200, headers)


def _of_origin(cors: Cors, request: HttpRequest) -> Headers:
    origin = request.header("Origin")
    if origin is None:
        return ()
    if "*" in cors.allow_origins:
        allowed = "*"
    elif any(_matches(origin, pattern) for pattern in cors.allow_origins):
        allowed = origin
    else:
        return ()
    headers: Headers = (("Access-Control-Allow-Origin", allowed),)
    if allowed != "*":
        headers += (("Vary", "Origin"),)
    if cors.allow_credentials:
        headers += (("Access-Control-Allow-Credentials", "true"),)
    if cors.expose_headers:
        headers += (("Access-Control-Expose-Headers", ",".join(cors.expose_headers)),)
    return headers


def _matches(origin: str, pattern: str) -> bool:
    """Compare an origin, also with `https://*`."""
    if pattern in ("http://*", "https://*"):
        return fnmatchcase(origin, pattern)
    return origin.lower() == pattern.lower()
