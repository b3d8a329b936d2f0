"""Transport over the gateway's management API: what its answers mean, and what is sent again.

Only 410 means gone, and 400 for an id that never was one (B-216); 403 is a wrong endpoint or a
missing permission, so that taking it for gone would empty the table. How a call reaches the gateway
is left to Calls: management_api_http is the one in use, management_api_aiobotocore the reference.
"""

import asyncio
import time
from collections import Counter
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Protocol

from msgspec import Struct

from functions.adapters.backoff import backoff_s
from functions.adapters.management_api_pace import Pace
from functions.adapters.management_api_requests import Method
from functions.core.ports import Delivered, Failed, Gone, Outcome

THROTTLED: Final = "throttled"
BROKEN: Final = "broken"
UNKNOWN: Final = "unknown"
TIMEOUT: Final = "timeout"

ATTEMPTS: Final = {THROTTLED: 4, BROKEN: 2}
"""Attempts that may end so, by reason, 5xx and broken links apart.

A connection that answers 429 so often has a full buffer: it is a slow reader (B-203). Links break
that were idle while Lambda had frozen the environment.
"""

PACED_ATTEMPTS: Final = 10
"""The same for 429 while many connections answer it: nobody in particular is slow."""

BACKOFF_S_MAX: Final = 0.8
RETRY_AFTER_S_MAX: Final = 5.0
"""A longer Retry-After is not waited for whole: a broadcast has not so much time."""


class Opening(Struct, frozen=True):
    """How to open a Transport, whichever: to `endpoint_url`, the stage's part included.

    At most `sends_per_second`, None for no bound. The timeouts are seconds until a link is there,
    and until an answer is.
    """

    endpoint_url: str
    sends_per_second: float | None = None
    connect_timeout_s: float = 2.0
    read_timeout_s: float = 5.0


class Answer(Struct, frozen=True):
    """What the gateway answered; `retry_after` is that header."""

    status: int
    message: str = ""
    retry_after: str = ""


class Calls(Protocol):
    """One call of the management API at a time."""

    @property
    def width(self) -> int:
        """How many calls may run at a time."""
        ...

    async def call(
        self, method: Method, connection_id: str, payload: bytes, *, fresh: bool
    ) -> Answer | Failed:
        """Call `/@connections/{id}`; `fresh` asks for a link that nothing was sent over yet.

        Failed for want of an answer: "broken" if the gateway can't have acted on the call,
        "unknown" if it may have, "timeout" if no link was there in time. Never raises.
        """
        ...


class ManagementApiTransport:
    """Transport (core/ports.py) that posts to `@connections`."""

    def __init__(self, calls: Calls, sends_per_second: float | None = None) -> None:
        self._calls = calls
        self._pace = Pace(sends_per_second, time.monotonic)

    @property
    def width(self) -> int:
        """As many sends as calls may run."""
        return self._calls.width

    async def send(self, connection_id: str, payload: bytes) -> Outcome:
        """Post, and post again after 429, 5xx or a broken link (see Transport)."""
        return await self._repeat("POST", connection_id, payload)

    async def close(self, connection_id: str) -> Outcome:
        """Delete, and delete again after 429, 5xx or a broken link (see Transport)."""
        return await self._repeat("DELETE", connection_id, b"")

    async def _repeat(self, method: Method, connection_id: str, payload: bytes) -> Outcome:
        fresh = False
        tried: Counter[tuple[str, bool]] | None = None
        while True:
            if delay_s := self._pace.begin():
                await asyncio.sleep(delay_s)
            answer = await self._calls.call(method, connection_id, payload, fresh=fresh)
            outcome = _read(answer)
            if not isinstance(outcome, Failed):
                return outcome
            fresh = isinstance(answer, Failed)
            tried = Counter() if tried is None else tried  # most sends need none
            tried[outcome.reason, fresh] += 1
            attempts, retry_after_s = ATTEMPTS.get(outcome.reason, 1), 0.0
            if isinstance(answer, Answer):
                retry_after_s = _seconds(answer.retry_after, now=time.time())
            if outcome.reason == THROTTLED and self._pace.throttled(connection_id, retry_after_s):
                attempts = PACED_ATTEMPTS
            if tried[outcome.reason, fresh] >= attempts:
                return outcome
            delay_s = backoff_s(tried.total(), most_s=BACKOFF_S_MAX)
            await asyncio.sleep(max(retry_after_s, delay_s))


def _read(answer: Answer | Failed) -> Outcome:
    """Read what an answer says about the connection (B-214 to B-218)."""
    if isinstance(answer, Failed):
        return answer
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Delivered()
    if status == HTTPStatus.GONE:
        return Gone()
    if status == HTTPStatus.BAD_REQUEST and "Invalid connectionId" in answer.message:
        return Gone()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failed(THROTTLED)
    return Failed(BROKEN if status >= HTTPStatus.INTERNAL_SERVER_ERROR else str(status))


def _seconds(retry_after: str, *, now: float) -> float:
    """Read Retry-After, seconds or a date (RFC 9110, section 10.2.3); 0 when it is neither."""
    if not retry_after:
        return 0.0
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - now
        except ValueError:
            return 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_S_MAX)
