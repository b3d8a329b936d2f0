"""docs/how-to/operate.md: what it says of params and costs is so, and the cost model knows it."""

import json
import logging
import re
from pathlib import Path

import pytest
import yaml

from functions.runtime import logs
from gatepost.cost.billing import bill
from gatepost.cost.counting import Cause, count
from gatepost.cost.prices import read_prices
from gatepost.cost.usage import Assumptions, Usage

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/how-to/operate.md").read_text(encoding="utf-8")
BROADCASTS = 1_000_000
EVENT = {
    "requestContext": {
        "connectionId": "L0SM9cOFIAMCIdw=",
        "routeKey": "$default",
        "requestId": "L0SM9FZgoAMFxJA=",
    }
}


def cost_rows() -> dict[str, tuple[str, float]]:
    """The table of costs: quantity and dollars by item."""
    rows = re.findall(r"^\| (.+) \| (.+) \| \$([\d.]+) \|$", PAGE, re.MULTILINE)
    return {item: (quantity, float(usd)) for item, quantity, usd in rows}


def usd_of(meter: str, quantity: float) -> float:
    """What a quantity costs at the first price of a meter."""
    price = read_prices().meters[meter]
    return price.tiers[0].usd * quantity / price.per


def test_the_cost_model_knows_what_is_made() -> None:
    """Its assumptions are of this template."""
    assumed = Assumptions()
    alarms = (ROOT / "infra/alarms.yml").read_text(encoding="utf-8")
    dashboard = (ROOT / "infra/dashboard.yml").read_text(encoding="utf-8")
    shown = (ROOT / "infra/dashboard.tftpl").read_text(encoding="utf-8")
    assert assumed.alarms == alarms.count("AWS::CloudWatch::Alarm")
    assert assumed.dashboards == dashboard.count("AWS::CloudWatch::Dashboard")
    assert assumed.metrics == len(set(re.findall(r'"Gatepost", "(\w+)"', shown)))


def test_what_the_page_says_of_costs_is_what_the_model_counts() -> None:
    """The fixed items, and the log's lines of a million broadcasts."""
    assumed = Assumptions()
    rows = cost_rows()
    for item, meter, quantity in (
        ("Metrics of our own", "custom_metrics", assumed.metrics),
        ("Alarms", "alarms", assumed.alarms),
        ("Dashboard", "dashboards", assumed.dashboards),
    ):
        said, usd = rows[item]
        assert (said, usd) == (f"{quantity:g}", round(usd_of(meter, quantity), 2))
    fixed = dict(bill(count(Usage(connections=0), assumed), read_prices()).causes)
    assert sum(usd for _, usd in list(rows.values())[:3]) == pytest.approx(fixed[Cause.OBSERVING])
    _, usd = rows["Lines of a million broadcasts"]
    assert usd == pytest.approx(usd_of("logs_gb", BROADCASTS * line_bytes() / 1024**3), abs=0.005)


def line_bytes() -> int:
    """How long a broadcast's line is, by the page."""
    quantity, _ = cost_rows()["Lines of a million broadcasts"]
    return int(re.sub(r"\D", "", quantity))


def test_a_broadcasts_line_is_as_long_as_the_page_says() -> None:
    """Within a tenth, as Lambda's own formatter writes it."""
    formats = pytest.importorskip(
        "awslambdaric.lambda_runtime_log_utils", reason="Lambda's runtime client is there for Linux"
    )
    fields = logs.RecordFields("gatepost-prod")
    fields.begin(EVENT)
    metrics = {
        "BroadcastDelivered": 1000,
        "BroadcastGone": 0,
        "BroadcastFailed": 0,
        "BroadcastDuration": 861.5,
    }
    record = logging.makeLogRecord(
        {
            "name": "functions.core.broadcast",
            "levelno": logging.INFO,
            "levelname": "INFO",
            "msg": "broadcast channel='chat:lobby' delivered=1000 gone=0 failed=0 reasons=- ms=861",
            "channel": "chat:lobby",
            "metrics": metrics,
            "aws_request_id": "0c6a8c4e-0000-4000-8000-000000000001",
        }
    )
    fields.filter(record)
    written = formats.JsonFormatter().format(record)
    assert set(metrics) <= json.loads(written).keys()
    assert len(written) == pytest.approx(line_bytes(), rel=0.1)


def test_the_pages_limits_are_those_of_the_template() -> None:
    """By default and in `prod`."""
    text = (ROOT / "serverless.yml").read_text(encoding="utf-8")
    _, _, params = text.partition("\nparams:\n")
    default, _, prod = params.partition("\n  prod:\n")
    rows = re.findall(r"^\| `(alarm\w+)` \| (\d+) \| (\d+) \|", PAGE, re.MULTILINE)
    found = {name: (int(first), int(second)) for name, first, second in rows}

    def limits(block: str) -> dict[str, int]:
        lines = re.findall(r"^ {4}(alarm\w+: \d+)", block, re.MULTILINE)
        return {key: value for line in lines for key, value in yaml.safe_load(line).items()}

    by_default = limits(default)
    in_prod = by_default | limits(prod)
    assert found == {name: (by_default[name], in_prod[name]) for name in by_default}
