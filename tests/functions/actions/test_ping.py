"""`ping`."""

import pytest

from functions.actions.ping import Ping, ping
from functions.core.context import Context
from functions.core.errors import ProtocolError
from functions.core.protocol import Position
from tests.fakes import MemoryStore


async def test_a_ping_renews_the_lease(context: Context, store: MemoryStore) -> None:
    """Twelve minutes from now; `at` is milliseconds."""
    result = await ping(context, Ping({"chat:a": Position("e", 1)}))
    assert result == {"at": 1_800_000_000_500, "behind": []}
    assert store.connections["me="].lease_until == 1_800_000_720


async def test_a_ping_over_a_forgotten_connection_says_so(
    context: Context, store: MemoryStore
) -> None:
    """101: the client is to connect again."""
    await store.close_connection("me=")
    with pytest.raises(ProtocolError, match="101"):
        await ping(context, Ping())
