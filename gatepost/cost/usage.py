"""What the model is told: how a system is used in a month, and what is assumed of how it is built.

Both are data with their bounds. What follows from them is counted in counting.py.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

MINUTES_PER_MONTH: Final = 730 * 60
"""An average month, as AWS's own calculator has it: 8,760 hours by twelve."""

MINUTES_MAX: Final = 31 * 24 * 60
SESSION_MINUTES_MAX: Final = 120
"""The gateway ends a connection after two hours (B-276)."""

SIZE_BYTES_MAX: Final = 28 * 1024
"""`data` of a publication: functions/core/limits.py, DATA_BYTES_MAX."""

PING_S: Final = 8 * 60
SILENT_CHANNEL_PING_S: Final = 30
"""How often the browser client pings: to stay connected, and while a channel that keeps history is
silent (`pingIntervalMs` and `channelSilenceMs` in web/client/gatepost.js)."""


class UsageError(Exception):
    """A value can't be; the text names it and its bounds."""


class Kind(StrEnum):
    """How it is published: docs/explanation/delivery.md counts what each asks of the table."""

    HISTORY = "history"
    KEYED = "keyed"
    PLAIN = "plain"
    SIGNAL = "signal"

    @property
    def keeps_history(self) -> bool:
        """Whether clients follow offsets, and ping with them."""
        return self in (Kind.HISTORY, Kind.KEYED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A month. Raises UsageError for a value that can't be.

    - `connections`: clients
    - `minutes`: how long each is connected
    - `messages`: what each publishes
    - `server_messages`: what servers publish over the HTTP API, all together
    - `audience`: connections that each publication reaches
    - `size_bytes`: `data` of a publication
    - `kind`: how they are published
    - `channels`: that each connection subscribes to
    - `session_minutes`: how long one connection lasts
    - `ping_s`: seconds between two pings of one client; 0 for none, None for what the client does
    - `announced`: whether joins and leaves are sent
    """

    connections: float
    minutes: float = MINUTES_PER_MONTH
    messages: float = 0
    server_messages: float = 0
    audience: float = 1
    size_bytes: float = 200
    kind: Kind = Kind.HISTORY
    channels: float = 1
    session_minutes: float = SESSION_MINUTES_MAX
    ping_s: float | None = None
    announced: bool = False

    def __post_init__(self) -> None:
        """Check every value against its bounds."""
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise UsageError(f"{name}: {value:g} is not between {least:g} and {most:g}")
        if self.audience > max(1, self.connections):
            raise UsageError(
                f"audience: {self.audience:g} is more than all {self.connections:g} connections"
            )

    @property
    def sessions(self) -> float:
        """Connections that are opened, by all clients."""
        return self.connections * self.minutes / self.session_minutes

    @property
    def pings(self) -> float:
        """Pings by all clients, as if the channels were silent."""
        every_s = self.ping_s
        if every_s is None:
            every_s = SILENT_CHANNEL_PING_S if self.kind.keeps_history else PING_S
        return self.connections * self.minutes * 60 / every_s if every_s else 0

    @property
    def publications(self) -> float:
        """What all clients publish."""
        return self.connections * self.messages


BOUNDS: Final = {
    "connections": (0, 1e9),
    "minutes": (0, MINUTES_MAX),
    "messages": (0, 1e9),
    "server_messages": (0, 1e12),
    "audience": (0, 1e9),
    "size_bytes": (0, SIZE_BYTES_MAX),
    "channels": (0, 100),
    "session_minutes": (0.1, SESSION_MINUTES_MAX),
    "ping_s": (0, 9 * 60),
}
"""The least and the most of each; nine minutes, because the gateway ends a connection after ten
idle ones (B-272) and presence wants a ping within twelve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is assumed of the deployed system, where nothing is known.

    Times are billed milliseconds of warm functions beside the sends of a broadcast, not taken on
    AWS; sizes are bytes.
    """

    memory_mb: float = 1024
    """Of every function but the fan-out worker: `memorySize` in serverless.yml."""
    worker_memory_mb: float = 1769
    """Of the fan-out worker: a whole virtual CPU."""
    authorizer_ms: float = 10
    connect_ms: float = 20
    disconnect_ms: float = 40
    subscribe_ms: float = 50
    ping_ms: float = 15
    publish_ms: float = 40
    signal_ms: float = 10
    fan_out_ms: float = 10
    """A fan-out worker, beside its sends."""
    send_ms: float = 0.86
    """One send of a broadcast, by a function that has the CPU of `memory_mb`."""
    worker_send_ms: float = 0.5
    """One send of a worker: 2,000 a second."""
    cold_start_ms: float = 400
    cold_start_share: float = 0.01
    shard_subscribers: float = 1_000
    direct_shards: float = 2
    """Shards of subscribers up to which whoever publishes reaches them itself."""
    workers: float = 5
    """Fan-out workers that share a broadcast to more."""
    worker_s: float = 12
    """How long one works before another one takes over."""
    subscription_row_bytes: float = 120
    """A subscriber's row in its channel, which each publication reads."""
    connection_rows_bytes: float = 900
    """A connection's own rows, with those of one subscription."""
    request_bytes: float = 80
    """A request around its `data`."""
    reply_bytes: float = 120
    envelope_bytes: float = 300
    """A publication around its `data`."""
    join_bytes: float = 160
    announced_users_max: float = 50
    """Beyond so many users joins and leaves are not sent: ANNOUNCE_USERS_MAX."""
    history_size: float = 100
    """Publications that a channel keeps."""
    log_bytes: float = 900
    """What Lambda and the function log of one invocation, in JSON."""
    access_log_bytes: float = 350
    """The gateway's access log of one request."""
    wire_overhead: float = 1.1
    """What TLS and frames add to what goes out."""
    metrics: float = 6
    """That the functions write themselves: docs/how-to/operate.md."""
    alarms: float = 33
    dashboards: float = 1

    def lines(self) -> list[tuple[str, float]]:
        """Give names and values, for the report."""
        return [(each.name, getattr(self, each.name)) for each in fields(self)]
