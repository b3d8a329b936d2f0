"""Connection, request and message ids in the shape AWS gives them.

An id is 11 bytes in URL-safe base64 (B-001, B-004): a clock of 5 bytes, 3 bytes that vary, one
byte for the kind and 2 bytes for the host. Code outside this module treats ids as opaque.

The host bytes come from the API's id. So ids issued here are recognised without remembering any,
those of an earlier run of the emulator too: a row that outlived its run answers 410 and is pruned.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from random import Random
from typing import Final
from zlib import crc32

_TICKS_PER_S: Final = 10_240
_CLOCK_MASK: Final = (1 << 40) - 1
_VARIED_MASK: Final = (1 << 24) - 1
_CONNECTION: Final = 0x02
_REQUEST: Final = 0x05
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{14}[AEIMQUYcgkosw048]=")


class IdSource:
    """Makes the ids of one API; the same seed and times give the same ids.

    The 3 bytes that vary step through all their values before one repeats, so ids are unique
    however many are made within one tick of the clock.
    """

    __slots__ = ("_host", "_step", "_varied")

    def __init__(self, api_id: str, rng: Random) -> None:
        self._host = crc32(api_id.encode()) & 0xFFFF
        self._varied = rng.getrandbits(24)
        self._step = rng.getrandbits(24) | 1

    def connection_id(self, now: float) -> str:
        """Return a new connection id."""
        return self._next(now, _CONNECTION)

    def message_id(self, now: float) -> str:
        """Return a new message id; it ends like the ids of this API's connections (B-004)."""
        return self._next(now, _CONNECTION)

    def request_id(self, now: float) -> str:
        """Return a new request id."""
        return self._next(now, _REQUEST)

    def issued(self, connection_id: str) -> bool:
        """Whether a well-formed connection id is one that this API gives, in this run or another.

        An id of another API passes for one of ours once in 65 536 times.
        """
        tail = urlsafe_b64decode(connection_id)[8:]
        return tail[0] == _CONNECTION and int.from_bytes(tail[1:]) == self._host

    def _next(self, now: float, kind: int) -> str:
        self._varied = (self._varied + self._step) & _VARIED_MASK
        clock = int(now * _TICKS_PER_S) & _CLOCK_MASK
        whole = clock << 48 | self._varied << 24 | kind << 16 | self._host
        return urlsafe_b64encode(whole.to_bytes(11)).decode()


def is_well_formed(connection_id: str) -> bool:
    """Whether the text has the shape of an id (B-001)."""
    return _SHAPE.fullmatch(connection_id) is not None


def trace_id(now: float, rng: Random) -> str:
    """Return a new value for `X-Amzn-Trace-Id` (B-102)."""
    return f"Root=1-{int(now):08x}-{rng.getrandbits(96):024x}"
