"""Calls of the management API for fan-outs: signed requests over a pool of links.

Region, credentials and trusted certificates are a session's to find: botocore's, or that of
Lambda's variables (credentials.py), with which botocore is not imported. Proxies are not used. A
call costs a small part of what botocore's client makes of it.
"""

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from functions.adapters.http_link import PLAIN_SUCCESS, NoResponse
from functions.adapters.http_pool import Host, Limits, NotConnected, Pool
from functions.adapters.management_api import (
    BROKEN,
    TIMEOUT,
    UNKNOWN,
    Answer,
    ManagementApiTransport,
    Method,
    Opening,
)
from functions.adapters.sigv4 import Signer, canonical_path, payload_hash
from functions.adapters.trust import trusting
from functions.core.ports import Failed

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

    from functions.adapters.credentials import LambdaSession

    Session = AioSession | LambdaSession

WIDTH: Final = 256
"""Calls at a time, a link each: 10,000 a second at an answer within 25 ms, and a quarter of the
descriptors that Lambda grants."""

SERVICE: Final = "execute-api"
TAKEN: Final = Answer(200)
_ORDINARY: Final = re.compile(r"[A-Za-z0-9_-]+=*").fullmatch
"""What ids look like; encoding them in general takes several times as long."""

PORTS: Final = {"http": 80, "https": 443}


@asynccontextmanager
async def open_transport(
    session: "Session", opening: Opening
) -> AsyncIterator[ManagementApiTransport]:
    """Open a Transport with links of its own, none of them now. Raises NoRegionError."""
    calls = open_calls(session, opening)
    try:
        yield ManagementApiTransport(calls, opening.sends_per_second)
    finally:
        await calls.close()


def open_calls(session: "Session", opening: Opening) -> "HttpCalls":
    """Make the calls of a Transport; to be closed. Raises NoRegionError."""
    parts = urlsplit(opening.endpoint_url)
    port = parts.port or PORTS[parts.scheme]
    name = parts.hostname or ""
    authority = f"[{name}]" if ":" in name else name
    if port != PORTS[parts.scheme]:
        authority += f":{port}"
    region = session.get_config_variable("region")
    if not region:
        from botocore.exceptions import NoRegionError  # noqa: PLC0415 - slow

        raise NoRegionError
    host = Host(name, port, _tls(session) if parts.scheme == "https" else None)
    limits = Limits(WIDTH, opening.connect_timeout_s, opening.read_timeout_s)
    prefix = parts.path.removesuffix("/") + "/@connections/"
    return HttpCalls(Pool(host, limits), Signer(authority, region, SERVICE), session, prefix)


def _tls(session: "Session") -> ssl.SSLContext:
    """Trust what botocore would: AWS_CA_BUNDLE, else the usual authorities."""
    bundle = session.get_config_variable("ca_bundle")
    return trusting({"AWS_CA_BUNDLE": bundle} if bundle else {})


class HttpCalls:
    """Calls (management_api.py); `prefix` is the path up to the connection's id."""

    def __init__(self, pool: Pool, signer: Signer, session: "Session", prefix: str) -> None:
        self._pool = pool
        self._signer = signer
        self._session = session
        self._prefix = prefix
        self._canonical_prefix = canonical_path(prefix)
        self._renewing = asyncio.Lock()
        self._payload = b""
        self._payload_hash = payload_hash(b"")

    @property
    def width(self) -> int:
        """As many calls as the pool has links."""
        return WIDTH

    async def call(
        self, method: Method, connection_id: str, payload: bytes, *, fresh: bool
    ) -> Answer | Failed:
        """Call (see Calls)."""
        if not self._signer.is_fresh(time.time()):
            try:
                await self._renew()
            except Exception as error:
                from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - slow

                if not isinstance(error, BotoCoreError):
                    raise
                return Failed(type(error).__name__)
        request = self._request(method, connection_id, payload)
        response = await self._pool.exchange(request, fresh=fresh)
        if response is PLAIN_SUCCESS:
            return TAKEN
        if isinstance(response, NotConnected):
            return Failed(TIMEOUT if response.late else BROKEN)
        if isinstance(response, NoResponse):
            return Failed(BROKEN if response.unread else UNKNOWN)
        message = response.body.decode(errors="replace")
        retry_after = response.headers.get(b"retry-after", b"").decode(errors="replace")
        return Answer(response.status, message, retry_after)

    async def close(self) -> None:
        """Close the links."""
        await self._pool.close()

    async def _renew(self) -> None:
        """Take the credentials of now: botocore refreshes those that expire."""
        async with self._renewing:
            if self._signer.is_fresh(time.time()):
                return
            credentials = await self._session.get_credentials()
            if credentials is None:
                from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - slow

                raise NoCredentialsError
            frozen = await credentials.get_frozen_credentials()
            self._signer.renew(frozen, time.time())

    def _request(self, method: Method, connection_id: str, payload: bytes) -> bytes:
        if payload is not self._payload:  # one of a broadcast is every time the same
            self._payload, self._payload_hash = payload, payload_hash(payload)
        if _ORDINARY(connection_id):
            encoded = connection_id.replace("=", "%3D")
        else:
            encoded = quote(connection_id, safe="-._~")
        path = self._prefix + encoded
        if encoded in {"", ".", ".."}:  # no id, but signed as any other
            canonical = canonical_path(path)
        else:
            canonical = self._canonical_prefix + encoded.replace("%", "%25")
        lines = self._signer.header_lines(method, canonical, self._payload_hash)
        head = f"{method} {path} HTTP/1.1\r\n{lines}Content-Length: {len(payload)}\r\n\r\n"
        return head.encode() + payload
