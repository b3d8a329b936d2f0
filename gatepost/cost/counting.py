"""Counts what AWS meters in a month of usage, and why: by the metering rules, without any price.

Rules: section 16 of docs/reference/gateway-behaviour.md, and AWS's page on read and write units.
Nothing is rounded to whole messages a month, so that months, and clients of one kind, add up.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gatepost.cost.usage import Assumptions, Kind, Usage

FRAME_BYTES: Final = 32 * 1024
"""A message is metered for each 32 KB begun (section 16)."""

HTTP_CALL_BYTES: Final = 512 * 1024
GB: Final = 1024**3


class Cause(StrEnum):
    """The choice of a design that a charge follows from."""

    CONNECTED = "always-on connections"
    PINGS = "always-on pings"
    SESSIONS = "connecting and subscribing"
    PUBLISHING = "publishing"
    AUDIENCE = "audience"
    ANNOUNCING = "joins and leaves"
    OBSERVING = "alarms and metrics"


@dataclass(frozen=True, slots=True)
class Charge:
    """A quantity on a meter of the price file: the bill's `item`, and the `cause` of it."""

    item: str
    meter: str
    cause: Cause
    quantity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What one action asks of the table, by DynamoDB's operations: delivery.md has the same.

    `transact` is the number of transactions, `transact_items` that of all their items.
    """

    get: int = 0
    batch_get: int = 0
    query: int = 0
    put: int = 0
    update: int = 0
    delete: int = 0
    transact: int = 0
    transact_items: int = 0

    @property
    def reads(self) -> int:
        """Read units, where what a query finds is under 4 KB."""
        return self.get + self.batch_get + self.query

    @property
    def writes(self) -> int:
        """Write units of rows up to 1 KB: an item of a transaction takes two."""
        return self.put + self.update + self.delete + 2 * self.transact_items


REQUESTS: Final[Mapping[str, Requests]] = {
    "connect": Requests(transact=1, transact_items=3),
    "subscribe": Requests(get=1, query=3, transact=1, transact_items=3, update=1),
    "disconnect": Requests(get=1, query=1, transact=1, transact_items=2),
    "leave": Requests(query=2, update=1, delete=3),  # a channel that a closed connection was in
    "ping": Requests(get=1, update=1),
    "publish": Requests(batch_get=1, put=1, query=1, update=2),
    "publish with key": Requests(
        batch_get=1, put=1, query=1, transact=1, transact_items=2, update=3
    ),
    "publish plain": Requests(query=1),
    "signal": Requests(query=1),
}
"""The same as the table of docs/explanation/delivery.md has, and what connecting, closing and
`ping` take."""

PUBLISHED_AS: Final[Mapping[Kind, str]] = {
    Kind.HISTORY: "publish",
    Kind.KEYED: "publish with key",
    Kind.PLAIN: "publish plain",
    Kind.SIGNAL: "signal",
}


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Collects the charges of one cause."""

    cause: Cause
    assumed: Assumptions
    charges: list[Charge] = field(default_factory=list)

    def add(self, item: str, meter: str, quantity: float) -> None:
        self.charges.append(Charge(item, meter, self.cause, quantity))

    def message_in(self, times: float, size_bytes: float) -> None:
        self.add("messages in", "websocket_messages", times * steps(size_bytes, FRAME_BYTES))

    def message_out(self, times: float, size_bytes: float) -> None:
        self.add("messages out", "websocket_messages", times * steps(size_bytes, FRAME_BYTES))
        self.transfer(times, size_bytes)

    def transfer(self, times: float, size_bytes: float) -> None:
        gigabytes = times * size_bytes * self.assumed.wire_overhead / GB
        self.add("data transfer out", "transfer_out_gb", gigabytes)

    def invoke(self, function: str, times: float, took_ms: float, *, routed: bool = True) -> None:
        """Count invocations; one of a route has a line in the gateway's access log too."""
        took_ms += self.assumed.cold_start_share * self.assumed.cold_start_ms
        self.add(f"requests: {function}", "lambda_requests", times)
        self.compute(function, times * took_ms)
        logged_bytes = self.assumed.log_bytes + (self.assumed.access_log_bytes if routed else 0)
        self.add("logs", "logs_gb", times * logged_bytes / GB)

    def compute(self, function: str, took_ms: float) -> None:
        is_worker = function == "fanout"
        memory_mb = self.assumed.worker_memory_mb if is_worker else self.assumed.memory_mb
        gb_seconds = took_ms / 1000 * memory_mb / 1024
        self.add(f"GB-seconds: {function}", "lambda_gb_seconds", gb_seconds)

    def table(self, action: str, times: float) -> None:
        self.reads(times * REQUESTS[action].reads)
        self.writes(times * REQUESTS[action].writes)

    def reads(self, units: float) -> None:
        self.add("reads", "dynamodb_reads", units)

    def writes(self, units: float) -> None:
        self.add("writes", "dynamodb_writes", units)


def steps(size_bytes: float, step_bytes: int) -> int:
    """Give how often something is metered that is metered for each step begun."""
    return max(1, math.ceil(size_bytes / step_bytes))


def count(usage: Usage, assumed: Assumptions) -> tuple[Charge, ...]:
    """Give every charge of a month; those of the same item and cause may be several."""
    counted = (_connected, _pings, _sessions, _announcing, _publishing, _audience, _observing)
    return tuple(
        charge for each in counted for charge in each(usage, assumed) if charge.quantity > 0
    )


def _connected(usage: Usage, assumed: Assumptions) -> Iterator[Charge]:
    sheet = _Sheet(Cause.CONNECTED, assumed)
    connected = usage.connections * usage.minutes
    sheet.add("connection minutes", "websocket_minutes", connected)
    rows_bytes = assumed.connection_rows_bytes * connected / (730 * 60)
    sheet.add("storage", "dynamodb_gb", rows_bytes / GB)
    yield from sheet.charges


