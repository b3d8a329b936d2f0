"""Ending connections: what is forgotten of one that has ended, and ending one from this side."""

import asyncio
import logging
from collections.abc import Sequence

from functions.core import limits, presence, protocol
from functions.core.context import Services
from functions.core.errors import FORCED, ClosingKind
from functions.core.happenings import Happening, tell
from functions.core.namespaces import find_namespace
from functions.core.ports import Failed

logger = logging.getLogger(__name__)


class NotEnded(Exception):  # noqa: N818 - named for what happened
    """The gateway did not end a connection; the text says which and why."""


async def close_connection(services: Services, connection_id: str) -> None:
    """Forget a connection, its presence and its subscriptions; right from any partial state.

    Raises what Store raises; done again it goes on where it stopped.
    """
    subscriptions = await services.store.connections.remove(connection_id)
    for each in subscriptions:
        await leave_channel(services, each.channel, each.user, connection_id)
    await services.store.subscriptions.remove(subscriptions)
    for each in subscriptions:
        await note_vacancy(services, each.channel)
    logger.info("connection closed connection=%s", connection_id)


async def end_connection(services: Services, connection_id: str, kind: ClosingKind) -> None:
    """Tell a client why, end its connection, and forget it.

    Raises NotEnded, which forgets nothing so that it can be done again; and what Store raises.
    """
    message = protocol.Closing(kind.code, kind.name, kind.reconnect)
    await services.transport.send(connection_id, protocol.encode(message))
    outcome = await services.transport.close(connection_id)
    if isinstance(outcome, Failed):
        raise NotEnded(f"connection={connection_id} reason={outcome.reason}")
    await close_connection(services, connection_id)


async def kick_user(
    services: Services, user: str, *, block_s: int, kind: ClosingKind = FORCED
) -> int:
    """Block a user for so many seconds, then end every connection; give how many there were.

    One that opens meanwhile either is among them or meets the block. Raises as end_connection, once
    all have been tried; done again it goes on with those that are left.
    """
    now = int(services.clock())
    if block_s > 0:
        await services.store.connections.block(user, until=now + block_s)
    connection_ids = await services.store.connections.of_user(user, now=now)
    places = asyncio.Semaphore(limits.PRUNE_WIDTH)

    async def end(connection_id: str) -> None:
        async with places:
            await end_connection(services, connection_id, kind)

    results = await asyncio.gather(*map(end, connection_ids), return_exceptions=True)
    for result in results:
        if result is not None:
            raise result
    return len(connection_ids)


async def leave_channel(services: Services, channel: str, user: str, connection_id: str) -> None:
    """Take a connection out of a channel's presence, where there is any."""
    namespace = find_namespace(services.namespaces, channel)
    if namespace is not None and namespace.presence:
        await presence.leave(services, channel, user, connection_id)


async def note_vacancy(services: Services, channel: str) -> None:
    """Tell a hook that a channel's last subscriber has gone, if that is so."""
    namespace = find_namespace(services.namespaces, channel)
    if namespace is None or namespace.hook is None:
        return
    now = services.clock()
    if await services.store.subscriptions.vacate(channel, now=int(now)):
        await tell(services, Happening("vacated", channel, int(now * 1000)))


async def prune(
    services: Services, gone: Sequence[str], *, timeout_s: float = limits.PRUNE_TIMEOUT_S
) -> None:
    """Close connections that are gone, for at most `timeout_s`; never raises.

    What stays behind is found by the next broadcast, as closing is right from any partial state.
    """
    left = iter(gone)

    async def close_some() -> None:
        for connection_id in left:
            try:
                await close_connection(services, connection_id)
            except Exception:
                logger.exception("prune failed connection=%s", connection_id)

    workers = (close_some() for _ in range(min(len(gone), limits.PRUNE_WIDTH)))
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*workers)
    except TimeoutError:
        logger.warning("prune stopped after %g s, left=%d", timeout_s, sum(1 for _ in left))
