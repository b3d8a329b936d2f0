"""Every limit of the protocol and of the state, as a named constant.

Sizes are bytes of UTF-8 text, times are seconds.
"""

from typing import Final

REQUEST_BYTES_MAX: Final = 32 * 1024
"""One request: the largest frame that the gateway takes (B-251)."""

DATA_BYTES_MAX: Final = 28 * 1024
"""`data` of a publication: with its envelope it stays within one frame."""

REPLY_BYTES_MAX: Final = 96 * 1024
"""One reply, below the gateway's 128 KiB for a message (B-250)."""

REQUEST_ID_LENGTH_MAX: Final = 64
REQUEST_ID_INTEGER_MAX: Final = 2**53 - 1
"""The largest integer that every client's JSON parser keeps exact (RFC 8259, section 6)."""

KEY_LENGTH_MAX: Final = 64
CHANNEL_LENGTH_MAX: Final = 128
CHANNELS_PER_REQUEST_MAX: Final = 20
SUBSCRIPTIONS_MAX: Final = 100
"""Subscriptions that one connection may hold."""

NAME_LENGTH_MAX: Final = 64
"""`name` in the query string of an anonymous connection."""

USER_LENGTH_MAX: Final = 128

CONNECTION_LIFETIME_S: Final = 2 * 3600 + 300
"""A connection lasts two hours at most (B-276); its rows may outlive it by five minutes."""

LEASE_S: Final = 12 * 60
"""How long a connection counts as present after its last `ping`."""

BROADCAST_TIMEOUT_S: Final = 20.0
"""How long a broadcast begins sends; leaves those that run then most of the rest of the 29 s that
the gateway waits for an answer (B-181)."""

PRUNE_WIDTH: Final = 10
"""Gone connections that one broadcast closes at a time."""

PRUNE_TIMEOUT_S: Final = 3.0
"""Longest time that a broadcast spends on closing gone connections; its sender waits for it."""
