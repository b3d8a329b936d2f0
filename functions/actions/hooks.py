"""Hooks that a namespace can name (namespaces.py): what happens in its channels leaves for AWS.

Each needs its setting and permission: docs/how-to/react-to-what-happens.md. A hook of your own is a
function beside these; it is awaited before the client has its reply, so keep it short.
"""

from functions.core.context import Services
from functions.core.happenings import Happening


async def to_event_bus(services: Services, happening: Happening) -> None:
    """Put it on the EventBridge bus that EVENT_BUS_NAME names."""
    outlet = await services.outlets.event_bus()
    await outlet.put(happening)


async def to_queue(services: Services, happening: Happening) -> None:
    """Put it into the SQS queue that EVENT_QUEUE_URL names."""
    outlet = await services.outlets.queue()
    await outlet.put(happening)
