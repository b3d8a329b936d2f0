"""Rates of a connection: what is refused for coming too fast, and the end of one that goes on so.

Exact where history is kept, at the cost of an update; elsewhere from this environment's memory.
"""

from functions.core import connections, limits
from functions.core.context import Context
from functions.core.errors import RATE_LIMIT_IGNORED, TOO_MANY_REQUESTS, ProtocolError
from functions.core.namespaces import Rate
from functions.core.ports import Conflict, ConnectionClosed


async def require_exactly(context: Context, bucket: str, rate: Rate) -> None:
    """Raise ProtocolError 111 over the rate, closing after 20 refusals in a minute; 101."""
    now = context.clock()
    take = context.store.connections.take
    try:
        if await take(context.connection_id, bucket, rate, now=now):
            return
        patient = await take(context.connection_id, "refusals", limits.REFUSALS, now=now)
    except ConnectionClosed:
        raise connections.unknown() from None
    except Conflict:
        raise connections.conflict() from None
    raise _refused(patient=patient)


def require_roughly(context: Context, bucket: str, rate: Rate) -> None:
    """Raise ProtocolError 111 over the rate, closing after 20 refusals in a minute."""
    now, take = context.clock(), context.buckets.take
    if not take(context.connection_id, bucket, rate, now=now):
        raise _refused(patient=take(context.connection_id, "refusals", limits.REFUSALS, now=now))


def _refused(*, patient: bool) -> ProtocolError:
    closing = None if patient else RATE_LIMIT_IGNORED
    return ProtocolError(TOO_MANY_REQUESTS, "too many requests; slow down", closing=closing)
