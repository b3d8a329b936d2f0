"""A log that a test lays out row by row, for what reads it."""

import itertools
from dataclasses import dataclass

import pytest
from msgspec import Raw, json

from functions.core import history, limits
from functions.core.context import Services
from functions.core.log import Slice
from functions.core.namespaces import Namespace
from functions.core.ports import Entry, Head
from functions.core.protocol import Position
from functions.core.rates import Buckets
from tests.fake_outlets import MemoryOutlets
from tests.fake_rows import Rows
from tests.fakes import MemoryTransport, memory_store
from tests.functions.conftest import START, Clock

AGE_S = 100
"""Of the namespace `log`, which keeps 10 publications."""

CHANNEL = "log:a"


@dataclass
class LaidLog:
    """The log of a channel, as a test lays it out."""

    rows: Rows
    services: Services
    clock: Clock

    def stands(self, newest: int, *, created: float = START, moved: float = START) -> None:
        """Put the head."""
        head = Head(Position("e1", newest), created, moved)
        self.rows.heads[CHANNEL] = (head, int(moved) + AGE_S + limits.HEAD_OUTLIVES_S)

    def holds(self, *offsets: int, at: float = START, bytes_each: int = 1) -> None:
        """Put publications whose payloads are as long as asked for."""
        for offset in offsets:
            entry = Entry(offset, Raw(str(offset).encode().rjust(bytes_each)), at)
            self.rows.entries[CHANNEL, "e1", offset] = (entry, int(at) + AGE_S)

    async def recover(self, since: int, *, bytes_max: int = 1000) -> Slice | None:
        """Recover from an offset."""
        position = Position("e1", since)
        return await history.recover(self.services, CHANNEL, position, bytes_max=bytes_max)

    async def page(
        self, since: int | None = None, *, limit: int = 100, reverse: bool = False
    ) -> Slice:
        """Read a page."""
        position = None if since is None else Position("e1", since)
        return await history.page(
            self.services, CHANNEL, since=position, limit=limit, reverse=reverse
        )


def offsets(found: Slice | None) -> list[int]:
    """Read which publications were given."""
    assert found is not None
    return [json.decode(each, type=int) for each in found.publications]


def told(found: Slice | None) -> tuple[list[int], int, bool]:
    """Give the offsets, where the contiguous part ends, and whether there is more."""
    assert found is not None
    return offsets(found), found.position.offset, found.more


@pytest.fixture
def log(rows: Rows, services: Services, clock: Clock) -> LaidLog:
    """Give an empty log."""
    return LaidLog(rows, services, clock)


def log_services(rows: Rows, clock: Clock, *, size: int) -> Services:
    """Give surroundings with one namespace, `log`, that keeps so many publications."""
    return Services(
        store=memory_store(rows),
        transport=MemoryTransport(),
        clock=clock,
        sleep=clock.sleep,
        new_id=iter(map(str, itertools.count(1))).__next__,
        namespaces={"log": Namespace(history_size=size, history_age_s=AGE_S)},
        buckets=Buckets(),
        outlets=MemoryOutlets(),
    )
