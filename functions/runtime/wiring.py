"""Which adapter stands behind which port: the only module that imports adapters.

Clients are opened when an invocation first needs them and kept. What every function needs is
imported here at once, while Lambda starts the environment; what some need, when they do
(tests/functions/runtime/test_wiring.py).
"""

import asyncio
import os
import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import structs

from functions.actions.namespaces import NAMESPACES
from functions.adapters import credentials, dynamodb
from functions.core import connections
from functions.core.context import Context, Services
from functions.core.errors import ClosingKind
from functions.core.ports import Store, Transport
from functions.core.rates import Buckets
from functions.runtime import settings
from functions.runtime.events import RequestContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiobotocore.session import AioSession

    from functions.adapters.lambda_invoke import LambdaInvoker
    from functions.core.happenings import Outlet
    from functions.core.workers import Job


class Environment:
    """What one execution environment keeps: the settings, and the clients opened so far.

    A worker sends at its part of the quota (settings.FanoutSettings), any other without bound.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ, *, is_worker: bool = False) -> None:
        self._environ = environ
        self.settings = settings.read_settings(environ)
        self.fanout = settings.read_fanout(environ)
        self._sends_per_second = self.fanout.sends_per_second if is_worker else None
        dynamodb.prepare(environ)
        self._open = AsyncExitStack()
        self._store: Store | None = None
        self._transport: Transport | None = None
        self._event_bus: Outlet | None = None
        self._queue: Outlet | None = None
        self._workers = _LambdaWorkers(lambda: self._session, self._open, self.fanout)
        self._buckets = Buckets()

    @cached_property
    def _session(self) -> "AioSession":
        """The session of aiobotocore's clients, which share the models that they read."""
        from aiobotocore.session import get_session  # noqa: PLC0415 - slow; `connect` needs none

        return get_session()

    async def store(self) -> Store:
        """Give the Store, opening it the first time."""
        if self._store is None:
            opening = dynamodb.open_store(
                lambda: self._session, self.settings.table_name, self._environ
            )
            self._store = await self._open.enter_async_context(opening)
        return self._store

    async def transport(self) -> Transport:
        """Give the Transport, opening it the first time. Raises SettingsError."""
        if self._transport is None:
            opening = self._transport_opening()
            self._transport = await self._open.enter_async_context(opening)
        return self._transport

    async def services(self) -> Services:
        """Give the domain its surroundings. Raises as store and transport do."""
        return Services(
            store=await self.store(),
            transport=await self.transport(),
            clock=time.time,
            sleep=asyncio.sleep,
            new_id=_new_id,
            namespaces=NAMESPACES,
            buckets=self._buckets,
            outlets=self,
            workers=self._workers if self.fanout.function else None,
        )

    async def event_bus(self) -> "Outlet":
        """Give the outlet to the event bus, opening it the first time. Raises SettingsError."""
        if self._event_bus is None:
            from functions.adapters import eventbridge  # noqa: PLC0415 - few have such a hook

            name = settings.require(self._environ, "EVENT_BUS_NAME", "an EventBridge bus's name")
            opening = eventbridge.open_outlet(self._session, name)
            self._event_bus = await self._open.enter_async_context(opening)
        return self._event_bus

    async def queue(self) -> "Outlet":
        """Give the outlet to the queue, opening it the first time. Raises SettingsError."""
        if self._queue is None:
            from functions.adapters import sqs  # noqa: PLC0415 - few have such a hook

            url = settings.require(self._environ, "EVENT_QUEUE_URL", "the URL of an SQS queue")
            opening = sqs.open_outlet(self._session, url)
            self._queue = await self._open.enter_async_context(opening)
        return self._queue

    def asking(self, request: RequestContext, *, even_expired: bool = False) -> "AskingConnection":
        """Give the connection that an event came from; with `even_expired` it may be past that."""
        return AskingConnection(self, request, even_expired=even_expired)

    async def close(self) -> None:
        """Close the clients."""
        await self._open.aclose()
        self._workers.forget()
        self._store = self._transport = self._event_bus = self._queue = None

    def _transport_opening(self) -> AbstractAsyncContextManager[Transport]:
        from functions.adapters.management_api import Opening  # noqa: PLC0415 - few send

        endpoint = settings.management_endpoint(self._environ)
        opening = Opening(endpoint, self._sends_per_second)
        if settings.transport(self._environ) == "aiobotocore":
            from functions.adapters import management_api_aiobotocore  # noqa: PLC0415 - as above

            return management_api_aiobotocore.open_transport(self._session, opening)
        from functions.adapters import management_api_http  # noqa: PLC0415 - as above

        session = credentials.lambda_session(self._environ) or self._session
        return management_api_http.open_transport(session, opening)


class _LambdaWorkers:
    """Workers whose client is opened for the first job: few invocations have one."""

    def __init__(
        self,
        session: "Callable[[], AioSession]",
        opened: AsyncExitStack,
        fanout: settings.FanoutSettings,
    ) -> None:
        self._session = session
        self._opened = opened
        self._fanout = fanout
        self._lock = asyncio.Lock()
        self._invoker: LambdaInvoker | None = None

    @property
    def number(self) -> int:
        return self._fanout.workers

    async def take(self, job: "Job") -> None:
        async with self._lock:
            if self._invoker is None:
                from functions.adapters import lambda_invoke  # noqa: PLC0415 - few need it

                opening = lambda_invoke.open_invoker(self._session(), self._fanout.function)
                self._invoker = await self._opened.enter_async_context(opening)
        await self._invoker.take(job)

    def forget(self) -> None:
        self._invoker = None


class AskingConnection:
    """The connection that a message came from, and what answering it needs (actions/dispatch)."""

    def __init__(
        self, environment: Environment, request: RequestContext, *, even_expired: bool = False
    ) -> None:
        self._environment = environment
        self._request = request
        self._even_expired = even_expired

    async def context(self) -> Context:
        """Give an action its surroundings; raise ProtocolError when nobody vouches any more."""
        services = await self._environment.services()
        connection_id, identity = self._request.connection_id, self._request.identity()
        if not self._even_expired:
            identity = await connections.current_identity(
                services.store, connection_id, identity, now=time.time()
            )
        return Context(
            **structs.asdict(services),
            connection_id=connection_id,
            identity=identity,
            connected_at_ms=self._request.connected_at,
        )

    async def end(self, kind: ClosingKind) -> None:
        """Say why, and end the connection."""
        from functions.core import closing  # noqa: PLC0415 - seldom, and `connect` never

        services = await self._environment.services()
        await closing.end_connection(services, self._request.connection_id, kind)


def _new_id() -> str:
    return uuid.uuid4().hex
