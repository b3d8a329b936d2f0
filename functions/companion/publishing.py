"""`publish` and `batch`: publications of a server, which is nobody's user.

All servers share their idempotency keys: a key that two of them use stands for one publication.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from functions.core import limits, protocol, publishing
from functions.core.context import Services
from functions.core.errors import INTERNAL, TOO_MANY_REQUESTS, ProtocolError

logger = logging.getLogger(__name__)


class Publish(Struct, frozen=True, forbid_unknown_fields=True):
    """One publication; `key` makes repeating it harmless where history is kept."""

    channel: str
    data: Raw
    key: Annotated[str, Meta(min_length=1, max_length=limits.KEY_LENGTH_MAX)] | None = None


class Published(Struct, frozen=True):
    """Where the publication stands in the channel's history, if it keeps one."""

    epoch: str | UnsetType = UNSET
    offset: int | UnsetType = UNSET


class Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """Several publications."""

    publications: Annotated[
        list[Publish], Meta(min_length=1, max_length=limits.BATCH_PUBLICATIONS_MAX)
    ]


class BatchResult(Struct, frozen=True):
    """What became of one publication: `error` is there when it failed."""

    epoch: str | UnsetType = UNSET
    offset: int | UnsetType = UNSET
    error: protocol.ErrorBody | UnsetType = UNSET


class BatchPublished(Struct, frozen=True):
    """One result for each publication, in their order."""

    results: list[BatchResult]


async def publish(services: Services, request: Publish) -> Published:
    """Publish to a channel.

    It answers once every subscriber has been tried.
    """
    position = await publishing.publish(
        services, publishing.Publish(request.channel, request.data, key=request.key)
    )
    return Published() if position is None else Published(position.epoch, position.offset)


async def publish_batch(services: Services, request: Batch) -> BatchPublished:
    """Publish several at once, each with a result of its own.

    Those of one channel keep their order; channels don't wait for one another. What has not begun
    after 8 s gets error 111: the same batch, with keys, may be sent again.
    """
    results: dict[int, BatchResult] = {}
    begin_until = services.clock() + limits.BATCH_BEGINS_S
    places = asyncio.Semaphore(limits.BATCH_WIDTH)

    async def publish_in_order(numbers: Sequence[int]) -> None:
        async with places:
            for number in numbers:
                late = services.clock() >= begin_until
                each = request.publications[number]
                results[number] = _LATE if late else await _publish_one(services, each)

    by_channel: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(request.publications):
        by_channel[each.channel].append(number)
    await asyncio.gather(*map(publish_in_order, by_channel.values()))
    return BatchPublished([results[number] for number in range(len(results))])


async def _publish_one(services: Services, request: Publish) -> BatchResult:
    try:
        published = await publish(services, request)
    except ProtocolError as error:
        return BatchResult(error=protocol.error_body(error))
    except Exception:
        logger.exception("publish of a batch failed channel=%r", request.channel)
        return BatchResult(error=protocol.error_body(ProtocolError(INTERNAL)))
    return BatchResult(published.epoch, published.offset)


_LATE = BatchResult(
    error=protocol.error_body(
        ProtocolError(TOO_MANY_REQUESTS, "the batch took too long; send this one again")
    )
)
