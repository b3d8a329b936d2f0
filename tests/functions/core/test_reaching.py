"""Few subscribers are reached from here, many by way of workers."""

import pytest
from msgspec import Raw, json, structs

from functions.core import limits
from functions.core.context import Services
from functions.core.ports import Gone, Subscription
from functions.core.publishing import Publish, publish, signal
from functions.core.reaching import reach
from functions.core.workers import Job, NotTaken
from tests.fake_rows import Rows
from tests.fake_workers import MemoryWorkers
from tests.fakes import MemoryTransport

MANY = limits.DIRECT_SHARDS_MAX * 2


@pytest.fixture
def workers() -> MemoryWorkers:
    """Give three workers."""
    return MemoryWorkers()


@pytest.fixture
def services(services: Services, workers: MemoryWorkers) -> Services:
    """Give surroundings with workers."""
    return structs.replace(services, workers=workers)


def subscribe(rows: Rows, channel: str, *connection_ids: str) -> None:
    """Put connections into a channel, each into another shard."""
    for shard, each in enumerate(connection_ids):
        rows.subscriptions[channel, each] = Subscription(each, channel, "u", shard, None, 2**40)


async def test_few_are_reached_from_here(
    services: Services, rows: Rows, transport: MemoryTransport, workers: MemoryWorkers
) -> None:
    """Up to so many shards, and those gone are forgotten."""
    rows.shards["log:a"] = limits.DIRECT_SHARDS_MAX
    subscribe(rows, "log:a", "a=", "b=")
    transport.outcomes = {"b=": Gone()}
    await reach(services, "log:a", b"x", leave_out="a=")
    assert transport.sent == [("b=", b"x")]
    assert list(rows.subscriptions) == [("log:a", "a=")]
    assert workers.jobs == []


async def test_many_are_left_to_workers(
    services: Services, rows: Rows, transport: MemoryTransport, workers: MemoryWorkers
) -> None:
    """All shards, with the message and who is not to get it."""
    rows.shards["log:a"] = MANY
    subscribe(rows, "log:a", "a=", "b=")
    await reach(services, "log:a", "é".encode(), leave_out="a=")
    assert transport.sent == []
    assert {structs.replace(job, shards=()) for job in workers.jobs} == {
        Job("log:a", (), "é", leave_out="a=")
    }
    assert sorted(shard for job in workers.jobs for shard in job.shards) == list(range(MANY))


async def test_without_workers_many_are_reached_from_here_too(
    services: Services, rows: Rows, transport: MemoryTransport
) -> None:
    """A deployment may do without the function."""
    rows.shards["log:a"] = MANY
    subscribe(rows, "log:a", "a=", "b=")
    await reach(structs.replace(services, workers=None), "log:a", b"x")
    assert sorted(to for to, _ in transport.sent) == ["a=", "b="]


async def test_a_publication_that_workers_have_taken_counts_as_fanned_out(
    services: Services, rows: Rows, workers: MemoryWorkers
) -> None:
    """Its repetition reaches nobody again, and the message names its place."""
    rows.shards["log:a"] = MANY
    wanted = Publish("log:a", Raw(b'"hi"'), key="k")
    position = await publish(services, wanted)
    assert {json.decode(job.payload)["offset"] for job in workers.jobs} == {1}
    workers.jobs = []
    assert await publish(services, wanted) == position
    assert workers.jobs == []


async def test_a_publication_that_was_not_taken_whole_is_handed_over_again_by_its_key(
    services: Services, rows: Rows, workers: MemoryWorkers
) -> None:
    """Under the same offset, by which clients drop what they have."""
    rows.shards["log:a"] = MANY
    wanted = Publish("log:a", Raw(b'"hi"'), key="k")
    workers.refusing = {1}
    with pytest.raises(NotTaken):
        await publish(services, wanted)
    first = {job.payload for job in workers.jobs}
    workers.jobs, workers.refusing = [], set()
    await publish(services, wanted)
    assert {job.payload for job in workers.jobs} == first
    assert sorted(shard for job in workers.jobs for shard in job.shards) == list(range(MANY))
    assert len(rows.entries) == 1


async def test_signals_go_the_same_way(
    services: Services, rows: Rows, workers: MemoryWorkers
) -> None:
    """Nothing is kept of them."""
    rows.shards["live:a"] = MANY
    await signal(services, Publish("live:a", Raw(b'"hi"')))
    assert len(workers.jobs) == workers.number
