"""Which adapter stands behind which port: the only module that imports adapters.

Clients are opened when an invocation first needs them and kept. What every function needs is
imported here at once, while Lambda starts the environment; what some need, when they do.
"""

import os
import time
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack

from aiobotocore.session import get_session

from functions.adapters import dynamodb
from functions.core import connections
from functions.core.context import Context
from functions.core.ports import Store, Transport
from functions.runtime import settings
from functions.runtime.events import RequestContext


class Environment:
    """What one execution environment keeps: the settings, and the clients opened so far."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self.settings = settings.read_settings(environ)
        self._session = get_session()
        self._open = AsyncExitStack()
        self._store: Store | None = None
        self._transport: Transport | None = None

    async def store(self) -> Store:
        """Give the Store, opening it the first time."""
        if self._store is None:
            opening = dynamodb.open_store(self._session, self.settings.table_name)
            self._store = await self._open.enter_async_context(opening)
        return self._store

    async def transport(self) -> Transport:
        """Give the Transport, opening it the first time; raise SettingsError without endpoint."""
        if self._transport is None:
            from functions.adapters import management_api  # noqa: PLC0415 - one function needs it

            settings.require(
                self._environ,
                settings.MANAGEMENT_ENDPOINT_VARIABLE,
                "the endpoint of the gateway's management API, https://{host}/{stage}",
            )
            opening = management_api.open_transport(self._session)
            self._transport = await self._open.enter_async_context(opening)
        return self._transport

    def identify(self, request: RequestContext) -> str:
        """Give the user behind an event; raise ProtocolError 101 when nobody vouches for one."""
        return connections.identify(
            request.connection_id, request.principal, anonymous=self.settings.anonymous
        )

    async def context(self, request: RequestContext) -> Context:
        """Give an action its surroundings. Raises as identify, store and transport do."""
        return Context(
            connection_id=request.connection_id,
            user=self.identify(request),
            connected_at_ms=request.connected_at,
            store=await self.store(),
            transport=await self.transport(),
            clock=time.time,
            new_id=lambda: uuid.uuid4().hex,
        )

    async def close(self) -> None:
        """Close the clients."""
        await self._open.aclose()
        self._store = self._transport = None
