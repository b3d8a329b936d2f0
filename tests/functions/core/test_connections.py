"""How a connection opens, whom it belongs to while it lasts, and how it stays present."""

import pytest
from msgspec import structs

from functions.core import connections, limits
from functions.core.errors import EXPIRED, ProtocolError
from functions.core.permissions import EVERYTHING, Identity
from functions.core.ports import Conflict, Connection, Store
from tests.fake_rows import Rows
from tests.fakes import MemoryConnections

NOW = 1_800_000_000
ANN = Identity("ann", {"name": "Ann"}, EVERYTHING, NOW + 60)


class Contended(MemoryConnections):
    """Connections where others are always faster."""

    async def open(self, connection: Connection, *, now: int) -> None:
        """Fail."""
        raise Conflict

    async def renew_lease(self, connection_id: str, *, lease_until: int, now: int) -> None:
        """Fail."""
        raise Conflict


async def open_as(store: Store, identity: Identity = ANN) -> None:
    """Open the connection `c=`."""
    await connections.open_connection(
        store, "c=", identity, connected_at_ms=NOW * 1000 + 999, now=NOW
    )


async def test_what_is_stored_of_a_connection(store: Store, rows: Rows) -> None:
    """It expires a little over two hours after it opened (B-276)."""
    await open_as(store)
    assert rows.connections["c="] == Connection(
        connection_id="c=",
        identity=ANN,
        connected_at_ms=NOW * 1000 + 999,
        lease_until=NOW + 720,
        expires_at=NOW + 7500,
    )


async def test_a_blocked_user_is_refused(store: Store, rows: Rows) -> None:
    """103."""
    rows.blocks["ann"] = NOW + 1
    with pytest.raises(ProtocolError, match="103 this user is blocked"):
        await open_as(store)
    assert rows.connections == {}


async def test_a_lease_is_renewed_for_open_connections_only(store: Store, rows: Rows) -> None:
    """101 tells a client whose rows are gone to connect again."""
    await open_as(store)
    await connections.renew_lease(store, "c=", now=NOW + 100)
    assert rows.connections["c="].lease_until == NOW + 820
    rows.connections.clear()
    with pytest.raises(ProtocolError, match="101"):
        await connections.renew_lease(store, "c=", now=NOW + 100)


async def test_while_an_identity_counts_nothing_is_read(store: Store, rows: Rows) -> None:
    """The one that came with the event is enough, whatever is stored."""
    found = await connections.current_identity(store, "c=", ANN, now=NOW + 59.9)
    assert (found, rows.count()) == (ANN, 0)


async def test_after_it_the_one_that_refresh_left_counts(store: Store) -> None:
    """With its own permissions and end."""
    await open_as(store)
    renewed = Identity("ann", {}, (), NOW + 600)
    await store.connections.authorize("c=", renewed, now=NOW)
    assert await connections.current_identity(store, "c=", ANN, now=NOW + 60) == renewed


async def test_who_is_not_refreshed_is_told_and_then_closed(store: Store) -> None:
    """109; with 3005 once that has been so for a minute."""
    await open_as(store)
    grace = limits.EXPIRED_GRACE_S
    for late, closing in ((0, None), (grace - 1, None), (grace, EXPIRED)):
        with pytest.raises(ProtocolError, match="109") as caught:
            await connections.current_identity(store, "c=", ANN, now=NOW + 60 + late)
        assert caught.value.closing is closing


async def test_an_expired_identity_of_nobody_is_refused(store: Store) -> None:
    """101: the connection has no row."""
    with pytest.raises(ProtocolError, match="101"):
        await connections.current_identity(store, "c=", ANN, now=NOW + 60)


async def test_a_conflict_that_lasts_is_temporary(store: Store, rows: Rows) -> None:
    """111, for both ways; the message tells what to do."""
    contended = structs.replace(store, connections=Contended(rows))
    with pytest.raises(ProtocolError, match=r"111 .* try again"):
        await open_as(contended)
    with pytest.raises(ProtocolError, match=r"111 .* try again"):
        await connections.renew_lease(contended, "c=", now=NOW)
