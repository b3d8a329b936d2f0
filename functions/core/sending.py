"""Sending to a user: one payload to each connection of the user, whatever it is subscribed to."""

import asyncio
from collections import Counter

from msgspec import Raw

from functions.core import protocol
from functions.core.broadcast import Tally
from functions.core.closing import prune
from functions.core.context import Services
from functions.core.ports import Delivered, Failed, Gone, Outcome
from functions.core.publishing import check_data


async def send_to_user(services: Services, user: str, data: Raw) -> Tally:
    """Send `data` (JSON text) to every connection of a user that is open; say how it went.

    Nothing is kept for who is not there. Raises ProtocolError 106 when `data` is too long, and
    what reading the connections raises.
    """
    check_data(data)
    now = services.clock()
    message = protocol.Message(services.new_id(), data, int(now * 1000))
    payload = protocol.encode(message)
    connection_ids = await services.store.connections.of_user(user, now=int(now))
    places = asyncio.Semaphore(services.transport.width)

    async def reach(connection_id: str) -> Outcome:
        async with places:
            return await services.transport.send(connection_id, payload)

    outcomes = await asyncio.gather(*map(reach, connection_ids))
    gone = [
        connection_id
        for connection_id, outcome in zip(connection_ids, outcomes, strict=True)
        if isinstance(outcome, Gone)
    ]
    await prune(services, gone)
    counts = Counter(map(type, outcomes))
    return Tally(counts[Delivered], counts[Failed], gone)
