"""Moments as the gateway writes them. Every moment is given as epoch seconds."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

# strftime's %b follows the locale; the gateway's months are English.
_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)


def epoch_ms(moment: float) -> int:
    """Return whole milliseconds, as `requestTimeEpoch` and `connectedAt` in events (B-006).

    Rounded, because a float holds most milliseconds as a little more or less.
    """
    return round(moment * 1000)


def clf(moment: float) -> str:
    """Return the CLF time of `requestTime`, such as `05/Mar/2026:09:07:03 +0000` (B-006)."""
    return _clf(epoch_ms(moment) // 1000)


@lru_cache(maxsize=4)
def _clf(second: int) -> str:
    at = datetime.fromtimestamp(second, UTC)
    return f"{at.day:02}/{_MONTHS[at.month - 1]}/{at:%Y:%H:%M:%S} +0000"


def iso(moment: float) -> str:
    """Return ISO 8601 with milliseconds and `Z`, as GET `@connections` answers it (B-210)."""
    second, ms = divmod(epoch_ms(moment), 1000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03}Z"
