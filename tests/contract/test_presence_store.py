"""The contract of PresenceStore (functions/core/ports.py)."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from functions.adapters import dynamodb
from functions.adapters import dynamodb_items as items
from functions.core.permissions import Identity
from functions.core.ports import Connection, PresencePage, PresentUser, Store

if TYPE_CHECKING:
    from tests.contract.conftest import StoreCase, TableCase

NOW = 1_800_000_000
EXPIRES_AT = NOW + 7500
LEASE_UNTIL = NOW + 720


async def enter(store: Store, user: str, connection_id: str, *, name: str = "") -> set[str]:
    """Open a connection, and enter a channel with it."""
    identity = Identity(user, {"name": name} if name else {})
    connection = Connection(connection_id, identity, NOW * 1000, LEASE_UNTIL, EXPIRES_AT)
    await store.connections.open(connection, now=NOW)
    before = await store.presence.enter("chat:a", identity, connection_id, expires_at=EXPIRES_AT)
    return set(before)


async def page(
    store: Store, *, limit: int = 100, now: int = NOW, after: str | None = None
) -> PresencePage:
    """Read a page."""
    return await store.presence.page("chat:a", limit=limit, now=now, after=after)


async def test_who_enters_learns_who_was_in(case: "StoreCase") -> None:
    """Of the same user: the first finds nobody, the second the first."""
    first = await enter(case.store, "ann", "c1=")
    second = await enter(case.store, "ann", "c2=")
    other = await enter(case.store, "bob", "c3=")
    if case.repeats:  # a repetition finds itself
        first, second, other = first - {"c1="}, second - {"c2="}, other - {"c3="}
    assert (first, second, other) == (set(), {"c1="}, set())


async def test_who_leaves_learns_who_stays(case: "StoreCase") -> None:
    """And that there was nothing to leave, when it is done again."""
    await enter(case.store, "ann", "c1=")
    await enter(case.store, "ann", "c2=")
    rest = await case.store.presence.leave("chat:a", "ann", "c1=")
    assert rest == {"c2="} or (case.repeats and rest is None)
    assert await case.store.presence.leave("chat:a", "ann", "c1=") is None
    rest = await case.store.presence.leave("chat:a", "ann", "c2=")
    assert rest == set() or (case.repeats and rest is None)
    assert await case.store.presence.leave("chat:a", "ann", "c2=") is None
    assert await case.store.presence.leave("chat:b", "bob", "c2=") is None
    assert (await page(case.store)).users == []


async def test_two_tabs_are_one_user(case: "StoreCase") -> None:
    """With the newest tab's info."""
    await enter(case.store, "ann", "c1=", name="Ann")
    await enter(case.store, "bob", "c2=")
    await enter(case.store, "ann", "c3=", name="Anna")
    assert await page(case.store) == PresencePage(
        [PresentUser("ann", ["c1=", "c3="], {"name": "Anna"}), PresentUser("bob", ["c2="], {})],
        after=None,
    )


async def test_a_connection_counts_while_its_lease_runs(case: "StoreCase") -> None:
    """A user whose connections have all vanished is out, with nobody having swept."""
    await enter(case.store, "ann", "c1=")
    await enter(case.store, "ann", "c2=")
    await enter(case.store, "bob", "c3=")
    await case.store.connections.renew_lease("c2=", lease_until=LEASE_UNTIL + 9, now=NOW)
    users = (await page(case.store, now=LEASE_UNTIL)).users
    assert users == [PresentUser("ann", ["c2="], {})]
    alive = await case.store.presence.alive(["c1=", "c2=", "c9="], now=LEASE_UNTIL)
    assert set(alive) == {"c2="}


async def test_a_connection_that_is_closed_does_not_count(case: "StoreCase") -> None:
    """Even if its entry is still there."""
    await enter(case.store, "ann", "c1=")
    await case.store.connections.remove("c1=")
    assert (await page(case.store)).users == []


async def test_pages_lead_to_each_other(case: "StoreCase") -> None:
    """In the order of names, none twice, none left out; names that begin alike too."""
    names = ["a", "a#", "ab", "b", "B", "\u00e9"]
    for name in names:
        await enter(case.store, name, f"c-{name}")
    found: list[str] = []
    after: str | None = None
    for _ in range(len(names) + 1):
        part = await page(case.store, limit=2, after=after)
        found += [each.user for each in part.users]
        after = part.after
        if after is None:
            break
    assert found == sorted(names)


async def test_entries_are_counted_no_further_than_asked(case: "StoreCase") -> None:
    """So that a large channel costs no more than it must."""
    for number in range(4):
        await enter(case.store, f"u{number}", f"c{number}=")
    count = case.store.presence.count
    assert await count("chat:a", at_most=9, now=NOW) == 4
    assert await count("chat:a", at_most=3, now=NOW) == 3
    assert await count("chat:b", at_most=3, now=NOW) == 0
    assert await count("chat:a", at_most=3, now=EXPIRES_AT) == 0


async def test_entries_are_counted_over_the_pages_of_the_table(table: "TableCase") -> None:
    """A page ends at 1 MB: long `info` fills it before a thousand users."""
    info = items.json_text({"text": "x" * 1000})
    members = {"SS": [f"c{number:015}=" for number in range(10)]}
    rows = [
        {
            **items.presence_key("chat:a", f"u{number:04}"),
            "info": info,
            "members": members,
            "expires_at": items.number(EXPIRES_AT),
        }
        for number in range(1001)
    ]
    for start in range(0, len(rows), 25):
        await table.client.batch_write_item(
            RequestItems={
                table.table_name: [
                    {"PutRequest": {"Item": row}} for row in rows[start : start + 25]
                ]
            }
        )
    store = dynamodb.store_over(table.client, table.table_name)  # moto takes its time here
    assert await store.presence.count("chat:a", at_most=1001, now=NOW) == 1001


@pytest.mark.dynoxide
async def test_of_tabs_that_come_at_the_same_time_one_is_first(fast_table: "TableCase") -> None:
    """And of those that go at the same time one is last."""
    store = fast_table.store
    tabs = [f"c{number}=" for number in range(12)]
    before = await asyncio.gather(*(enter(store, "ann", tab) for tab in tabs))
    assert before.count(set()) == 1
    rest = await asyncio.gather(*(store.presence.leave("chat:a", "ann", tab) for tab in tabs))
    assert [left for left in rest if not left] == [frozenset()]
