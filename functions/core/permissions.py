"""Identity and permissions: who a connection belongs to, and what that user may do in a channel.

Where an identity comes from (a verified token, or nobody) is not decided here.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from functions.core import limits
from functions.core.errors import PERMISSION_DENIED, ProtocolError

Operation: TypeAlias = Literal["subscribe", "publish", "presence", "history"]


class Grant(Struct, frozen=True):
    """What is allowed in the channels that a pattern matches; `*` stands for any characters."""

    channel: Annotated[str, Meta(min_length=1, max_length=limits.CHANNEL_LENGTH_MAX)]
    allow: tuple[Operation, ...]


EVERYTHING: Final = (Grant("*", ("subscribe", "publish", "presence", "history")),)


class Identity(Struct, frozen=True):
    """Who a connection belongs to.

    `info` is what others see of the user. `authorized_until` (epoch seconds) is when the identity
    stops counting; None is never.
    """

    user: str
    info: dict[str, object] = {}
    grants: tuple[Grant, ...] = ()
    authorized_until: int | None = None

    def is_expired(self, now: float) -> bool:
        """Say whether it no longer counts at `now` (epoch seconds)."""
        return self.authorized_until is not None and self.authorized_until <= now

    def allows_the_same_as(self, other: "Identity") -> bool:
        """Say whether it allows the same for as long."""
        mine, others = (self.grants, self.authorized_until), (other.grants, other.authorized_until)
        return mine == others


def allows(grants: Sequence[Grant], operation: Operation, channel: str) -> bool:
    """Say whether any grant allows an operation in a channel."""
    return any(operation in grant.allow and _matches(grant.channel, channel) for grant in grants)


def require(identity: Identity, operation: Operation, channel: str) -> None:
    """Raise ProtocolError 103 unless the user may do this in the channel."""
    if not allows(identity.grants, operation, channel):
        raise ProtocolError(PERMISSION_DENIED, f"you may not {operation} in {channel}")


def _matches(pattern: str, channel: str) -> bool:
    """Match in linear time: a pattern's pieces must follow one another in the channel's name."""
    first, *pieces = pattern.split("*")
    if not pieces:
        return pattern == channel
    *middle, last = pieces
    if len(first) + len(last) > len(channel):
        return False
    if not (channel.startswith(first) and channel.endswith(last)):
        return False
    place, end = len(first), len(channel) - len(last)
    for piece in middle:
        place = channel.find(piece, place, end)
        if place < 0:
            return False
        place += len(piece)
    return True
