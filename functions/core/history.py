"""History: what a subscriber missed, where a new one begins, and pages to read, both ways.

What is contiguous in a log, and what is missing in it, is core/log.py's to find out.
"""

import asyncio
from collections.abc import Mapping

from functions.core import limits
from functions.core.context import Services
from functions.core.errors import NOT_AVAILABLE, UNRECOVERABLE_POSITION, ProtocolError
from functions.core.log import Log, Slice, open_log, read_back, read_end, read_on
from functions.core.namespaces import namespace_of
from functions.core.protocol import Position


async def begin(services: Services, channel: str, *, with_last: bool, bytes_max: int) -> Slice:
    """Give where a new subscriber of a channel with history stands, beginning a log if need be.

    That is before whatever is still on its way, which reaches him. `with_last` gives the newest
    publication as well, if one is kept; one that does not fit into `bytes_max` is `more`.
    """
    log = await open_log(services, channel)
    return await read_end(services, log, with_last=with_last, bytes_max=bytes_max)


async def recover(
    services: Services, channel: str, since: Position, *, bytes_max: int
) -> Slice | None:
    """Give what was published after a position; None when that can't be told whole.

    The first contiguous part, of up to `bytes_max` bytes: the rest is `more`.
    """
    log = await open_log(services, channel)
    if not _knows(log, since):
        return None
    found = await read_on(
        services, log, since.offset, limit=limits.HISTORY_PAGE_MAX, bytes_max=bytes_max
    )
    return found if found.complete else None


async def page(
    services: Services, channel: str, *, since: Position | None, limit: int, reverse: bool
) -> Slice:
    """Give up to `limit` publications after a position, or from the oldest kept.

    In `reverse` those before it, or from the newest; its position is the oldest's, and it is no
    statement of completeness. Raises ProtocolError: 108 where no history is kept, 112 when what
    was asked for is not kept any more or never was there.
    """
    if not namespace_of(services.namespaces, channel).keeps_history:
        raise ProtocolError(NOT_AVAILABLE, "this namespace keeps no history")
    log = await open_log(services, channel)
    if since is not None and not _knows(log, since):
        raise ProtocolError(UNRECOVERABLE_POSITION)
    limit = min(limit, limits.HISTORY_PAGE_MAX)
    if reverse:
        return await read_back(services, log, since, limit)
    after = log.oldest_kept - 1 if since is None else since.offset
    found = await read_on(services, log, after, limit=limit, bytes_max=limits.REPLY_LIST_BYTES_MAX)
    if since is not None and not found.complete:
        raise ProtocolError(UNRECOVERABLE_POSITION)
    return found


async def behind(services: Services, positions: Mapping[str, Position]) -> list[str]:
    """Give the channels with history whose log is elsewhere than at these positions."""
    channels = [
        channel for channel in positions if namespace_of(services.namespaces, channel).keeps_history
    ]
    now = services.clock()
    heads = await asyncio.gather(
        *(services.store.log.head(channel, now=now) for channel in channels)
    )
    return [
        channel
        for channel, head in zip(channels, heads, strict=True)
        if head is not None and head.position != positions[channel]
    ]


def _knows(log: Log, since: Position) -> bool:
    return since.epoch == log.head.position.epoch and since.offset <= log.newest
