"""How connections end: the code and reason that `$disconnect` is told (B-132, section 9)."""

from typing import Final, NamedTuple


class Closing(NamedTuple):
    """The close code and reason in a `$disconnect` event.

    They differ from what stands in the close frame: 1005 and 1006 are never on the wire (B-260),
    and a deleted connection sees no reason (B-212).
    """

    code: int
    reason: str = ""


DELETED: Final = Closing(1000, "Connection Closed Normally")
GOING_AWAY: Final = Closing(1001, "Going away")
UNSUPPORTED_DATA: Final = Closing(1003)
NO_STATUS: Final = Closing(1005, "Client-side close frame status not set")
MESSAGE_TOO_BIG: Final = Closing(1009)
