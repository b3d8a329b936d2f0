"""Who a connection belongs to, and how it opens, stays and closes."""

import pytest

from functions.core import connections
from functions.core.errors import ProtocolError
from functions.core.ports import Conflict, Connection
from tests.fakes import MemoryStore

NOW = 1_800_000_000


class ConflictingStore(MemoryStore):
    """A Store where others are always faster."""

    async def open_connection(self, connection: Connection, *, now: int) -> None:
        """Fail."""
        raise Conflict

    async def renew_lease(self, connection_id: str, *, lease_until: int, now: int) -> None:
        """Fail."""
        raise Conflict


async def open_as(store: MemoryStore, *, name: str | None = None) -> None:
    """Open the connection `c=` of the user `ann`."""
    await connections.open_connection(
        store, "c=", "ann", name=name, connected_at_ms=NOW * 1000 + 999, now=NOW
    )


@pytest.mark.parametrize("anonymous", [True, False])
def test_the_authorizers_word_counts_first(*, anonymous: bool) -> None:
    """Whoever else is let in."""
    assert connections.identify("c=", "ann", anonymous=anonymous) == "ann"


def test_without_an_authorizer_a_user_is_anonymous_where_that_is_allowed() -> None:
    """Derived from the connection id, so that no message has to read it."""
    assert connections.identify("c=", None, anonymous=True) == "anon-c="
    with pytest.raises(ProtocolError, match="101"):
        connections.identify("c=", None, anonymous=False)
    with pytest.raises(ProtocolError, match="101"):
        connections.identify("c=", "", anonymous=False)


def test_a_users_name_is_bounded() -> None:
    """It travels in every publication."""
    assert connections.identify("c=", "u" * 128, anonymous=False)
    with pytest.raises(ProtocolError, match="106 user"):
        connections.identify("c=", "u" * 129, anonymous=False)


async def test_what_is_stored_of_a_connection(store: MemoryStore) -> None:
    """It expires a little over two hours after it opened (B-276)."""
    await open_as(store, name="Ann")
    assert store.connections["c="] == Connection(
        connection_id="c=",
        user="ann",
        info={"name": "Ann"},
        connected_at_ms=NOW * 1000 + 999,
        lease_until=NOW + 720,
        expires_at=NOW + 7500,
    )


async def test_a_name_is_optional_and_bounded(store: MemoryStore) -> None:
    """64 characters."""
    await open_as(store)
    assert store.connections["c="].info == {}
    await open_as(store, name="x" * 64)
    with pytest.raises(ProtocolError, match="106 name"):
        await open_as(store, name="x" * 65)


async def test_a_blocked_user_is_refused(store: MemoryStore) -> None:
    """103."""
    store.blocks["ann"] = NOW + 1
    with pytest.raises(ProtocolError, match="103"):
        await open_as(store)
    assert store.connections == {}


async def test_a_lease_is_renewed_for_open_connections_only(store: MemoryStore) -> None:
    """101 tells a client whose rows are gone to connect again."""
    await open_as(store)
    await connections.renew_lease(store, "c=", now=NOW + 100)
    assert store.connections["c="].lease_until == NOW + 820
    await connections.close_connection(store, "c=")
    await connections.close_connection(store, "c=")
    with pytest.raises(ProtocolError, match="101"):
        await connections.renew_lease(store, "c=", now=NOW + 100)


async def test_a_conflict_that_lasts_is_temporary() -> None:
    """111, for both ways; the message tells what to do."""
    with pytest.raises(ProtocolError, match=r"111 .* try again"):
        await open_as(ConflictingStore())
    with pytest.raises(ProtocolError, match=r"111 .* try again"):
        await connections.renew_lease(ConflictingStore(), "c=", now=NOW)
