"""Faults on demand: how the gateway is told to misbehave, as real networks and services do.

Plain data. What a fault does is decided in faulting.py, and in state.py for `$disconnect`.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]


class Faults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The faults that are on; the default is none.

    Fields that name connections hold connection ids; `"*"` in one stands for every connection.

    `gone`: `@connections` answers 410 although the client is there. `hang`: a POST is answered
    410 only after `hang_s` (B-222), and nothing is delivered. `slow_reader`: the client does not
    read, so that what is posted fills its bounded buffer, then 429 (B-203). `throttle_rate`: the
    share of `@connections` calls, 0 to 1, that are answered 429.

    `connect_delay_s`: how much longer `$connect` takes; past its integration timeout the client
    gets 504 (B-046). `disconnect`: `$disconnect` is lost, comes `late_s` after the close, or
    comes twice (B-300, B-304).

    `kill_rate`: the share of invocations whose worker is killed in the middle. `cold_start`: each
    invocation gets a worker that was never used.
    """

    gone: tuple[str, ...] = ()
    hang: tuple[str, ...] = ()
    hang_s: Seconds = 60.0
    slow_reader: tuple[str, ...] = ()
    throttle_rate: Share = 0.0
    connect_delay_s: Seconds = 0.0
    disconnect: Literal["once", "lost", "late", "twice"] = "once"
    late_s: Seconds = 5.0
    kill_rate: Share = 0.0
    cold_start: bool = False


NO_FAULTS = Faults()


def names(chosen: tuple[str, ...], connection_id: str) -> bool:
    """Whether a field of Faults names the connection, or every one."""
    return connection_id in chosen or "*" in chosen
