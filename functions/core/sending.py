"""Sending to a user: one payload to each connection of the user, whatever it is subscribed to."""

from collections.abc import AsyncIterator, Sequence

from msgspec import Raw

from functions.core import protocol
from functions.core.broadcast import Tally, fan_out
from functions.core.closing import prune
from functions.core.context import Services
from functions.core.publishing import check_data


async def send_to_user(services: Services, user: str, data: Raw) -> Tally:
    """Send `data` (JSON text) to every connection of a user that is open; say how it went.

    Nothing is kept for who is not there. Raises ProtocolError 106 when `data` is too long, and
    what reading the connections raises.
    """
    check_data(data)
    message = protocol.Message(services.new_id(), data, int(services.clock() * 1000))
    payload = protocol.encode(message)
    tally = await fan_out(services, _connections(services, user), payload, about={"user": user})
    await prune(services, tally.gone)
    return tally


async def _connections(services: Services, user: str) -> AsyncIterator[Sequence[str]]:
    yield await services.store.connections.of_user(user, now=int(services.clock()))
