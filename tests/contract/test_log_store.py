"""The contract of LogStore (functions/core/ports.py): what holds for every implementation of it."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec import Raw

from functions.core.ports import (
    Claim,
    Claimed,
    ClaimLost,
    Entry,
    OffsetTaken,
    Pending,
    Published,
    Store,
)
from functions.core.protocol import Position

if TYPE_CHECKING:
    from tests.contract.conftest import StoreCase, TableCase

NOW = 1_800_000_000.25
LATER = int(NOW) + 3600


async def next_position(store: Store, epoch: str = "e1", *, now: float = NOW) -> Position:
    """Take a channel's next position."""
    return await store.log.next_position(
        "chat:a", new_epoch=epoch, expires_at=int(now) + 3600, now=now
    )


def entry(offset: int, text: str = "hello") -> Entry:
    """Make a publication's entry."""
    return Entry(offset, Raw(f'"{text} {offset}"'.encode()), NOW)


async def append(store: Store, given: Entry, claim: Claim | None = None) -> None:
    """Store a publication."""
    await store.log.append("chat:a", "e1", given, expires_at=LATER, claim=claim)


async def entries(
    store: Store, first: int, last: int, *, now: float = NOW, limit: int = 1000
) -> list[Entry]:
    """Read entries."""
    return list(await store.log.entries("chat:a", "e1", first, last, now=now, limit=limit))


def claim(token: str, *, user: str = "ann", key: str = "k1") -> Claim:
    """Make one try under a key."""
    return Claim("chat:a", user, key, token)


async def test_offsets_begin_at_one_and_rise(case: "StoreCase") -> None:
    """The epoch is that of the first; a lost answer may leave a hole, and never repeats one."""
    found = [await next_position(case.store, f"e{number}") for number in range(1, 5)]
    assert {each.epoch for each in found} == {"e1"}
    offsets = [each.offset for each in found]
    if case.repeats:
        assert offsets == sorted(set(offsets))
    else:
        assert offsets == [1, 2, 3, 4]


async def test_the_head_says_where_the_log_ends(case: "StoreCase") -> None:
    """And since when it has been there and stood there."""
    assert await case.store.log.head("chat:a", now=NOW) is None
    await next_position(case.store)
    last = await next_position(case.store, now=NOW + 2)
    head = await case.store.log.head("chat:a", now=NOW + 2)
    assert head is not None
    assert (head.position, head.created_at, head.moved_at) == (last, NOW, NOW + 2)


async def test_a_log_can_begin_before_its_first_publication(case: "StoreCase") -> None:
    """At offset 0; what begins it again finds what is there."""

    async def begin(epoch: str) -> Position:
        head = await case.store.log.begin("chat:a", new_epoch=epoch, expires_at=LATER, now=NOW)
        return head.position

    assert await begin("e1") == Position("e1", 0)
    assert await begin("e2") == Position("e1", 0)
    assert (await next_position(case.store, "e3")).epoch == "e1"


async def test_a_head_that_expired_is_replaced_by_a_new_epoch(case: "StoreCase") -> None:
    """What was before it can't be continued."""
    await next_position(case.store)
    assert await case.store.log.head("chat:a", now=LATER) is None
    replaced = await next_position(case.store, "e2", now=LATER)
    assert replaced.epoch == "e2"
    assert replaced.offset == 1 or case.repeats


async def test_entries_are_given_in_order_and_limits(case: "StoreCase") -> None:
    """Forwards, backwards, from the middle, and no more than asked for."""
    for offset in (1, 2, 10, 11):
        await append(case.store, entry(offset))
    assert await entries(case.store, 1, 11) == [entry(1), entry(2), entry(10), entry(11)]
    assert await entries(case.store, 2, 10) == [entry(2), entry(10)]
    assert await entries(case.store, 11, 2, limit=2) == [entry(11), entry(10)]
    assert await entries(case.store, 1, 11, limit=3) == [entry(1), entry(2), entry(10)]
    assert await entries(case.store, 3, 9) == []
    assert await entries(case.store, 1, 11, now=LATER) == []
    assert await case.store.log.entries("chat:a", "e2", 1, 11, now=NOW) == []


async def test_what_has_expired_takes_no_place_in_a_page(case: "StoreCase") -> None:
    """Fewer than asked for are all there are, whatever TTL has yet to remove."""
    for offset in (1, 2, 3):
        await case.store.log.append("chat:a", "e1", entry(offset), expires_at=int(NOW) + 9)
    for offset in (4, 5, 6):
        await append(case.store, entry(offset))
    assert await entries(case.store, 1, 6, now=NOW + 9, limit=2) == [entry(4), entry(5)]
    assert await entries(case.store, 4, 1, now=NOW + 9, limit=2) == [entry(4)]


async def test_a_large_log_is_given_whole(case: "StoreCase") -> None:
    """More than the service gives in one answer of 1 MB."""
    for offset in range(1, 61):
        await append(case.store, entry(offset, "x" * 28_000))
    assert len(await entries(case.store, 1, 60)) == 60


