"""`subscribe`, `unsubscribe`, `publish` and `signal`: how clients use channels."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from functions.core import channels, limits, pacing, protocol, publishing
from functions.core.channels import Subscribed, Wanted
from functions.core.context import Context
from functions.core.errors import (
    BAD_REQUEST,
    NOT_AVAILABLE,
    PERMISSION_DENIED,
    ProtocolError,
)
from functions.core.namespaces import namespace_of
from functions.core.permissions import require
from functions.core.protocol import Position


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


class Signal(Struct, frozen=True):
    """The fields of `signal`."""

    channel: str
    data: Raw


class ChannelResult(Struct, frozen=True):
    """What a reply to `subscribe` says of one channel."""

    channel: str
    epoch: str | UnsetType = UNSET
    offset: int | UnsetType = UNSET
    recovered: bool | UnsetType = UNSET
    publications: list[Raw] | UnsetType = UNSET
    more: bool | UnsetType = UNSET
    error: protocol.ErrorBody | UnsetType = UNSET


async def subscribe(context: Context, request: Subscribe) -> dict[str, object]:
    """Reply with one result a channel, in the order asked for.

    What is wrong with one of `channels` is that channel's own error, and the others are subscribed
    to; the only `channel` of a request makes it the request's error.
    """
    if (request.channels is None) == (request.channel is None):
        raise ProtocolError(BAD_REQUEST, "channels: give either `channels` or `channel`")
    if request.channel is not None:
        results = await channels.subscribe(context, [Wanted(request.channel, request.recover)])
        if isinstance(results[0], ProtocolError):
            raise results[0]
        return {"channels": [_result(request.channel, results[0])]}
    wanted = request.channels or []
    results = await channels.subscribe(context, wanted)
    return {
        "channels": [
            _result(each.channel, result) for each, result in zip(wanted, results, strict=True)
        ]
    }


async def unsubscribe(context: Context, request: Unsubscribe) -> None:
    """Reply with nothing but success."""
    await channels.unsubscribe(context, request.channel)


async def publish(context: Context, request: Publish) -> Position | None:
    """Reply with the position where history is kept, once every subscriber has been tried."""
    channels.check_name(request.channel)
    namespace = namespace_of(context.namespaces, request.channel)
    if not namespace.clients_publish:
        raise ProtocolError(PERMISSION_DENIED, f"only servers publish in {request.channel}")
    require(context.identity, "publish", request.channel)
    if namespace.keeps_history:
        await pacing.require_exactly(context, "publish", namespace.publish_rate)
    else:
        pacing.require_roughly(context, "publish", namespace.publish_rate)
    return await publishing.publish(
        context,
        publishing.Publish(
            request.channel,
            request.data,
            sender=protocol.Sender(context.user, context.connection_id),
            key=request.key,
            leave_out=None if request.echo else context.connection_id,
        ),
    )


async def signal(context: Context, request: Signal) -> None:
    """Reach who is subscribed now; its route has no reply, and nothing is kept."""
    channels.check_name(request.channel)
    namespace = namespace_of(context.namespaces, request.channel)
    if not namespace.signals:
        raise ProtocolError(NOT_AVAILABLE, "this namespace has no signals")
    require(context.identity, "publish", request.channel)
    pacing.require_roughly(context, "signal", namespace.signal_rate)
    await publishing.signal(
        context,
        publishing.Publish(
            request.channel,
            request.data,
            sender=protocol.Sender(context.user, context.connection_id),
            leave_out=context.connection_id,
        ),
    )


def _result(channel: str, result: Subscribed | ProtocolError) -> ChannelResult:
    if isinstance(result, ProtocolError):
        return ChannelResult(channel, error=protocol.error_body(result))
    position = result.position
    publications = result.publications
    return ChannelResult(
        channel,
        epoch=UNSET if position is None else position.epoch,
        offset=UNSET if position is None else position.offset,
        recovered=protocol.present(result.recovered),
        publications=UNSET if publications is None else list(publications),
        more=UNSET if publications is None else result.more,
    )
