"""Calls of the management API for fan-outs: signed requests over a pool of links.

Region, credentials and trusted certificates are a session's to find: botocore's, or that of
Lambda's variables (credentials.py), with which botocore is not imported. Proxies are not used. A
call costs a small part of what botocore's client makes of it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from functions.adapters.endpoint import read_endpoint
from functions.adapters.http_link import PLAIN_SUCCESS, NoResponse
from functions.adapters.http_pool import Host, Limits, NotConnected, Pool
from functions.adapters.management_api import (
    BROKEN,
    TIMEOUT,
    UNKNOWN,
    Answer,
    ManagementApiTransport,
    Opening,
)
from functions.adapters.management_api_requests import Method, Requests
from functions.adapters.trust import trusting
from functions.core.ports import Failed

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

    from functions.adapters.credentials import LambdaSession

    Session = AioSession | LambdaSession

WIDTH: Final = 256
"""Calls at a time, a link each: 10,000 a second at an answer within 25 ms, and a quarter of the
descriptors that Lambda grants."""

TAKEN: Final = Answer(200)


@asynccontextmanager
async def open_transport(
    session: "Session", opening: Opening
) -> AsyncIterator[ManagementApiTransport]:
    """Open a Transport with links of its own, none of them now. Raises NoRegionError."""
    region = session.get_config_variable("region")
    if not region:
        from botocore.exceptions import NoRegionError  # noqa: PLC0415 - slow

        raise NoRegionError
    endpoint = read_endpoint(opening.endpoint_url)
    requests = Requests(endpoint, region)
    bundle = session.get_config_variable("ca_bundle")  # as botocore's own clients ask for it
    host = Host(endpoint.host, endpoint.port, trusting(bundle) if endpoint.is_tls else None)
    pool = Pool(host, Limits(WIDTH, opening.connect_timeout_s, opening.read_timeout_s))
    try:
        yield ManagementApiTransport(HttpCalls(pool, requests, session), opening.sends_per_second)
    finally:
        await pool.close()


class HttpCalls:
    """Calls (management_api.py) over a pool, signed with the session's credentials of now."""

    def __init__(self, pool: Pool, requests: Requests, session: "Session") -> None:
        self._pool = pool
        self._requests = requests
        self._session = session
        self._renewing = asyncio.Lock()

    @property
    def width(self) -> int:
        """As many calls as the pool has links."""
        return WIDTH

    async def call(
        self, method: Method, connection_id: str, payload: bytes, *, fresh: bool
    ) -> Answer | Failed:
        """Call (see Calls)."""
        if not self._requests.are_fresh(time.time()):
            try:
                await self._renew()
            except Exception as error:
                from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - slow

                if not isinstance(error, BotoCoreError):
                    raise
                return Failed(type(error).__name__)
        request = self._requests.make(method, connection_id, payload)
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

    async def _renew(self) -> None:
        """Take the credentials of now: botocore refreshes those that expire."""
        async with self._renewing:
            if self._requests.are_fresh(time.time()):
                return
            credentials = await self._session.get_credentials()
            if credentials is None:
                from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - slow

                raise NoCredentialsError
            frozen = await credentials.get_frozen_credentials()
            self._requests.renew(frozen, time.time())
