"""`presence` and `presenceStats`: who is in a channel, and how many."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from functions.core import channels, limits, presence, protocol
from functions.core.context import Context
from functions.core.permissions import require


class Presence(Struct, frozen=True):
    """The fields of `presence`; `cursor` is an earlier reply's."""

    channel: str
    limit: Annotated[int, Meta(ge=1, le=limits.PRESENCE_LIST_MAX)] = limits.PRESENCE_PAGE_MAX
    cursor: Annotated[str, Meta(max_length=limits.USER_LENGTH_MAX)] | None = None


class PresenceStats(Struct, frozen=True):
    """The fields of `presenceStats`."""

    channel: str


class User(Struct, frozen=True):
    """What a list says of one user."""

    connections: list[str]
    info: dict[str, object]


class Users(Struct, frozen=True):
    """The result of `presence`: users by name, and where to go on."""

    users: dict[str, User]
    cursor: str | UnsetType = UNSET


async def read(context: Context, request: Presence) -> Users:
    """Reply with some users of a channel."""
    channels.check_name(request.channel)
    require(context.identity, "presence", request.channel)
    found = await presence.page(context, request.channel, limit=request.limit, after=request.cursor)
    users = {each.user: User(list(each.connections), dict(each.info)) for each in found.users}
    return Users(users, protocol.present(found.after))


async def read_stats(context: Context, request: PresenceStats) -> dict[str, int]:
    """Reply with two numbers."""
    channels.check_name(request.channel)
    require(context.identity, "presence", request.channel)
    connections, users = await presence.stats(context, request.channel)
    return {"connections": connections, "users": users}
