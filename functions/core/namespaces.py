"""Namespaces: what the channels whose names begin with one offer, and at which rates.

The part of a channel's name before `:` names its namespace; all channels of one have its options.
Which namespaces there are: functions/actions/namespaces.py.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from functions.core.errors import UNKNOWN_CHANNEL, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from functions.core.context import Services
    from functions.core.happenings import Happening

    Hook: TypeAlias = Callable[[Services, Happening], Awaitable[None]]


class Rate(Struct, frozen=True):
    """So many at once (`burst`), and one more each `interval_s` seconds after."""

    burst: int
    interval_s: float


class Namespace(Struct, frozen=True):
    """The options of all channels of one namespace.

    `history_size` is how many publications of a channel are kept, each for `history_age_s`; 0
    keeps none. `delivers_last` hands the newest of them to every new subscriber. `presence` tells
    who is subscribed, `announces` sends joins and leaves as well (up to 50 users). `signals` lets
    clients send what is never kept. `clients_publish` False leaves publishing to the HTTP API.
    The rates hold for each connection. `hook` is told what happens (core/happenings.py).
    """

    history_size: int = 0
    history_age_s: int = 0
    delivers_last: bool = False
    presence: bool = False
    announces: bool = False
    signals: bool = False
    clients_publish: bool = True
    publish_rate: Rate = Rate(burst=20, interval_s=0.2)
    signal_rate: Rate = Rate(burst=30, interval_s=0.05)
    hook: "Hook | None" = None

    @property
    def keeps_history(self) -> bool:
        """Whether publications are kept, and so have positions."""
        return self.history_size > 0


Namespaces: TypeAlias = Mapping[str, Namespace]


def find_namespace(namespaces: Namespaces, channel: str) -> Namespace | None:
    """Give the options of a channel, or None without any: a namespace can have been removed."""
    return namespaces.get(channel.partition(":")[0])


def namespace_of(namespaces: Namespaces, channel: str) -> Namespace:
    """Give the options of a channel (its name checked); raise ProtocolError 102 without any."""
    namespace = find_namespace(namespaces, channel)
    if namespace is None:
        name = channel.partition(":")[0]
        raise ProtocolError(UNKNOWN_CHANNEL, f"channel: there is no namespace {name!r}")
    return namespace