def _pings(usage: Usage, assumed: Assumptions) -> Iterator[Charge]:
    sheet = _Sheet(Cause.PINGS, assumed)
    sheet.message_in(usage.pings, assumed.request_bytes)
    sheet.message_out(usage.pings, assumed.reply_bytes)
    sheet.invoke("message", usage.pings, assumed.ping_ms)
    heads = usage.channels if usage.kind.keeps_history else 0
    sheet.reads(usage.pings * heads)
    sheet.writes(usage.pings * REQUESTS["ping"].writes)
    yield from sheet.charges


def _sessions(usage: Usage, assumed: Assumptions) -> Iterator[Charge]:
    """One `subscribe` for each channel; that a request may name twenty is left out."""
    sheet = _Sheet(Cause.SESSIONS, assumed)
    subscribed = usage.sessions * usage.channels
    sheet.invoke("authorizer", usage.sessions, assumed.authorizer_ms, routed=False)
    sheet.invoke("connect", usage.sessions, assumed.connect_ms)
    sheet.invoke("disconnect", usage.sessions, assumed.disconnect_ms)
    sheet.invoke("message", subscribed, assumed.subscribe_ms)
    sheet.message_in(subscribed, assumed.request_bytes)
    sheet.message_out(subscribed, assumed.reply_bytes)
    for action, times in (
        ("connect", usage.sessions),
        ("disconnect", usage.sessions),
        ("subscribe", subscribed),
        ("leave", subscribed),
    ):
        sheet.table(action, times)
    yield from sheet.charges


def _announcing(usage: Usage, assumed: Assumptions) -> Iterator[Charge]:
    if not usage.announced or usage.audience > assumed.announced_users_max:
        return
    sheet = _Sheet(Cause.ANNOUNCING, assumed)
    told = 2 * usage.sessions * usage.channels * max(0, usage.audience - 1)
    sheet.message_out(told, assumed.join_bytes)
    sheet.compute("message", told / 2 * assumed.send_ms)
    sheet.compute("disconnect", told / 2 * assumed.send_ms)
    yield from sheet.charges


def _publishing(usage: Usage, assumed: Assumptions) -> Iterator[Charge]:
    """Count what arrives, whoever is to get it."""
    sheet = _Sheet(Cause.PUBLISHING, assumed)
    is_signal = usage.kind is Kind.SIGNAL
    sheet.message_in(usage.publications, usage.size_bytes + assumed.request_bytes)
    if not is_signal:
        sheet.message_out(usage.publications, assumed.reply_bytes)
    took_ms = assumed.signal_ms if is_signal else assumed.publish_ms
    sheet.invoke("message", usage.publications, took_ms)
    calls = usage.server_messages * steps(usage.size_bytes, HTTP_CALL_BYTES)
    sheet.add("HTTP API calls", "http_api_calls", calls)
    sheet.invoke("api", usage.server_messages, took_ms)
    sheet.transfer(usage.server_messages, assumed.reply_bytes)
    published = usage.publications + usage.server_messages
    action = PUBLISHED_AS[usage.kind]
    sheet.table(action, published)
    if usage.kind.keeps_history:
        stored_bytes = usage.size_bytes + assumed.envelope_bytes
        more_writes = steps(stored_bytes, 1024) - 1  # the row itself is counted as one unit
        in_transaction = 2 if usage.kind is Kind.KEYED else 1
        sheet.writes(published * more_writes * in_transaction)
        kept = min(published, _channels(usage) * assumed.history_size)
        sheet.add("storage", "dynamodb_gb", kept * stored_bytes / GB)
    yield from sheet.charges


def _audience(usage: Usage, assumed: Assumptions) -> Iterator[Charge]:
    """Count what grows with those reached: frames, sends, and reading who they are."""
    sheet = _Sheet(Cause.AUDIENCE, assumed)
    shards = _shards(usage.audience, assumed)
    large = shards > assumed.direct_shards
    for receiver, published in (("message", usage.publications), ("api", usage.server_messages)):
        sends = published * usage.audience
        sheet.message_out(sends, usage.size_bytes + assumed.envelope_bytes)
        if large:
            hops = usage.audience * assumed.worker_send_ms / 1000 / assumed.worker_s
            workers = published * max(assumed.workers, hops)
            sheet.invoke("fanout", workers, assumed.fan_out_ms, routed=False)
            sheet.compute("fanout", sends * assumed.worker_send_ms)
        else:
            sheet.compute(receiver, sends * assumed.send_ms)
        read = max(shards, usage.audience * assumed.subscription_row_bytes / 4096)
        sheet.reads(published * (read - 1))  # the first is counted with the action
    yield from sheet.charges


def _observing(usage: Usage, assumed: Assumptions) -> Iterator[Charge]:
    """Count what is fixed, however little happens."""
    del usage
    sheet = _Sheet(Cause.OBSERVING, assumed)
    sheet.add("metrics", "custom_metrics", assumed.metrics)
    sheet.add("alarms", "alarms", assumed.alarms)
    sheet.add("dashboards", "dashboards", assumed.dashboards)
    yield from sheet.charges


def _channels(usage: Usage) -> float:
    """Give how many channels there are, if each has the audience as its subscribers."""
    return usage.connections * usage.channels / max(1.0, usage.audience)


def _shards(audience: float, assumed: Assumptions) -> int:
    """Give the shards of a channel, which doubles them when one is full."""
    full = math.ceil(audience / assumed.shard_subscribers)
    return 1 << max(0, full - 1).bit_length()
