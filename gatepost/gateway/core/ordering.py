"""In what order invocations begin: at once, in a random order, or one after the other (B-291).

Responsible for what waits; when it may go on is asked for by the state.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from gatepost.gateway.core.closing import Closing
from gatepost.gateway.core.connection import Connection, Handshake
from gatepost.gateway.core.deployment import Route

WAITING_MAX: Final = 1000
"""So many invocations of one connection wait at most; ours, to bound what a client can pile up."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """An invocation that is to begin, now or later; `cause` as in Invocation."""

    connection: Connection
    route: Route
    event: bytes
    request_id: str
    cause: Handshake | Closing | None = None

    @property
    def handshake_id(self) -> int | None:
        """The handshake that waits for it, if one does."""
        return self.cause.id if isinstance(self.cause, Handshake) else None


class Lanes:
    """One lane for each connection that has an invocation under way, so that the next one waits."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Wanted]] = {}

    def is_full(self, connection_id: str) -> bool:
        """Whether no further message of the connection may wait."""
        return len(self._waiting.get(connection_id, ())) >= WAITING_MAX

    def enter(self, wanted: Wanted) -> bool:
        """Whether the invocation may begin; if not, it waits for its turn."""
        lane = self._waiting.get(wanted.connection.id)
        if lane is None:
            self._waiting[wanted.connection.id] = deque()
            return True
        lane.append(wanted)
        return False

    def leave(self, connection_id: str) -> Wanted | None:
        """Tell that an invocation is over; return the one that begins now, if one waits."""
        lane = self._waiting.get(connection_id)
        if lane:
            return lane.popleft()
        self._waiting.pop(connection_id, None)
        return None
