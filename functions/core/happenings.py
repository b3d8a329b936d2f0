"""What happens in channels, told to a namespace's hook: the way out to other systems.

A hook sees what has happened; it can't change it. One that fails is logged and fails nobody.
"""

import logging
from typing import Literal

from msgspec import Raw, Struct

from functions.core.context import Services
from functions.core.protocol import Position

logger = logging.getLogger(__name__)


class Happening(Struct, frozen=True, omit_defaults=True, tag_field="version", tag=1):
    """One thing that happened in a channel; `at` is epoch milliseconds.

    `user` is missing where no user did it, `data` and `position` are a publication's. Told at
    least once: a function that dies can leave it untold or, when it is repeated, twice told.
    """

    kind: Literal["published", "joined", "left", "occupied", "vacated"]
    channel: str
    at: int
    user: str | None = None
    data: Raw | None = None
    position: Position | None = None


async def tell(services: Services, happening: Happening) -> None:
    """Call the hook of the channel's namespace, if it has one; never raises."""
    namespace = services.namespaces.get(happening.channel.partition(":")[0])
    hook = None if namespace is None else namespace.hook
    if hook is None:
        return
    try:
        await hook(services, happening)
    except Exception:
        logger.exception("hook failed kind=%s channel=%s", happening.kind, happening.channel)
