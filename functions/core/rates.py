"""Rates kept in the memory of one execution environment: approximate, and without a request.

A connection whose messages run in n environments at once can have n times its rate. Where that
matters, ConnectionStore.take is exact.
"""

from collections import OrderedDict
from typing import Final

from functions.core.namespaces import Rate

BUCKETS_MAX: Final = 10_000


class Buckets:
    """Buckets by name, each filled at its rate (the generic cell rate algorithm).

    The least recently used are forgotten, so memory stays bounded.
    """

    def __init__(self, *, buckets_max: int = BUCKETS_MAX) -> None:
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._buckets_max = buckets_max

    def take(self, connection_id: str, bucket: str, rate: Rate, *, now: float) -> bool:
        """Take one from a connection's bucket; False when it is empty. `now` is epoch seconds."""
        name = (connection_id, bucket)
        full_at = max(now, self._full_at.pop(name, now))
        taken = full_at + rate.interval_s <= now + rate.burst * rate.interval_s
        self._full_at[name] = full_at + rate.interval_s if taken else full_at
        if len(self._full_at) > self._buckets_max:
            self._full_at.popitem(last=False)
        return taken
