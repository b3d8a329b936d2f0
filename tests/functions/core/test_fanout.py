"""Jobs of a broadcast: dealt evenly, carried out within their time, handed on with a cursor."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from functions.core import limits
from functions.core.broadcast import Tally
from functions.core.context import Services
from functions.core.fanout import Unfinished, carry_out, deal, hand_over
from functions.core.ports import Failed, Gone, Outcome, Subscription
from functions.core.workers import Job, NotTaken
from tests.fake_rows import Rows
from tests.fake_workers import MemoryWorkers
from tests.fakes import MemorySubscriptions, MemoryTransport, memory_store
from tests.functions.conftest import Clock

PAYLOAD = '{"data":"é"}'
JOB = Job("log:a", (0, 1), PAYLOAD)

Fill = Callable[..., list[str]]


class SlowTransport(MemoryTransport):
    """A Transport whose sends take a hundredth of a second each, one after the other."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(width=1)
        self._clock = clock

    async def send(self, connection_id: str, payload: bytes) -> Outcome:
        """Let the time pass."""
        self._clock.now += 0.01
        return await super().send(connection_id, payload)

    def reached(self) -> list[str]:
        """Give who got a message, in order."""
        return [to for to, _ in self.sent]


@pytest.fixture
def workers() -> MemoryWorkers:
    """Give three workers."""
    return MemoryWorkers()


@pytest.fixture
def slow(clock: Clock) -> SlowTransport:
    """Give a Transport that takes its time."""
    return SlowTransport(clock)


@pytest.fixture
def services(
    services: Services, rows: Rows, workers: MemoryWorkers, slow: SlowTransport
) -> Services:
    """Give surroundings with workers, and with pages as large as the table's."""
    store = memory_store(rows, page_rows=1000)
    return structs.replace(services, store=store, workers=workers, transport=slow)


@pytest.fixture
def fill(rows: Rows) -> Fill:
    """Subscribe so many connections to each shard of `log:a`."""

    def put(*per_shard: int) -> list[str]:
        for shard, number in enumerate(per_shard):
            for each in (f"{shard}-{one:03}" for one in range(number)):
                rows.subscriptions["log:a", each] = Subscription(
                    each, "log:a", "u", shard, None, 2**40
                )
        return [connection_id for _, connection_id in rows.subscriptions]

    return put


@given(st.integers(0, 12), st.integers(1, 40))
def test_every_shard_is_dealt_once(doublings: int, workers: int) -> None:
    """To no more workers than there are, and to none without a shard."""
    parts = deal(2**doublings, workers)
    assert sorted(shard for part in parts for shard in part) == list(range(2**doublings))
    assert len(parts) == min(2**doublings, workers)
    assert all(parts)


def test_workers_get_about_as_many_subscribers_each() -> None:
    """The first of 64 shards has had seven shares of a thousand, the last half one each."""
    held = {shard: 7 - shard.bit_length() for shard in range(64)}
    loads = [sum(held[shard] for shard in part) for part in deal(64, 5)]
    assert sum(loads) == 127
    assert max(loads) - min(loads) <= 1


async def test_a_job_is_dealt_to_the_workers(workers: MemoryWorkers) -> None:
    """Each part has all that the whole has, but its own shards."""
    whole = Job("log:a", tuple(range(8)), PAYLOAD, leave_out="me=")
    await hand_over(workers, whole)
    assert sorted(shard for job in workers.jobs for shard in job.shards) == list(range(8))
    assert {structs.replace(job, shards=()) for job in workers.jobs} == {
        structs.replace(whole, shards=())
    }
    assert len(workers.jobs) == 3


