"""Channels: their names, subscribing and unsubscribing. Publishing is core/publishing.py."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from msgspec import Raw, Struct, json, structs

from functions.core import connections, history, limits, presence
from functions.core.closing import leave_channel, note_vacancy
from functions.core.context import Context, Services
from functions.core.errors import BAD_REQUEST, LIMIT_EXCEEDED, ProtocolError
from functions.core.happenings import Happening, tell
from functions.core.log import Slice
from functions.core.namespaces import Namespace, namespace_of
from functions.core.permissions import require
from functions.core.ports import (
    Conflict,
    Connection,
    ConnectionClosed,
    IdentityChanged,
    SubscriptionsFull,
)
from functions.core.protocol import Position

IDENTITY_ATTEMPTS: Final = 3

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+:[A-Za-z0-9_.:-]+", re.ASCII)


def check_name(name: str) -> None:
    """Raise ProtocolError unless `name` is a channel's: `namespace:name`, 106 when too long."""
    if len(name) > limits.CHANNEL_LENGTH_MAX:
        raise ProtocolError(
            LIMIT_EXCEEDED,
            f"channel: the name has {len(name)} characters; "
            f"at most {limits.CHANNEL_LENGTH_MAX} are taken",
        )
    if not is_name(name):
        raise ProtocolError(
            BAD_REQUEST, "channel: a name is `namespace:name`, of letters, digits and any of _.:-"
        )


def is_name(name: str) -> bool:
    """Say whether `name` is a channel's."""
    return len(name) <= limits.CHANNEL_LENGTH_MAX and bool(_NAME.fullmatch(name))


class Wanted(Struct, frozen=True):
    """One channel to subscribe to, and the position after which the client missed something."""

    channel: str
    recover: Position | None = None


class Subscribed(Struct, frozen=True):
    """What a new subscriber is told: where the log stands, and what was missed of it."""

    channel: str
    position: Position | None = None
    recovered: bool | None = None
    publications: Sequence[Raw] | None = None
    more: bool = False


async def subscribe(
    context: Context, wanted: Sequence[Wanted]
) -> Sequence[Subscribed | ProtocolError]:
    """Subscribe the asking connection; give one result for each channel, in their order.

    A bad name, an unknown namespace and a missing permission are that channel's own, and the
    others are subscribed to. Being subscribed already is fine. Raises ProtocolError for all: 101
    for a closed connection, 106 for too many subscriptions, 111 for a conflict that lasted.
    """
    for _ in range(IDENTITY_ATTEMPTS):
        errors = {each.channel: _refusal(context, each.channel) for each in wanted}
        try:
            await _add(context, [channel for channel, error in errors.items() if error is None])
        except IdentityChanged:  # `refresh` has left another with the connection: that one counts
            context = await _with_stored_identity(context)
        else:
            break
    else:
        raise connections.conflict()
    # Rows first, then the log: what is published in between reaches the client at least once.
    names_bytes = sum(len(json.encode(each.channel)) for each in wanted)
    bytes_max = (limits.REPLY_LIST_BYTES_MAX - names_bytes) // len(wanted)
    return await asyncio.gather(
        *(_begin(context, each, errors[each.channel], bytes_max) for each in wanted)
    )


async def unsubscribe(context: Context, channel: str) -> None:
    """End one subscription of the asking connection; not being subscribed is fine.

    Raises ProtocolError: 111 for a conflict that lasted; as check_name for a bad name.
    """
    check_name(channel)
    await end_subscription(context, channel, context.user, context.connection_id)


async def end_subscription(services: Services, channel: str, user: str, connection_id: str) -> None:
    """Take a connection out of a channel. Raises ProtocolError 111 for a conflict that lasted."""
    try:
        await leave_channel(services, channel, user, connection_id)
        await services.store.subscriptions.end(connection_id, channel)
    except Conflict:
        raise connections.conflict() from None
    await note_vacancy(services, channel)


def _refusal(context: Context, channel: str) -> ProtocolError | None:
    try:
        check_name(channel)
        namespace_of(context.namespaces, channel)
        require(context.identity, "subscribe", channel)
    except ProtocolError as error:
        return error
    return None


async def _with_stored_identity(context: Context) -> Context:
    now = int(context.clock())
    connection = await context.store.connections.read(context.connection_id, now=now)
    if connection is None:
        raise connections.unknown()
    return structs.replace(context, identity=connection.identity)


async def _add(context: Context, channels: Sequence[str]) -> None:
    now = int(context.clock())
    connection = Connection(
        connection_id=context.connection_id,
        identity=context.identity,
        connected_at_ms=context.connected_at_ms,
        lease_until=now,
        expires_at=connections.expires_at(context.connected_at_ms),
    )
    try:
        await context.store.subscriptions.add(
            connection, channels, subscriptions_max=limits.SUBSCRIPTIONS_MAX, now=now
        )
    except ConnectionClosed:
        raise connections.unknown() from None
    except SubscriptionsFull:
        raise ProtocolError(
            LIMIT_EXCEEDED,
            f"channels: a connection holds at most {limits.SUBSCRIPTIONS_MAX} subscriptions",
        ) from None
    except Conflict:
        raise connections.conflict() from None


async def _begin(
    context: Context, wanted: Wanted, error: ProtocolError | None, bytes_max: int
) -> Subscribed | ProtocolError:
    """Bring a subscriber whose rows are written up to date, and tell the others of it."""
    if error is not None:
        return error
    channel = wanted.channel
    namespace = namespace_of(context.namespaces, channel)
    now = context.clock()
    # No connection that is open now outlives this: what several share must not end with the oldest.
    expires_at = connections.expires_at(int(now * 1000))
    if namespace.hook is not None:
        await _note_occupied(context, channel, expires_at=expires_at, now=now)
    if namespace.presence:
        await presence.enter(context, channel, expires_at=expires_at)
    if not namespace.keeps_history:
        if wanted.recover is None:
            return Subscribed(channel)
        return Subscribed(channel, recovered=False, publications=())
    return await _catch_up(context, wanted, namespace, bytes_max)


async def _note_occupied(context: Context, channel: str, *, expires_at: int, now: float) -> None:
    """Tell the hook that a channel has a subscriber again, if that is so."""
    try:
        occupied = await context.store.subscriptions.occupy(
            channel, expires_at=expires_at, now=int(now)
        )
    except Conflict:
        raise connections.conflict() from None
    if occupied:
        await tell(context, Happening("occupied", channel, int(now * 1000)))


async def _catch_up(
    context: Context, wanted: Wanted, namespace: Namespace, bytes_max: int
) -> Subscribed:
    channel, recovered = wanted.channel, None
    if wanted.recover is not None:
        found = await history.recover(context, channel, wanted.recover, bytes_max=bytes_max)
        if found is not None:
            return _subscribed(channel, found, recovered=True)
        recovered = False
    found = await history.begin(
        context, channel, with_last=namespace.delivers_last, bytes_max=bytes_max
    )
    if recovered is None and not namespace.delivers_last:
        return Subscribed(channel, found.position)
    return _subscribed(channel, found, recovered=recovered)


def _subscribed(channel: str, found: Slice, *, recovered: bool | None) -> Subscribed:
    return Subscribed(channel, found.position, recovered, found.publications, found.more)
