"""The fan-out: one payload to every connection subscribed to a channel.

Reaches connections through Transport and finds them through Store; a connection found gone is
closed afterwards. One that is gone, fails or hangs keeps no other from its message.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from functions.core import connections, limits
from functions.core.context import Context
from functions.core.ports import Delivered, Failed, Gone, Outcome

logger = logging.getLogger(__name__)


class Tally(Struct, frozen=True):
    """How a broadcast went: the number of connections by outcome."""

    delivered: int
    gone: int
    failed: int


async def broadcast(
    context: Context,
    channel: str,
    payload: bytes,
    *,
    leave_out: str | None = None,
    timeout_s: float = limits.BROADCAST_TIMEOUT_S,
) -> Tally:
    """Send `payload` to each subscriber of `channel` but the connection `leave_out`.

    At most `transport.width` sends run at a time, over page borders: a slow connection holds up
    its own place only. Raises what reading the subscribers raises, and TimeoutError when not all
    sends have begun after `timeout_s`; both after those that began have ended. Never raises for a
    connection.
    """
    started_at = context.clock()
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    gone: list[str] = []
    places = asyncio.Semaphore(context.transport.width)
    tasks: set[asyncio.Task[None]] = set()

    async def reach(connection_id: str) -> None:
        try:
            outcome = await _send(context, connection_id, payload)
        finally:
            places.release()
        outcomes[type(outcome).__name__] += 1
        if isinstance(outcome, Failed):
            reasons[outcome.reason] += 1
        if isinstance(outcome, Gone):
            gone.append(connection_id)

    try:
        async with asyncio.timeout(timeout_s):
            async for page in context.store.subscribers(channel, now=int(started_at)):
                for connection_id in page:
                    if connection_id == leave_out:
                        continue
                    await places.acquire()
                    task = asyncio.create_task(reach(connection_id))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
    finally:
        await asyncio.gather(*tasks)
        tally = Tally(outcomes[Delivered.__name__], len(gone), outcomes[Failed.__name__])
        _log(channel, tally, reasons, took_s=context.clock() - started_at)
    await prune(context, gone)
    return tally


async def prune(
    context: Context, gone: Sequence[str], *, timeout_s: float = limits.PRUNE_TIMEOUT_S
) -> None:
    """Close connections that are gone, for at most `timeout_s`; never raises.

    What stays behind is found by the next broadcast, as closing is right from any partial state.
    """
    left = iter(gone)

    async def close_some() -> None:
        for connection_id in left:
            try:
                await connections.close_connection(context.store, connection_id)
            except Exception:
                logger.exception("prune failed connection=%s", connection_id)

    workers = (close_some() for _ in range(min(len(gone), limits.PRUNE_WIDTH)))
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*workers)
    except TimeoutError:
        logger.warning("prune stopped after %g s, left=%d", timeout_s, sum(1 for _ in left))


async def _send(context: Context, connection_id: str, payload: bytes) -> Outcome:
    """Send, and count even a Transport that breaks its promise never to raise as one failure."""
    try:
        return await context.transport.send(connection_id, payload)
    except Exception:
        logger.exception("send raised connection=%s", connection_id)
        return Failed("raised")


def _log(channel: str, tally: Tally, reasons: Counter[str], *, took_s: float) -> None:
    logger.log(
        logging.WARNING if tally.failed else logging.INFO,
        "broadcast channel=%s delivered=%d gone=%d failed=%d reasons=%s ms=%d",
        channel,
        tally.delivered,
        tally.gone,
        tally.failed,
        ",".join(f"{reason}:{count}" for reason, count in sorted(reasons.items())) or "-",
        took_s * 1000,
    )
