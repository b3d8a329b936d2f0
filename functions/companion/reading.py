"""`history`, `presence` and `stats`: what a channel keeps and who is in it."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from functions.core import channels, history, limits, presence, protocol
from functions.core.context import Services
from functions.core.errors import BAD_REQUEST, ProtocolError
from functions.core.protocol import Position


class History(Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a channel's history: after `epoch` and `offset`, or in `reverse` before."""

    channel: str
    limit: Annotated[int, Meta(ge=1, le=limits.HISTORY_SIZE_MAX)] = limits.HISTORY_PAGE_MAX
    epoch: str | None = None
    offset: Annotated[int, Meta(ge=0)] | None = None
    reverse: bool = False


class HistoryPage(Struct, frozen=True):
    """Some publications as they were sent, and where to go on if there are `more`."""

    publications: list[Raw]
    epoch: str
    offset: int
    more: bool


class Presence(Struct, frozen=True, forbid_unknown_fields=True):
    """Which users of a channel; `cursor` is an earlier answer's."""

    channel: str
    limit: Annotated[int, Meta(ge=1, le=limits.PRESENCE_LIST_MAX)] = limits.PRESENCE_PAGE_MAX
    cursor: Annotated[str, Meta(max_length=limits.USER_LENGTH_MAX)] | None = None


class PresentUser(Struct, frozen=True):
    """A user's connections, and what others see of the user."""

    connections: list[str]
    info: dict[str, Any]


class PresencePage(Struct, frozen=True):
    """Users by name, and where to go on if that was not all."""

    users: dict[str, PresentUser]
    cursor: str | UnsetType = UNSET


class Stats(Struct, frozen=True, forbid_unknown_fields=True):
    """Which channel."""

    channel: str


class Counts(Struct, frozen=True):
    """How many are in a channel; above 1,000 users that number stands for all that are more."""

    connections: int
    users: int


async def history_page(services: Services, request: History) -> HistoryPage:
    """Read what a channel keeps."""
    channels.check_name(request.channel)
    found = await history.page(
        services,
        request.channel,
        since=_since(request),
        limit=request.limit,
        reverse=request.reverse,
    )
    position = found.position
    return HistoryPage(list(found.publications), position.epoch, position.offset, found.more)


async def presence_page(services: Services, request: Presence) -> PresencePage:
    """List who is in a channel."""
    channels.check_name(request.channel)
    found = await presence.page(
        services, request.channel, limit=request.limit, after=request.cursor
    )
    users = {
        each.user: PresentUser(list(each.connections), dict(each.info)) for each in found.users
    }
    return PresencePage(users, protocol.present(found.after))


async def stats(services: Services, request: Stats) -> Counts:
    """Count who is in a channel."""
    channels.check_name(request.channel)
    return Counts(*await presence.stats(services, request.channel))


def _since(request: History) -> Position | None:
    if (request.epoch is None) != (request.offset is None):
        raise ProtocolError(BAD_REQUEST, "epoch: give both `epoch` and `offset`, or neither")
    if request.epoch is None or request.offset is None:
        return None
    return Position(request.epoch, request.offset)
