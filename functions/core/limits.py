"""Every limit of the protocol and of the state, as a named constant.

Sizes are bytes of UTF-8 text, times are seconds.
"""

from typing import Final

from functions.core.namespaces import Rate

REQUEST_BYTES_MAX: Final = 32 * 1024
"""One request: the largest frame that the gateway takes (B-251)."""

DATA_BYTES_MAX: Final = 28 * 1024
"""`data` of a publication: with its envelope it stays within one frame."""

REPLY_BYTES_MAX: Final = 96 * 1024
"""One reply, below the gateway's 128 KiB for a message (B-250)."""

REPLY_LIST_BYTES_MAX: Final = 88 * 1024
"""The list in a reply: what is around it takes the rest."""

REQUEST_ID_LENGTH_MAX: Final = 64
REQUEST_ID_INTEGER_MAX: Final = 2**53 - 1
"""The largest integer that every client's JSON parser keeps exact (RFC 8259, section 6)."""

KEY_LENGTH_MAX: Final = 64
CHANNEL_LENGTH_MAX: Final = 128
CHANNELS_PER_REQUEST_MAX: Final = 20
SUBSCRIPTIONS_MAX: Final = 100
"""Subscriptions that one connection may hold."""

INFO_BYTES_MAX: Final = 1024
"""`info` of a user, as JSON: it stands beside every join and in every presence list."""

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

HOOK_TIMEOUT_S: Final = 3.0
"""Longest time that a hook takes; after the longest broadcast and its pruning that still leaves
the sender a reply."""

EXPIRED_GRACE_S: Final = 60
"""How long after its expiry a connection may still refresh before a request closes it (3005)."""

REFUSALS: Final = Rate(burst=20, interval_s=3.0)
"""Requests refused for their rate, 20 in a minute, before the connection is closed (3508)."""

HISTORY_SIZE_MAX: Final = 1000
"""Publications that a namespace may keep of one channel."""

HISTORY_PAGE_MAX: Final = 100
"""Publications in one reply, unless its size ends it sooner."""

KEY_LIFETIME_S: Final = 300
"""How long the key of a `publish` is remembered."""

CLAIM_TIMEOUT_S: Final = 10.0
"""After so long without a publication an idempotency key may be taken over."""

CLAIM_WAIT_S: Final = 1.0
"""How long a second publish with the same key waits for the first."""

HOLE_TIMEOUT_S: Final = 5.0
"""A place in a log that is empty for so long has lost its writer."""

EXPIRY_MARGIN_S: Final = 5.0
"""So long before it expires a publication is no longer relied on: clocks differ."""

HEAD_OUTLIVES_S: Final = 24 * 3600
"""A channel's head outlives the last publication by so much."""

PRESENCE_PAGE_MAX: Final = 100
PRESENCE_LIST_MAX: Final = 1000
"""Users in a channel up to which presence is listed and counted exactly."""

ANNOUNCE_USERS_MAX: Final = 50
"""Users in a channel up to which joins and leaves are sent."""

SHARD_SUBSCRIBERS_MAX: Final = 1000
"""Subscribers in a shard, after which the channel's shards double."""

DIRECT_SHARDS_MAX: Final = 2
"""Shards, some 3,000 subscribers, up to which whoever publishes reaches them itself: it takes no
longer than a second or two."""

FANOUT_BUDGET_S: Final = 12.0
"""How long a worker begins sends before it hands the rest on; with those that run then it ends
within 15 s."""

FANOUT_GRACE_S: Final = 5.0
"""How long after its budget a worker may take to begin the sends of the piece that it has."""

FANOUT_RESERVE_S: Final = 10.0
"""What a worker's own time-out leaves beside the budget: for the grace, for sends that run, for
pruning."""

FANOUT_HOPS_MAX: Final = 8
"""Workers, one after the other, that carry out one job. Lambda stops a chain of invocations after
about 16 (Developer Guide, "Use Lambda recursive loop detection")."""

FANOUT_PIECE: Final = 100
"""Connections between two looks at the clock."""

FANOUT_QUOTA: Final = 10_000.0
"""Requests a second that an account's WebSocket APIs share in most Regions (B-310)."""

FANOUT_SHARE: Final = 0.8
"""Part of the quota that fan-outs take; the rest is for what comes in."""

FANOUT_WORKERS: Final = 5
"""Workers that share this: one that is lost loses a fifth, and 2,000 sends a second are what one
can do."""

BATCH_PUBLICATIONS_MAX: Final = 100
BATCH_BYTES_MAX: Final = 1024 * 1024
"""One batch of publications over the HTTP API."""

BATCH_BEGINS_S: Final = 8.0
"""How long a batch begins publications: with the longest broadcast it ends within the 29 s that a
function has, unless pruning or a hook takes its longest too; then it is repeated by its keys."""

BATCH_WIDTH: Final = 10
"""Channels that a batch publishes to at a time."""

BLOCK_S: Final = 60
"""How long a kicked user is blocked, unless the request says otherwise."""

BLOCK_S_MAX: Final = 30 * 24 * 3600

HEALTH_TIMEOUT_S: Final = 3.0
"""How long table and gateway may take to answer before they count as unwell."""
