"""What of an upgrade request is shown to functions: its headers and its query, decoded."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from gatepost.gateway.core.connection import MultiValue
from gatepost.gateway.core.inputs import Upgrade

SUBPROTOCOL: Final = "Sec-WebSocket-Protocol"
_DROPPED: Final = frozenset({"Connection", "Upgrade", "Content-Length"})
_SPELLINGS: Final = {"websocket": "WebSocket"}


def read_headers(headers: Iterable[tuple[str, str]]) -> MultiValue:
    """Return the headers that reach the function, names in canonical case (B-101, B-103)."""
    values: MultiValue = {}
    for name, value in headers:
        spelled = _canonical(name)
        if spelled not in _DROPPED:
            values.setdefault(spelled, []).append(value)
    return values


def read_query(query: str) -> MultiValue:
    """Return the decoded query parameters (B-105)."""
    values: MultiValue = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return values


def offers(headers: MultiValue) -> tuple[str, ...]:
    """Return the subprotocols that a client offers (B-050)."""
    listed = ",".join(headers.get(SUBPROTOCOL, ())).split(",")
    return tuple(name for offer in listed if (name := offer.strip()))


def added_headers(upgrade: Upgrade, trace: str) -> MultiValue:
    """Return what the gateway adds (B-102); a client can't set these itself.

    Port and scheme are AWS's, where there is nothing but TLS on 443 (B-027).
    """
    return {
        "X-Amzn-Trace-Id": [trace],
        "X-Forwarded-For": [upgrade.source_ip],
        "X-Forwarded-Port": ["443"],
        "X-Forwarded-Proto": ["https"],
    }


@lru_cache(maxsize=256)
def _canonical(name: str) -> str:
    return "-".join(_SPELLINGS.get(word, word.capitalize()) for word in name.lower().split("-"))
