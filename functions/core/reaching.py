"""Reaching a channel's subscribers: few from here, many by way of workers."""

from functions.core import limits
from functions.core.broadcast import broadcast
from functions.core.closing import prune
from functions.core.context import Services
from functions.core.fanout import hand_over
from functions.core.workers import Job


async def reach(
    services: Services,
    channel: str,
    payload: bytes,
    *,
    leave_out: str | None = None,
    fresh: bool = True,
) -> None:
    """Send `payload` to each subscriber of `channel` but the connection `leave_out`.

    Up to DIRECT_SHARDS_MAX shards, or where no workers are, returns when everybody has been tried
    and those gone are closed; above, when workers have accepted the work. `fresh` is as in
    SubscriptionStore.of_channel. Raises as broadcast and fanout.hand_over do.
    """
    shards = None
    if services.workers is not None:
        shards = await services.store.subscriptions.shard_count(channel, fresh=fresh)
        if shards > limits.DIRECT_SHARDS_MAX:
            whole = Job(channel, tuple(range(shards)), payload.decode(), leave_out=leave_out)
            await hand_over(services.workers, whole)
            return
    tally = await broadcast(
        services, channel, payload, leave_out=leave_out, fresh=fresh, shards=shards
    )
    await prune(services, tally.gone)
