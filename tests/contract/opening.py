"""A connection over a real table, as the domain finds it once a client has connected."""

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

from functions.core import connections
from functions.core.context import Context
from functions.core.permissions import EVERYTHING, Identity
from functions.core.rates import Buckets
from tests.fake_outlets import MemoryOutlets
from tests.fakes import MemoryTransport

if TYPE_CHECKING:
    from functions.core.namespaces import Namespaces
    from tests.contract.conftest import TableCase


async def opened(
    table: "TableCase", namespaces: "Namespaces", connection_id: str, user: str = "ann"
) -> Context:
    """Open a connection; give what its requests are given."""
    context = Context(
        store=table.store,
        transport=MemoryTransport(),
        clock=time.time,
        sleep=asyncio.sleep,
        new_id=lambda: uuid.uuid4().hex,
        namespaces=namespaces,
        buckets=Buckets(),
        outlets=MemoryOutlets(),
        connection_id=connection_id,
        identity=Identity(user, {}, EVERYTHING),
        connected_at_ms=int(time.time() * 1000),
    )
    await connections.open_connection(
        context.store,
        connection_id,
        context.identity,
        connected_at_ms=context.connected_at_ms,
        now=int(time.time()),
    )
    return context
