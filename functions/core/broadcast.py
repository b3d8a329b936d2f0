"""The fan-out: one payload to every connection subscribed to a channel.

Reaches connections through Transport and finds them through Store; those found gone are named, to
be closed (core/closing.py). One that is gone, fails or hangs keeps no other from its message.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from functions.core import limits
from functions.core.context import Services
from functions.core.ports import Delivered, Failed, Gone, Outcome

logger = logging.getLogger(__name__)


class Tally(Struct, frozen=True):
    """How a broadcast went: the number of connections by outcome, and the ids of those gone."""

    delivered: int
    failed: int
    gone: Sequence[str] = ()


async def broadcast(
    services: Services,
    channel: str,
    payload: bytes,
    *,
    leave_out: str | None = None,
    fresh: bool = True,
    shards: int | None = None,
) -> Tally:
    """Send `payload` to each subscriber of `channel` but the connection `leave_out`.

    `fresh` and `shards` are as in SubscriptionStore.of_channel. Raises as fan_out.
    """
    pages = services.store.subscriptions.of_channel(
        channel, now=int(services.clock()), fresh=fresh, shards=shards
    )
    others = ([each for each in page if each != leave_out] async for page in pages)
    timeout_s = limits.BROADCAST_TIMEOUT_S
    return await fan_out(services, others, payload, to=f"channel={channel}", timeout_s=timeout_s)


async def fan_out(
    services: Services,
    pages: AsyncIterator[Sequence[str]],
    payload: bytes,
    *,
    to: str,
    timeout_s: float | None = None,
) -> Tally:
    """Send `payload` to connections that are given page by page; `to` tells the log who they are.

    At most `transport.width` sends run at a time, over page borders: a slow connection holds up its
    own place only. Raises what reading the pages raises, and TimeoutError when not all sends have
    begun after `timeout_s`; both after those that began have ended. Never raises for a connection.
    """
    started_at = services.clock()
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    gone: list[str] = []
    places = asyncio.Semaphore(services.transport.width)
    tasks: set[asyncio.Task[None]] = set()

    async def reach(connection_id: str) -> None:
        try:
            outcome = await _send(services, connection_id, payload)
        finally:
            places.release()
        outcomes[type(outcome).__name__] += 1
        if isinstance(outcome, Failed):
            reasons[outcome.reason] += 1
        if isinstance(outcome, Gone):
            gone.append(connection_id)

    try:
        async with asyncio.timeout(timeout_s):
            async for page in pages:
                for connection_id in page:
                    await places.acquire()
                    task = asyncio.create_task(reach(connection_id))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
    finally:
        await asyncio.gather(*tasks)
        tally = Tally(outcomes[Delivered.__name__], outcomes[Failed.__name__], tuple(gone))
        _log(to, tally, reasons, took_s=services.clock() - started_at)
    return tally


async def _send(services: Services, connection_id: str, payload: bytes) -> Outcome:
    """Send, and count even a Transport that breaks its promise never to raise as one failure."""
    try:
        return await services.transport.send(connection_id, payload)
    except Exception:
        logger.exception("send raised connection=%s", connection_id)
        return Failed("raised")


def _log(to: str, tally: Tally, reasons: Counter[str], *, took_s: float) -> None:
    logger.log(
        logging.WARNING if tally.failed else logging.INFO,
        "broadcast %s delivered=%d gone=%d failed=%d reasons=%s ms=%d",
        to,
        tally.delivered,
        len(tally.gone),
        tally.failed,
        ",".join(f"{reason}:{count}" for reason, count in sorted(reasons.items())) or "-",
        took_s * 1000,
    )