async def test_an_offset_holds_one_publication(case: "StoreCase") -> None:
    """The same again is fine; another is refused."""
    await append(case.store, entry(1))
    await append(case.store, entry(1))
    with pytest.raises(OffsetTaken):
        await append(case.store, entry(1, "other"))
    assert await entries(case.store, 1, 1) == [entry(1)]


async def test_a_hole_that_is_closed_takes_no_publication(case: "StoreCase") -> None:
    """And one that has its publication is not closed."""

    async def close(offset: int) -> bool:
        return await case.store.log.close_hole("chat:a", "e1", offset, expires_at=LATER, at=NOW + 9)

    await append(case.store, entry(1))
    assert await close(1) is False
    assert await close(2) is True
    assert await close(2) is True
    with pytest.raises(OffsetTaken):
        await append(case.store, entry(2))
    assert await entries(case.store, 1, 2) == [entry(1), Entry(2, None, NOW + 9)]


async def test_a_key_has_one_claimant_until_it_has_a_publication(case: "StoreCase") -> None:
    """Claiming again with the same token is fine; another user's key is another key."""
    log = case.store.log
    assert await log.claim(claim("t1"), expires_at=LATER, now=NOW) == Claimed()
    assert await log.claim(claim("t1"), expires_at=LATER, now=NOW) == Claimed()
    assert await log.claim(claim("t2"), expires_at=LATER, now=NOW + 9) == Pending()
    assert await log.claim(claim("t3", user="bob"), expires_at=LATER, now=NOW) == Claimed()
    assert await log.claim(claim("t4", key="k2"), expires_at=LATER, now=NOW) == Claimed()
    await append(case.store, entry(1), claim("t1"))
    published = Published(Position("e1", 1), fanned=False)
    assert await log.claim(claim("t2"), expires_at=LATER, now=NOW + 99) == published
    await log.mark_fanned(claim("t2"))
    published = Published(Position("e1", 1), fanned=True)
    assert await log.claim(claim("t1"), expires_at=LATER, now=NOW + 99) == published


async def test_users_and_keys_are_told_apart_whatever_they_hold(case: "StoreCase") -> None:
    """A `#` in either can't make two pairs one."""
    log = case.store.log
    for user, key in (("a#b", "c"), ("b", "c#a"), ("", "c#a#b"), ("a", "1#c")):
        given = claim("t" + user + key, user=user, key=key)
        assert await log.claim(given, expires_at=LATER, now=NOW) == Claimed()


async def test_a_claim_that_is_not_used_is_taken_over(case: "StoreCase") -> None:
    """After ten seconds; who lost it can't publish under it any more."""
    log = case.store.log
    await log.claim(claim("t1"), expires_at=LATER, now=NOW)
    assert await log.claim(claim("t2"), expires_at=LATER, now=NOW + 10) == Claimed()
    with pytest.raises(ClaimLost):
        await append(case.store, entry(1), claim("t1"))
    assert await entries(case.store, 1, 1) == []
    await append(case.store, entry(2), claim("t2"))
    await append(case.store, entry(2), claim("t2"))


async def test_a_key_is_forgotten(case: "StoreCase") -> None:
    """When it expires, whether published or not."""
    log = case.store.log
    await log.claim(claim("t1"), expires_at=int(NOW) + 300, now=NOW)
    await append(case.store, entry(1), claim("t1"))
    assert await log.claim(claim("t2"), expires_at=LATER, now=NOW + 300) == Claimed()
    await append(case.store, entry(2), claim("t2"))


async def test_a_publication_at_a_closed_place_leaves_the_claim(case: "StoreCase") -> None:
    """So that the same try goes on at another place."""
    log = case.store.log
    await log.claim(claim("t1"), expires_at=LATER, now=NOW)
    await log.close_hole("chat:a", "e1", 1, expires_at=LATER, at=NOW)
    with pytest.raises(OffsetTaken):
        await append(case.store, entry(1), claim("t1"))
    await append(case.store, entry(2), claim("t1"))
    published = await log.claim(claim("t9"), expires_at=LATER, now=NOW)
    assert published == Published(Position("e1", 2), fanned=False)


@pytest.mark.dynoxide
async def test_positions_taken_at_the_same_time_are_all_different(
    fast_table: "TableCase",
) -> None:
    """Also those that begin the log."""
    found = await asyncio.gather(
        *(next_position(fast_table.store, f"e{number}") for number in range(50))
    )
    assert len({each.epoch for each in found}) == 1
    assert sorted(each.offset for each in found) == list(range(1, 51))


@pytest.mark.dynoxide
async def test_of_claims_at_the_same_time_one_wins(fast_table: "TableCase") -> None:
    """Twenty tries of one user."""
    outcomes = await asyncio.gather(
        *(
            fast_table.store.log.claim(claim(f"t{number}"), expires_at=LATER, now=NOW)
            for number in range(20)
        )
    )
    assert outcomes.count(Claimed()) == 1
    assert outcomes.count(Pending()) == 19
