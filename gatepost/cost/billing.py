"""Prices what was counted: a bill by item, and by the cause of each charge."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gatepost.cost.counting import Cause, Charge
from gatepost.cost.prices import Prices

SERVICES: Mapping[str, str] = {
    "websocket_messages": "API Gateway",
    "websocket_minutes": "API Gateway",
    "http_api_calls": "API Gateway",
    "lambda_requests": "Lambda",
    "lambda_gb_seconds": "Lambda",
    "dynamodb_writes": "DynamoDB",
    "dynamodb_reads": "DynamoDB",
    "dynamodb_gb": "DynamoDB",
    "logs_gb": "CloudWatch",
    "custom_metrics": "CloudWatch",
    "alarms": "CloudWatch",
    "dashboards": "CloudWatch",
    "transfer_out_gb": "Data transfer",
}
"""Whose bill a meter is on, in the order of the report."""


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a bill; what several items of one meter cost is shared by their quantities."""

    service: str
    item: str
    meter: str
    quantity: float
    usd: float


@dataclass(frozen=True, slots=True)
class Bill:
    """A month's bill: the same sum by items and by causes, the dearest cause first."""

    lines: tuple[Line, ...]
    causes: tuple[tuple[Cause, float], ...]
    free_tier: bool = False

    @property
    def total_usd(self) -> float:
        """Give the sum."""
        return sum(line.usd for line in self.lines)

    @property
    def dominant(self) -> Cause | None:
        """Name what costs most; None when nothing costs anything."""
        return self.causes[0][0] if self.causes and self.causes[0][1] > 0 else None


def bill(charges: Iterable[Charge], prices: Prices, *, free_tier: bool = False) -> Bill:
    """Price charges. `free_tier` takes each meter's free quantity off first."""
    charges = tuple(charges)
    unit_usd = _unit_prices(charges, prices, free_tier=free_tier)
    quantities: defaultdict[tuple[str, str], float] = defaultdict(float)
    causes: defaultdict[Cause, float] = defaultdict(float)
    for charge in charges:
        quantities[charge.meter, charge.item] += charge.quantity
        causes[charge.cause] += charge.quantity * unit_usd[charge.meter]
    order = list(SERVICES)
    lines = sorted(
        (
            Line(SERVICES[meter], item, meter, quantity, quantity * unit_usd[meter])
            for (meter, item), quantity in quantities.items()
        ),
        key=lambda line: (order.index(line.meter), line.item),
    )
    dearest_first = sorted(causes.items(), key=lambda each: -each[1])
    return Bill(tuple(lines), tuple(dearest_first), free_tier)


def _unit_prices(
    charges: Iterable[Charge], prices: Prices, *, free_tier: bool
) -> Mapping[str, float]:
    """Give what one unit of each meter costs at this month's quantity, over all tiers."""
    totals: defaultdict[str, float] = defaultdict(float)
    for charge in charges:
        totals[charge.meter] += charge.quantity
    units = {}
    for meter, total in totals.items():
        price = prices.meters[meter]
        charged = max(0.0, total - (price.free if free_tier else 0))
        units[meter] = price.of(charged) / total
    return units
