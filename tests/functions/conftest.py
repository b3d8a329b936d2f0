"""What unit tests of the functions share: a request's surroundings over the in-memory ports."""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Protocol

import pytest
from msgspec import structs

from functions.core import connections, limits
from functions.core.context import Context, Services
from functions.core.happenings import Happening
from functions.core.namespaces import Namespace, Namespaces, Rate
from functions.core.permissions import EVERYTHING, Grant, Identity
from functions.core.ports import Connection, Store
from functions.core.rates import Buckets
from tests.fake_outlets import MemoryOutlets
from tests.fake_rows import Rows
from tests.fakes import MemoryTransport, memory_store

START = 1_800_000_000.5

PLENTY = Rate(burst=10_000, interval_s=0.001)
SLOW = Rate(burst=2, interval_s=10.0)


@dataclass(slots=True)
class Clock:
    """Epoch seconds that a test moves; sleeping moves them too."""

    now: float = START
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Give the moment."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the time pass, and others run."""
        self.now += seconds
        self.slept.append(seconds)
        await asyncio.sleep(0)


class MakeContext(Protocol):
    """What the fixture `make_context` gives."""

    def __call__(
        self,
        connection_id: str = ...,
        *,
        user: str | None = ...,
        grants: tuple[Grant, ...] = ...,
        authorized_until: int | None = ...,
    ) -> Context:
        """Open a connection of a user, and let it ask."""
        ...


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture
def rows() -> Rows:
    """Give the rows of the Store."""
    return Rows()


@pytest.fixture
def store(rows: Rows) -> Store:
    """Give an empty Store."""
    return memory_store(rows)


@pytest.fixture
def transport() -> MemoryTransport:
    """Give a Transport that delivers everything."""
    return MemoryTransport()


@pytest.fixture
def outlets() -> MemoryOutlets:
    """Give outlets that remember."""
    return MemoryOutlets()


@pytest.fixture
def happenings() -> list[Happening]:
    """Give what the hook of the namespace `told` was told."""
    return []


@pytest.fixture
def namespaces(happenings: list[Happening]) -> Namespaces:
    """Give a namespace of each kind."""

    async def note(services: Services, happening: Happening) -> None:
        happenings.append(happening)

    log = Namespace(history_size=10, history_age_s=100, publish_rate=PLENTY)
    live = Namespace(presence=True, announces=True, signals=True)
    return {
        "chat": structs.replace(log, presence=True, announces=True),
        "log": log,
        "live": live,
        "quiet": Namespace(presence=True),
        "plain": Namespace(),
        "ticker": structs.replace(log, history_size=1, delivers_last=True, clients_publish=False),
        "slow": Namespace(signals=True, publish_rate=SLOW, signal_rate=SLOW),
        "exact": structs.replace(log, publish_rate=SLOW),
        "told": structs.replace(log, presence=True, hook=note),
    }


@pytest.fixture
def services(
    store: Store,
    transport: MemoryTransport,
    clock: Clock,
    *,
    namespaces: Namespaces,
    outlets: MemoryOutlets,
) -> Services:
    """Give the surroundings of all work."""
    numbers = itertools.count(1)
    return Services(
        store=store,
        transport=transport,
        clock=clock,
        sleep=clock.sleep,
        new_id=lambda: f"id-{next(numbers)}",
        namespaces=namespaces,
        buckets=Buckets(),
        outlets=outlets,
    )


@pytest.fixture
def make_context(services: Services, rows: Rows, clock: Clock) -> MakeContext:
    """Make the surroundings of a request of an open connection."""

    def make(
        connection_id: str = "me=",
        *,
        user: str | None = None,
        grants: tuple[Grant, ...] = EVERYTHING,
        authorized_until: int | None = None,
    ) -> Context:
        connected_at_ms = int(clock.now * 1000)
        connection = Connection(
            connection_id=connection_id,
            identity=Identity(
                user or f"user-of-{connection_id}", {"name": "N"}, grants, authorized_until
            ),
            connected_at_ms=connected_at_ms,
            lease_until=int(clock.now) + limits.LEASE_S,
            expires_at=connections.expires_at(connected_at_ms),
        )
        rows.connections[connection_id] = connection
        return Context(
            **structs.asdict(services),
            connection_id=connection_id,
            identity=connection.identity,
            connected_at_ms=connected_at_ms,
        )

    return make


@pytest.fixture
def context(make_context: MakeContext) -> Context:
    """Give the surroundings of a request of the connection `me=`."""
    return make_context("me=")
