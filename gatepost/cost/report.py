"""Shows a bill as text or JSON: items, what dominates and what to do, prices' date, assumptions."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Final

from gatepost.cost.billing import Bill
from gatepost.cost.counting import Cause
from gatepost.cost.prices import Prices
from gatepost.cost.usage import Assumptions, Usage

ADVICE: Final[Mapping[Cause, str]] = {
    Cause.CONNECTED: "Each minute counts, whether or not anybody speaks: close connections of "
    "hidden pages and come back with `recover`.",
    Cause.PINGS: "Each ping is two messages, an invocation and a write. A longer "
    "`channelSilenceMs` of the client costs less, and finds a lost last publication later.",
    Cause.SESSIONS: "Fewer channels a connection, fewer reconnects: each is an authorizer, two "
    "more functions, and rows written and removed.",
    Cause.PUBLISHING: "Put several small things into one publication; take `signal`, or a "
    "namespace without history, where nobody needs what was missed.",
    Cause.AUDIENCE: "Each recipient is a message: smaller channels, fewer and larger publications "
    "(up to 32 KB are one message), and no publication to those who don't look.",
    Cause.ANNOUNCING: "Every join and leave goes to everybody: switch `announces` off where only "
    "the number counts, and ask `presenceStats`.",
    Cause.OBSERVING: "A fixed price for the deployment; it takes no part of what grows.",
}

NOT_COUNTED: Final = (
    "taxes, discounts and support; backups and a customer-managed key; a custom domain's zone; "
    "logs kept; `refresh`, `history` and `presence` requests; retries and refused messages; "
    "$connect, $disconnect and the gateway's own error frames as messages (AWS doesn't say)"
)


def as_text(usage: Usage, assumed: Assumptions, found: Bill, prices: Prices) -> Iterator[str]:
    """Give the lines of the report."""
    free = "after" if found.free_tier else "without"
    where = f"A month in {prices.region}, by prices of {prices.as_of}"
    yield f"{where}, {free} free tiers, before taxes"
    yield ""
    service = ""
    for line in found.lines:
        head, service = ("" if line.service == service else line.service), line.service
        yield f"{head:<14}{line.item:<26}{_quantity(line.quantity):>16}  {_usd(line.usd):>12}"
    yield f"{'Total':<56}  {_usd(found.total_usd):>12}"
    yield ""
    yield "By what causes it"
    for cause, usd in found.causes:
        share = usd / found.total_usd if found.total_usd else 0
        yield f"  {cause.value:<38}{_usd(usd):>16}  {share:>6.1%}"
    if found.dominant is not None:
        yield ""
        yield f"What dominates: {found.dominant.value}. {ADVICE[found.dominant]}"
    yield ""
    yield "Assumed"
    yield from (f"  {line}" for line in _assumed(usage, assumed))
    yield ""
    yield f"Not counted: {NOT_COUNTED}."


def as_json(usage: Usage, assumed: Assumptions, found: Bill, prices: Prices) -> str:
    """Give the whole as one JSON object; amounts are USD, unrounded."""
    meters = {line.meter for line in found.lines}
    shown = {
        "region": prices.region,
        "prices_as_of": prices.as_of.isoformat(),
        "free_tier": found.free_tier,
        "total_usd": found.total_usd,
        "dominant": found.dominant,
        "advice": None if found.dominant is None else ADVICE[found.dominant],
        "lines": [asdict(line) for line in found.lines],
        "causes": {cause.value: usd for cause, usd in found.causes},
        "usage": asdict(usage),
        "assumptions": asdict(assumed),
        "sources": {
            name: {"source": price.source, "read": price.read}
            for name, price in prices.meters.items()
            if name in meters
        },
        "not_counted": NOT_COUNTED,
    }
    return json.dumps(shown, indent=2)


def _assumed(usage: Usage, assumed: Assumptions) -> Iterator[str]:
    yield (
        f"{usage.connections:,.0f} clients, {usage.minutes:,.0f} minutes each, in connections of "
        f"{usage.session_minutes:g} minutes, {usage.channels:g} channels each"
    )
    if usage.pings:
        every_s = usage.connections * usage.minutes * 60 / usage.pings
        yield f"a ping of each every {every_s:g} s, as if nothing else went over its connection"
    yield (
        f"functions of {assumed.memory_mb:g} MB (Arm): connect {assumed.connect_ms:g} ms, "
        f"subscribe {assumed.subscribe_ms:g} ms, publish {assumed.publish_ms:g} ms and "
        f"{assumed.send_ms:g} ms a recipient, ping {assumed.ping_ms:g} ms; "
        f"{assumed.cold_start_share:.0%} cold starts of {assumed.cold_start_ms:g} ms. "
        "Not measured on AWS"
    )
    yield (
        f"{assumed.log_bytes:g} bytes logged an invocation, {assumed.access_log_bytes:g} a request "
        f"of the gateway; {assumed.metrics:g} metrics, {assumed.alarms:g} alarms"
    )
    yield "all values, and where each price was read: --json"


def _usd(amount: float) -> str:
    return f"${amount:,.2f}"


def _quantity(quantity: float) -> str:
    return f"{quantity:,.0f}" if quantity == int(quantity) else f"{quantity:,.2f}"
