"""Presence: which users are in a channel, as long as the lease of one of their connections runs.

A user comes with the first connection and goes with the last: two tabs are one user. A connection
that vanished without a word counts until its lease ends, and then no more: there is no sweep.
"""

import logging
from collections.abc import Collection
from typing import Literal

from msgspec import json

from functions.core import limits, protocol
from functions.core.broadcast import broadcast
from functions.core.context import Context, Services
from functions.core.errors import NOT_AVAILABLE, ProtocolError
from functions.core.happenings import Happening, tell
from functions.core.namespaces import namespace_of
from functions.core.ports import PresencePage
from functions.core.protocol import Sender

logger = logging.getLogger(__name__)


async def enter(context: Context, channel: str, *, expires_at: int) -> None:
    """Count the asking connection in; announce its user if no other connection is in."""
    before = await context.store.presence.enter(
        channel, context.identity, context.connection_id, expires_at=expires_at
    )
    if context.connection_id in before or await _any_alive(context, before):
        return
    await _announce(context, "joined", channel, Sender(context.user, context.connection_id))


async def leave(services: Services, channel: str, user: str, connection_id: str) -> None:
    """Count a connection out; announce that its user left if it was the last.

    Those of the user's others that only vanished are counted out with it: of several that end at
    the same time, whoever takes the last one out announces.
    """
    take_out = services.store.presence.leave
    rest = await take_out(channel, user, connection_id)
    if rest is None or await _any_alive(services, rest):
        return
    for vanished in sorted(rest):
        rest = await take_out(channel, user, vanished)
    if rest is None or rest:
        return
    await _announce(services, "left", channel, Sender(user, connection_id))


async def page(services: Services, channel: str, *, limit: int, after: str | None) -> PresencePage:
    """Give some of a channel's users.

    Raises ProtocolError 108 where the namespace has no presence, or the channel over 1,000 users.
    """
    _require_presence(services, channel)
    now = int(services.clock())
    at_most = limits.PRESENCE_LIST_MAX + 1
    if await services.store.presence.count(channel, at_most=at_most, now=now) == at_most:
        raise ProtocolError(
            NOT_AVAILABLE, f"the channel has more than {limits.PRESENCE_LIST_MAX} users"
        )
    limit = min(limit, limits.PRESENCE_PAGE_MAX)
    found = await services.store.presence.page(channel, limit=limit, now=now, after=after)
    return _fitting(found)


async def stats(services: Services, channel: str) -> tuple[int, int]:
    """Count connections and users; above 1,000 users that number stands for all that are more.

    Raises ProtocolError 108 where the namespace has no presence.
    """
    _require_presence(services, channel)
    connections = users = 0
    after: str | None = None
    while users <= limits.PRESENCE_LIST_MAX:
        found = await services.store.presence.page(
            channel, limit=limits.PRESENCE_PAGE_MAX, now=int(services.clock()), after=after
        )
        users += len(found.users)
        connections += sum(len(each.connections) for each in found.users)
        after = found.after
        if after is None:
            break
    return connections, users


async def _any_alive(services: Services, connection_ids: Collection[str]) -> bool:
    if not connection_ids:
        return False
    now = int(services.clock())
    return bool(await services.store.presence.alive(connection_ids, now=now))


async def _announce(
    services: Services, kind: Literal["joined", "left"], channel: str, who: Sender
) -> None:
    """Tell the hook and the others; what fails in that fails nobody's coming or going."""
    now = services.clock()
    await tell(services, Happening(kind, channel, int(now * 1000), who.user))
    if not namespace_of(services.namespaces, channel).announces:
        return
    at_most = limits.ANNOUNCE_USERS_MAX + 1
    message = protocol.Join(channel, who) if kind == "joined" else protocol.Leave(channel, who)
    payload = protocol.encode(message)
    try:
        count = services.store.presence.count
        if await count(channel, at_most=at_most, now=int(now)) < at_most:
            await broadcast(services, channel, payload, leave_out=who.connection, fresh=False)
    except Exception:
        logger.exception(
            "announcement failed kind=%s channel=%s", kind, channel, extra={"channel": channel}
        )


def _fitting(found: PresencePage) -> PresencePage:
    """Leave out the users that a reply has no room for: they are on the next page."""
    left = limits.REPLY_LIST_BYTES_MAX
    for place, each in enumerate(found.users):
        left -= len(json.encode(each))
        if left < 0 and place > 0:
            return PresencePage(found.users[:place], found.users[place - 1].user)
    return found


def _require_presence(services: Services, channel: str) -> None:
    if not namespace_of(services.namespaces, channel).presence:
        raise ProtocolError(NOT_AVAILABLE, "this namespace has no presence")
