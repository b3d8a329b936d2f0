"""`gatepost cost`: its options, and its way from them to a report. The model is beside it."""

import argparse
import re
from pathlib import Path
from typing import IO, Final

USAGE_ERROR: Final = 2
OPTIONS: Final = {
    "--connections": "clients (required)",
    "--minutes": "minutes that each is connected a month (default: 43800, always)",
    "--messages": "what each publishes a month (default: 0)",
    "--server-messages": "what servers publish a month over the HTTP API (default: 0)",
    "--audience": "connections that each publication reaches (default: 1)",
    "--size": "bytes of a publication's data (default: 200)",
    "--channels": "channels that each connection subscribes to (default: 1)",
    "--session-minutes": "how long one connection lasts (default: 120, the gateway's limit)",
    "--ping-seconds": "time between two pings of a client; 0 for none (default: the browser "
    "client's, 30 while channels with history are silent, else 480)",
}
FIELDS: Final = {"--size": "size_bytes", "--ping-seconds": "ping_s"}
EXAMPLES: Final = """\
examples:
  gatepost cost --connections 10000
  gatepost cost --connections 10000 --minutes 1200 --messages 300 --audience 50 --kind plain
"""


def add_options(cost: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    cost.epilog, cost.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    for flag, text in OPTIONS.items():
        required = flag == "--connections"
        cost.add_argument(flag, help=text, type=_number, metavar="N", required=required)
    cost.add_argument(
        "--kind", help="how it is published: %(choices)s (default: %(default)s)",
        choices=["history", "keyed", "plain", "signal"], default="history",
    )  # fmt: skip
    cost.add_argument("--joins", help="joins and leaves are sent", action="store_true")
    cost.add_argument("--free-tier", help="take the free tiers off", action="store_true")
    cost.add_argument("--prices", help="a price file of another region or day", type=Path,
                      metavar="FILE")  # fmt: skip
    cost.add_argument("--json", help="print JSON, with sources and all assumptions",
                      action="store_true")  # fmt: skip


def run(given: argparse.Namespace, out: IO[str], errors: IO[str]) -> int:
    """Print the bill; 2 when a value or a price file can't be."""
    from gatepost.cost import billing, counting, prices, report, usage  # noqa: PLC0415 - --help

    try:
        found_prices = prices.read_prices(given.prices or prices.PRICE_FILE)
        used = usage.Usage(**_values(given), kind=usage.Kind(given.kind), announced=given.joins)
    except (prices.PriceError, usage.UsageError) as error:
        errors.write(f"gatepost: {_named_by_flag(str(error))}\n")
        return USAGE_ERROR
    assumed = usage.Assumptions()
    found = billing.bill(counting.count(used, assumed), found_prices, free_tier=given.free_tier)
    if given.json:
        out.write(report.as_json(used, assumed, found, found_prices) + "\n")
        return 0
    out.writelines(f"{line}\n" for line in report.as_text(used, assumed, found, found_prices))
    return 0


def _values(given: argparse.Namespace) -> dict[str, float]:
    """Give what was given of the options that are numbers, by the names of Usage."""
    values = {_field(flag): getattr(given, flag[2:].replace("-", "_")) for flag in OPTIONS}
    return {name: value for name, value in values.items() if value is not None}


def _field(flag: str) -> str:
    return FIELDS.get(flag, flag[2:].replace("-", "_"))


def _named_by_flag(text: str) -> str:
    for flag in OPTIONS:
        if text.startswith(f"{_field(flag)}: "):
            return text.replace(_field(flag), flag, 1)
    return text


def _number(text: str) -> float:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, as in 10000 or 0.5")
    return float(text)
