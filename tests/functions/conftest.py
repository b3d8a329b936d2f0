"""What unit tests of the functions share: a request's surroundings over the in-memory ports."""

import itertools
from collections.abc import Callable

import pytest

from functions.core.context import Context
from functions.core.ports import Connection
from tests.fakes import MemoryStore, MemoryTransport

NOW = 1_800_000_000.5


@pytest.fixture
def store() -> MemoryStore:
    """Give an empty Store."""
    return MemoryStore()


@pytest.fixture
def transport() -> MemoryTransport:
    """Give a Transport that delivers everything."""
    return MemoryTransport()


@pytest.fixture
def make_context(store: MemoryStore, transport: MemoryTransport) -> Callable[[str], Context]:
    """Make the surroundings of a request of an open connection."""
    numbers = itertools.count(1)

    def make(connection_id: str = "me=") -> Context:
        user = f"user-of-{connection_id}"
        store.connections[connection_id] = Connection(
            connection_id=connection_id,
            user=user,
            info={},
            connected_at_ms=int(NOW * 1000),
            lease_until=int(NOW),
            expires_at=int(NOW) + 7500,
        )
        return Context(
            connection_id=connection_id,
            user=user,
            connected_at_ms=int(NOW * 1000),
            store=store,
            transport=transport,
            clock=lambda: NOW,
            new_id=lambda: f"id-{next(numbers)}",
        )

    return make


@pytest.fixture
def context(make_context: Callable[[str], Context]) -> Context:
    """Give the surroundings of a request of the connection `me=`."""
    return make_context("me=")
