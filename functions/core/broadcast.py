"""The fan-out: one payload to every connection subscribed to a channel.

Reaches connections through Transport and finds them through Store; those found gone are named, to
be closed (core/closing.py). One that is gone, fails or hangs keeps no other from its message.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence

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
    about = {"channel": channel}
    return await fan_out(services, others, payload, about=about, timeout_s=timeout_s)


async def fan_out(
    services: Services,
    pages: AsyncIterator[Sequence[str]],
    payload: bytes,
    *,
    about: Mapping[str, object],
    timeout_s: float | None = None,
) -> Tally:
    """Send `payload` to connections given page by page; `about` tells the log who they are.

    At most `transport.width` sends run at a time, over page borders: a slow connection holds up its
    own place only. Raises what reading the pages raises, and TimeoutError when not all sends have
    begun after `timeout_s`; both after those that began have ended. Never raises for a connection.
    """
    started_at = services.clock()
    fan = _Fan(services, payload)
    deadline = asyncio.timeout(timeout_s)
    try:
        async with deadline:
            async for page in pages:
                await fan.begin(page)
            await fan.begin_rest()
    except asyncio.CancelledError:
        fan.drop_rest()
        raise
    finally:
        if deadline.expired():
            fan.drop_rest()
        await fan.end()
        tally = fan.tally()
        _log(about, tally, fan.reasons, took_s=services.clock() - started_at)
    return tally


class _Fan:
    """One fan-out under way: a bounded number of tasks that take who is next.

    A task for each send would cost a quarter of the send.
    """

    def __init__(self, services: Services, payload: bytes) -> None:
        self._services = services
        self._payload = payload
        self._next: deque[str] = deque()
        self._few_left = asyncio.Event()
        self._serving = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcomes: Counter[type[Outcome]] = Counter()
        self._gone: list[str] = []
        self.reasons: Counter[str] = Counter()

    async def begin(self, page: Sequence[str]) -> None:
        """Take a page, and wait until so few have yet to begin that the next may be read."""
        self._next.extend(page)
        width = self._services.transport.width
        for _ in range(min(width - self._serving, len(self._next))):
            self._serving += 1
            task = asyncio.create_task(self._serve())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await self._until_left(width)

    async def begin_rest(self) -> None:
        """Wait until every send has begun."""
        await self._until_left(0)

    def drop_rest(self) -> None:
        """Begin no further send."""
        self._next.clear()

    async def end(self) -> None:
        """Wait for the sends to end."""
        await asyncio.gather(*self._tasks)

    def tally(self) -> Tally:
        """Say how it went."""
        return Tally(self._outcomes[Delivered], self._outcomes[Failed], tuple(self._gone))

    async def _until_left(self, count: int) -> None:
        while len(self._next) > count:
            self._few_left.clear()
            await self._few_left.wait()

    async def _serve(self) -> None:
        width = self._services.transport.width
        while self._next:
            connection_id = self._next.popleft()
            if len(self._next) <= width:
                self._few_left.set()
            outcome = await _send(self._services, connection_id, self._payload)
            self._outcomes[type(outcome)] += 1
            if isinstance(outcome, Failed):
                self.reasons[outcome.reason] += 1
            if isinstance(outcome, Gone):
                self._gone.append(connection_id)
        self._serving -= 1


async def _send(services: Services, connection_id: str, payload: bytes) -> Outcome:
    """Send, and count even a Transport that breaks its promise never to raise as one failure."""
    try:
        return await services.transport.send(connection_id, payload)
    except Exception:
        logger.exception("send raised connection=%s", connection_id)
        return Failed("raised")


def _log(
    about: Mapping[str, object], tally: Tally, reasons: Counter[str], *, took_s: float
) -> None:
    """Log the broadcast; its numbers are metrics too (runtime/logs.py)."""
    metrics = {
        "BroadcastDelivered": tally.delivered,
        "BroadcastGone": len(tally.gone),
        "BroadcastFailed": tally.failed,
        "BroadcastDuration": round(took_s * 1000, 1),
    }
    logger.log(
        logging.WARNING if tally.failed else logging.INFO,
        "broadcast %s delivered=%d gone=%d failed=%d reasons=%s ms=%d",
        " ".join(f"{name}={value!r}" for name, value in about.items()),
        tally.delivered,
        len(tally.gone),
        tally.failed,
        ",".join(f"{reason}:{count}" for reason, count in sorted(reasons.items())) or "-",
        took_s * 1000,
        extra={**about, "metrics": metrics},
    )
