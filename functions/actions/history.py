"""`history`: reads what a channel keeps, forwards from a position or backwards."""

from typing import Annotated

from msgspec import Meta, Raw, Struct

from functions.core import channels, history, limits
from functions.core.context import Context
from functions.core.permissions import require
from functions.core.protocol import Position


class History(Struct, frozen=True):
    """The fields of `history`."""

    channel: str
    limit: Annotated[int, Meta(ge=1, le=limits.HISTORY_SIZE_MAX)] = limits.HISTORY_PAGE_MAX
    since: Position | None = None
    reverse: bool = False


class Page(Struct, frozen=True):
    """The result of `history`: some publications, and where to go on if there are `more`."""

    publications: list[Raw]
    epoch: str
    offset: int
    more: bool


async def read(context: Context, request: History) -> Page:
    """Reply with a page of publications."""
    channels.check_name(request.channel)
    require(context.identity, "history", request.channel)
    found = await history.page(
        context,
        request.channel,
        since=request.since,
        limit=request.limit,
        reverse=request.reverse,
    )
    position = found.position
    return Page(list(found.publications), position.epoch, position.offset, found.more)
