"""Who may call the HTTP port's own endpoints: programs and pages of this port, no foreign page.

A page that a developer has open anywhere can send requests to localhost. It can't read answers, but
it could invoke functions; and a name that resolves to this machine would make it a page of this
port (DNS rebinding). Both are told by headers that a browser always sends.
"""

from ipaddress import ip_address

from aiohttp import web
from msgspec import json as msgspec_json


def check_caller(request: web.Request, listening_on: str) -> None:
    """Refuse, by raising HTTPForbidden, what a foreign web page may have sent.

    `listening_on` is the host that the port was told to listen on (`--host`), the one name beside
    `localhost` and plain addresses that a request may be for.
    """
    name = request.url.host or ""
    if name not in ("localhost", listening_on) and not _is_address(name):
        raise forbidden(f"this endpoint is not called by the name {name}")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        raise forbidden(f"this endpoint is not called by pages of {origin}")


def forbidden(reason: str) -> web.HTTPForbidden:
    """Return a 403 that says why."""
    return web.HTTPForbidden(
        text=msgspec_json.encode({"message": reason}).decode(), content_type="application/json"
    )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
