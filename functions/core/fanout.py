"""Broadcasts too large for one invocation: dealt to workers, each of which reaches its shards.

A job that takes longer than one invocation should is handed on, with a cursor, to the next. What
one recipient does to a send (core/broadcast.py) fails nothing here.
"""

import asyncio
import heapq
import logging
from collections.abc import AsyncIterator, Sequence

from msgspec import structs

from functions.core import limits
from functions.core.broadcast import Tally, fan_out
from functions.core.closing import prune
from functions.core.context import Services
from functions.core.workers import Job, NotTaken, Workers

logger = logging.getLogger(__name__)


class Unfinished(Exception):  # noqa: N818 - named for what happened
    """A job ended with subscribers left whom nobody will reach; the text names them."""


def deal(shards: int, workers: int) -> list[tuple[int, ...]]:
    """Deal the shards of a channel into at most `workers` parts of about as many subscribers.

    A shard took its share at every doubling since it was made: of 8 shards, the first holds four
    times what the last four hold each.
    """
    parts: list[list[int]] = [[] for _ in range(min(shards, workers))]
    lightest = [(0, place) for place in range(len(parts))]
    for shard in range(shards):
        weight, place = lightest[0]
        parts[place].append(shard)
        share = max(1, shards.bit_length() - shard.bit_length())
        heapq.heapreplace(lightest, (weight + share, place))
    return [tuple(part) for part in parts]


async def hand_over(workers: Workers, whole: Job) -> None:
    """Deal a job to workers; return once each part is accepted, which may be before it has begun.

    Raises NotTaken when a part is not accepted, once all have been tried. The other parts are
    carried out then, and done again the broadcast reaches their subscribers twice: at least once
    is what is promised, and where history is kept clients drop what they have by its offset.
    """
    parts = deal(len(whole.shards), workers.number)
    jobs = [
        structs.replace(whole, shards=tuple(whole.shards[place] for place in part))
        for part in parts
    ]
    results = await asyncio.gather(*map(workers.take, jobs), return_exceptions=True)
    failures = [each for each in results if each is not None]
    logger.log(
        logging.WARNING if failures else logging.INFO,
        "broadcast channel=%s handed over shards=%d jobs=%d refused=%d",
        whole.channel,
        len(whole.shards),
        len(jobs),
        len(failures),
        extra={"channel": whole.channel},
    )
    for failure in failures:
        raise failure


async def carry_out(
    services: Services, job: Job, *, budget_s: float, grace_s: float = limits.FANOUT_GRACE_S
) -> Tally:
    """Send to the subscribers in a job's shards for so many seconds; hand on what is left then.

    Sends that have not begun `grace_s` later are left as well, with the piece that they are in. A
    failure of the table is logged and handed on as well: the next worker goes on from the same
    place. The tally is this worker's own. Raises Unfinished when subscribers are left after the
    last hop, or can't be handed on.
    """
    rest = _Rest(job)
    pages = rest.pages(services, until=services.clock() + budget_s)
    about = {"channel": job.channel, "hop": job.hop}
    tally = Tally(0, 0)
    try:
        tally = await fan_out(
            services,
            pages,
            job.payload.encode(),
            about=about,
            timeout_s=max(0, budget_s) + grace_s,
        )
    except Exception:
        logger.exception("fan-out stopped channel=%s hop=%d", job.channel, job.hop, extra=about)
    try:
        if rest.shards:
            await _hand_on(services, rest.job())
    finally:
        await prune(services, tally.gone)
    return tally


class _Rest:
    """What is left of a job. Recipients are taken off it when those after them are asked for."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.shards = job.shards
        self._after = job.after

    def job(self) -> Job:
        """Make the rest a job for the next hop."""
        hop = self._job.hop + 1
        return structs.replace(self._job, shards=self.shards, after=self._after, hop=hop)

    async def pages(self, services: Services, *, until: float) -> AsyncIterator[Sequence[str]]:
        """Give the connections in small pieces, and none but the first after a moment of the clock.

        So every hop goes a piece further, however short its time is.
        """
        begun = False
        while self.shards:
            shard = services.store.subscriptions.of_shard(
                self._job.channel,
                self.shards[0],
                now=int(services.clock()),
                after=self._after,
            )
            async for page in shard:
                for start in range(0, len(page), limits.FANOUT_PIECE):
                    if begun and services.clock() >= until:
                        return
                    begun = True
                    piece = page[start : start + limits.FANOUT_PIECE]
                    yield [each for each in piece if each != self._job.leave_out]
                    self._after = piece[-1]
            self.shards, self._after = self.shards[1:], None


async def _hand_on(services: Services, rest: Job) -> None:
    left = (
        f"channel={rest.channel} shards={','.join(map(str, rest.shards))} after={rest.after or '-'}"
    )
    if rest.hop > limits.FANOUT_HOPS_MAX:
        raise Unfinished(f"subscribers are left after {limits.FANOUT_HOPS_MAX} hops: {left}")
    if services.workers is None:
        raise Unfinished(f"subscribers are left, and no worker is named: {left}")
    try:
        await services.workers.take(rest)
    except NotTaken as error:
        raise Unfinished(f"subscribers are left, and nobody took them ({error}): {left}") from error
    logger.info("fan-out handed on hop=%d %s", rest.hop, left, extra={"channel": rest.channel})
