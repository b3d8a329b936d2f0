"""`health`: whether table and gateway answer. Anybody may know that; what is unwell, only some."""

import asyncio
import logging
from typing import Final

from msgspec import Struct
from starlette.exceptions import HTTPException

from functions.core import limits
from functions.core.context import Services
from functions.core.ports import Failed

logger = logging.getLogger(__name__)

NO_CHANNEL: Final = "health:none"
NO_CONNECTION: Final = "health-check"
"""No connection's id: a gateway that may be reached says so (B-216). What looks like one but never
was is answered 403, as a missing permission is (B-217)."""


class Nothing(Struct, frozen=True):
    """No field."""


class Healthy(Struct, frozen=True):
    """All is well."""

    ok: bool


class Parts(Struct, frozen=True):
    """What answers as it should."""

    table: bool
    gateway: bool


async def health(services: Services, request: Nothing) -> Healthy:
    """Say whether table and gateway answer: 200 if both do, else 503."""
    found = await parts(services, request)
    if not (found.table and found.gateway):
        raise HTTPException(503, "not all parts answer")
    return Healthy(ok=True)


async def parts(services: Services, _request: Nothing) -> Parts:
    """Say which of table and gateway answers."""
    table, gateway = await asyncio.gather(_table(services), _gateway(services))
    return Parts(table, gateway)


async def _table(services: Services) -> bool:
    try:
        async with asyncio.timeout(limits.HEALTH_TIMEOUT_S):
            await services.store.log.head(NO_CHANNEL, now=services.clock())
    except Exception:
        logger.exception("the table does not answer")
        return False
    return True


async def _gateway(services: Services) -> bool:
    try:
        async with asyncio.timeout(limits.HEALTH_TIMEOUT_S):
            outcome = await services.transport.close(NO_CONNECTION)
    except TimeoutError:
        outcome = Failed("timeout")
    if isinstance(outcome, Failed):
        logger.error("the gateway does not answer reason=%s", outcome.reason)
        return False
    return True