async def test_a_part_that_nobody_takes_fails_the_handing_over_after_the_others(
    workers: MemoryWorkers, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever publishes tries again; the others' subscribers then get it twice."""
    workers.refusing = {0}
    with pytest.raises(NotTaken, match="busy"):
        await hand_over(workers, Job("log:a", tuple(range(8)), PAYLOAD))
    assert len(workers.jobs) == 2
    assert "jobs=3 refused=1" in caplog.text


async def test_a_worker_reaches_its_shards_only(
    services: Services, fill: Fill, slow: SlowTransport, workers: MemoryWorkers
) -> None:
    """With the message as it is, and all but who is left out."""
    fill(2, 2, 2)
    tally = await carry_out(services, structs.replace(JOB, leave_out="1-000"), budget_s=1)
    assert tally == Tally(delivered=3, failed=0)
    assert slow.sent == [(to, PAYLOAD.encode()) for to in ("0-000", "0-001", "1-001")]
    assert workers.jobs == []


async def test_who_is_gone_is_forgotten_and_who_fails_is_counted(
    services: Services, fill: Fill, slow: SlowTransport, rows: Rows
) -> None:
    """Nobody fails the job."""
    fill(3)
    slow.outcomes = {"0-000": Gone(), "0-001": Failed("timeout"), "0-002": ValueError()}
    tally = await carry_out(services, JOB, budget_s=1)
    assert tally == Tally(delivered=0, failed=2, gone=("0-000",))
    assert [each for _, each in rows.subscriptions] == ["0-001", "0-002"]


async def test_hops_reach_everybody_once(
    services: Services,
    fill: Fill,
    slow: SlowTransport,
    workers: MemoryWorkers,
) -> None:
    """Each goes on where the one before has stopped, in the middle of a shard as well."""
    everybody = fill(350, 0, 150)
    job = structs.replace(JOB, shards=(0, 1, 2))
    await carry_out(services, job, budget_s=1.05)
    for each in workers.jobs:  # which grow by what is handed on
        await carry_out(services, each, budget_s=1.05)
    assert slow.reached() == sorted(everybody)
    assert [each.hop for each in workers.jobs] == [2, 3]


async def test_the_rest_is_handed_on_with_a_cursor(
    services: Services, fill: Fill, workers: MemoryWorkers
) -> None:
    """It names whom the piece before ended with, reached or left out."""
    fill(0, limits.FANOUT_PIECE + 1)
    job = structs.replace(JOB, leave_out="1-099")
    await carry_out(services, job, budget_s=0.01)
    assert workers.jobs == [structs.replace(job, shards=(1,), after="1-099", hop=2)]


async def test_a_hop_without_any_time_still_goes_a_piece_further(
    services: Services, fill: Fill, workers: MemoryWorkers, slow: SlowTransport
) -> None:
    """As where a function's own time-out is shorter than what it should leave."""
    fill(1, 1, 1)
    await carry_out(services, structs.replace(JOB, shards=(0, 1, 2)), budget_s=-1)
    assert workers.jobs == [structs.replace(JOB, shards=(1, 2), hop=2)]
    assert slow.reached() == ["0-000"]


async def test_a_table_that_fails_is_tried_again_by_the_next_hop(
    services: Services, fill: Fill, rows: Rows, workers: MemoryWorkers
) -> None:
    """From the same place on."""

    class Breaking(MemorySubscriptions):
        """Subscriptions whose second shard can't be read."""

        def of_shard(
            self, channel: str, shard: int, *, now: int, after: str | None = None
        ) -> AsyncIterator[Sequence[str]]:
            """Fail."""
            if shard == 1:
                raise ConnectionError("the table is away")
            return super().of_shard(channel, shard, now=now, after=after)

    fill(2, 2)
    store = structs.replace(services.store, subscriptions=Breaking(rows, page_rows=2))
    await carry_out(structs.replace(services, store=store), JOB, budget_s=1)
    assert workers.jobs == [structs.replace(JOB, shards=(1,), hop=2)]


async def test_a_piece_that_is_stuck_is_done_again_by_the_next_hop(
    services: Services, fill: Fill, transport: MemoryTransport, workers: MemoryWorkers
) -> None:
    """Rather twice than never: the gateway throttles, or recipients hang."""
    everybody = fill(9)
    hold = asyncio.Event()
    transport.hanging = dict.fromkeys(everybody, hold)
    asyncio.get_running_loop().call_later(0.1, hold.set)
    await carry_out(structs.replace(services, transport=transport), JOB, budget_s=0.01, grace_s=0)
    assert len(transport.sent) == transport.width
    assert workers.jobs == [structs.replace(JOB, hop=2)]


async def test_the_last_hop_is_the_eighth(
    services: Services, fill: Fill, workers: MemoryWorkers
) -> None:
    """Lambda stops a chain not much later."""
    fill(1, 1)
    await carry_out(services, structs.replace(JOB, hop=limits.FANOUT_HOPS_MAX - 1), budget_s=-1)
    assert [job.hop for job in workers.jobs] == [8]


@pytest.mark.parametrize("reason", ["hops", "none", "refused"])
async def test_subscribers_that_nobody_will_reach_fail_the_job(
    services: Services, fill: Fill, workers: MemoryWorkers, reason: str
) -> None:
    """It names what is left; a chain has eight hops."""
    fill(107, 1)
    job = structs.replace(JOB, hop=limits.FANOUT_HOPS_MAX if reason == "hops" else 1, after="0-000")
    if reason == "none":
        services = structs.replace(services, workers=None)
    workers.refusing = {1} if reason == "refused" else set()
    with pytest.raises(Unfinished, match=r"channel=log:a shards=0,1 after=0-100"):
        await carry_out(services, job, budget_s=-1)
    assert workers.jobs == []
