"""Who asks, and what may be used to answer: what every action is given."""

from collections.abc import Callable

from msgspec import Struct

from functions.core.ports import Store, Transport


class Context(Struct, frozen=True):
    """One request's surroundings.

    `connected_at_ms` is epoch milliseconds, the same in every event of a connection (B-007).
    `clock` returns epoch seconds; `new_id` returns a string that no other call returns.
    """

    connection_id: str
    user: str
    connected_at_ms: int
    store: Store
    transport: Transport
    clock: Callable[[], float]
    new_id: Callable[[], str]
