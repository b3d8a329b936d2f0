"""What happens in channels, told to a namespace's hook: the way out to other systems.

A hook sees what has happened; it can't change it. One that fails is logged and fails nobody.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Raw, Struct

from functions.core import limits
from functions.core.namespaces import find_namespace
from functions.core.protocol import Position

if TYPE_CHECKING:
    from functions.core.context import Services

logger = logging.getLogger(__name__)


class Happening(Struct, frozen=True, omit_defaults=True, tag_field="version", tag=1):
    """One thing that happened in a channel; `at` is epoch milliseconds.

    `user` is missing where no user did it, `data` and `position` are a publication's. Normally told
    once; but a function that dies can leave it untold or, when it is repeated, twice told. Two
    happenings may be told in another order than `at` has them.
    """

    kind: Literal["published", "joined", "left", "occupied", "vacated"]
    channel: str
    at: int
    user: str | None = None
    data: Raw | None = None
    position: Position | None = None


class OutletError(Exception):
    """A happening was not taken; the text says why."""


class Outlet(Protocol):
    """A port: where happenings leave for another system."""

    async def put(self, happening: Happening) -> None:
        """Hand one over within a bounded time; raise OutletError when it is not taken.

        At least once: a repeated attempt can hand it over twice. What the technology behind it
        raises passes through.
        """
        ...


class Outlets(Protocol):
    """The outlets of a deployment. Asking for one whose setting is missing raises an error."""

    async def event_bus(self) -> Outlet:
        """Give the event bus that EVENT_BUS_NAME names."""
        ...

    async def queue(self) -> Outlet:
        """Give the queue that EVENT_QUEUE_URL names."""
        ...


async def tell(
    services: "Services", happening: Happening, *, timeout_s: float = limits.HOOK_TIMEOUT_S
) -> None:
    """Call the hook of the channel's namespace, if it has one, for a time; never raises."""
    namespace = find_namespace(services.namespaces, happening.channel)
    hook = None if namespace is None else namespace.hook
    if hook is None:
        return
    try:
        async with asyncio.timeout(timeout_s):
            await hook(services, happening)
    except Exception:
        logger.exception(
            "hook failed kind=%s channel=%s",
            happening.kind,
            happening.channel,
            extra={"channel": happening.channel, "metrics": {"HooksFailed": 1}},
        )
