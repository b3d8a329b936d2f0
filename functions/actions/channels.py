"""`subscribe`, `unsubscribe` and `publish`: how clients use channels."""

from typing import Annotated

from msgspec import Meta, Raw, Struct

from functions.core import channels, limits, protocol
from functions.core.context import Context
from functions.core.errors import BAD_REQUEST, ProtocolError
from functions.core.protocol import Position


class Wanted(Struct, frozen=True):
    """One channel to subscribe to, and the position after which the client missed something."""

    channel: str
    recover: Position | None = None


class Subscribe(Struct, frozen=True):
    """The fields of `subscribe`: `channels`, or for one `channel` and perhaps `recover`."""

    channels: (
        Annotated[list[Wanted], Meta(min_length=1, max_length=limits.CHANNELS_PER_REQUEST_MAX)]
        | None
    ) = None
    channel: str | None = None
    recover: Position | None = None


class Unsubscribe(Struct, frozen=True):
    """The fields of `unsubscribe`."""

    channel: str


class Publish(Struct, frozen=True):
    """The fields of `publish`; `key` has an effect only where history is kept."""

    channel: str
    data: Raw
    key: Annotated[str, Meta(min_length=1, max_length=limits.KEY_LENGTH_MAX)] | None = None
    echo: bool = True


async def subscribe(context: Context, request: Subscribe) -> dict[str, object]:
    """Reply with one result a channel, in the order asked for.

    A bad name in `channels` is that channel's own error, and the others are subscribed to; the
    only `channel` of a request makes it the request's error.
    """
    if (request.channels is None) == (request.channel is None):
        raise ProtocolError(BAD_REQUEST, "channels: give either `channels` or `channel`")
    if request.channel is not None:
        channels.check_name(request.channel)
        wanted = [Wanted(request.channel, request.recover)]
    else:
        wanted = request.channels or []
    results = [_result(each) for each in wanted]
    names = [
        each.channel for each, result in zip(wanted, results, strict=True) if "error" not in result
    ]
    if names:
        await channels.subscribe(context, names)
    return {"channels": results}


async def unsubscribe(context: Context, request: Unsubscribe) -> None:
    """Reply with nothing but success."""
    await channels.unsubscribe(context, request.channel)


async def publish(context: Context, request: Publish) -> None:
    """Reply with nothing but success, once every subscriber has been tried."""
    await channels.publish(context, request.channel, request.data, echo=request.echo)


def _result(wanted: Wanted) -> dict[str, object]:
    try:
        channels.check_name(wanted.channel)
    except ProtocolError as error:
        return {"channel": wanted.channel, "error": protocol.error_body(error)}
    if wanted.recover is None:
        return {"channel": wanted.channel}
    # Nothing is kept, so nothing can be given back, and the client must know that.
    return {"channel": wanted.channel, "recovered": False, "publications": [], "more": False}
