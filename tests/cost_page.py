"""Writes what docs/explanation/cost.md shows: tables, and a chart of cost against audience.

`make costs` writes them; tests/test_cost_page.py compares. All figures are the model's own.
"""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from gatepost.cost.billing import Bill, bill
from gatepost.cost.counting import Cause, count
from gatepost.cost.prices import read_prices
from gatepost.cost.usage import Assumptions, Kind, Usage

PAGE: Final = Path(__file__).parents[1] / "docs/explanation/cost.md"
CHART: Final = PAGE.with_name("cost-by-audience.svg")
AUDIENCES: Final = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
CLIENTS: Final = 10_000
COLOURS: Final = {
    Cause.AUDIENCE: "#c0392b",
    Cause.PINGS: "#2471a3",
    Cause.PUBLISHING: "#b9770e",
    Cause.CONNECTED: "#1e8449",
    Cause.SESSIONS: "#7d3c98",
}
STYLE: Final = 'font-family="sans-serif" font-size="12" role="img"'
WIDTH, HEIGHT = 760, 420
LEFT, TOP, RIGHT, BOTTOM = 70, 30, 570, 360
USD_MIN, USD_MAX = 1, 100_000


def billed(usage: Usage) -> Bill:
    """A month's bill by the prices and assumptions that come along."""
    return bill(count(usage, Assumptions()), read_prices())


def at(audience: float, kind: Kind = Kind.HISTORY) -> Bill:
    """The chart's example: 20 hours a month each, 300 publications each."""
    return billed(
        Usage(connections=CLIENTS, minutes=1200, messages=300, audience=audience, kind=kind)
    )


def by_audience() -> Iterator[str]:
    """A row for each audience: in all, the audience's share, and what dominates."""
    yield "| Audience | A month, with history | of it the audience | plain | signal | Dominant |"
    yield "| ---: | ---: | ---: | ---: | ---: | --- |"
    for audience in AUDIENCES:
        found = at(audience)
        share = dict(found.causes)[Cause.AUDIENCE] / found.total_usd
        others = (f"${at(audience, kind).total_usd:,.0f}" for kind in (Kind.PLAIN, Kind.SIGNAL))
        yield (
            f"| {audience:,} | ${found.total_usd:,.0f} | {share:.0%} | {' | '.join(others)}"
            f" | {found.dominant} |"
        )


def always_on() -> Iterator[str]:
    """What 10,000 clients cost that say nothing."""
    yield "| 10,000 clients that say nothing, all month | A month |"
    yield "| --- | ---: |"
    connected = dict(billed(Usage(connections=CLIENTS, ping_s=0, channels=0)).causes)
    yield f"| being connected alone | ${connected[Cause.CONNECTED]:,.2f} |"
    for said, kind, ping_s in (
        ("a ping every 9 minutes", Kind.PLAIN, 540),
        ("a ping every 8 minutes, as the browser client does", Kind.PLAIN, None),
        ("history, `channelSilenceMs` of 5 minutes", Kind.HISTORY, 300),
        ("history, `channelSilenceMs` of 2 minutes", Kind.HISTORY, 120),
        ("history, as the browser client does while a channel is silent", Kind.HISTORY, None),
    ):
        found = billed(Usage(connections=CLIENTS, kind=kind, ping_s=ping_s))
        yield f"| {said}; all | ${found.total_usd:,.2f} |"


def publishing_once() -> Iterator[str]:
    """What a million publications cost before anybody is reached, by kind."""
    yield "| A million publications of 200 bytes | to nobody | to one more recipient each |"
    yield "| --- | ---: | ---: |"
    for kind, said in (
        (Kind.SIGNAL, "`signal`"),
        (Kind.PLAIN, "`publish`, no history"),
        (Kind.HISTORY, "`publish` with history"),
        (Kind.KEYED, "`publish` with history and `key`"),
    ):
        to_nobody, to_ten = (
            dict(
                billed(
                    Usage(connections=10, minutes=0, messages=1e5, audience=audience, kind=kind)
                ).causes
            )
            for audience in (0, 10)
        )
        each = to_ten[Cause.AUDIENCE] / 10
        yield f"| {said} | ${to_nobody[Cause.PUBLISHING]:,.2f} | ${each:,.2f} |"


BLOCKS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "by audience": by_audience,
    "always on": always_on,
    "publishing": publishing_once,
}


def written(text: str) -> str:
    """Give the page with every block between its comments written anew."""
    for name, rows in BLOCKS.items():
        begin, end = f"<!-- {name}, by make costs -->\n", "<!-- end -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        block = begin + "\n".join(rows()) + "\n" + end
        text, found = pattern.subn(lambda _, block=block: block, text)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"{PAGE}: it has {found} blocks {begin.strip()}")
    return text


def chart() -> str:
    """Give an SVG: cost of each cause against audience, both axes logarithmic."""
    bills = {audience: dict(at(audience).causes) for audience in AUDIENCES}
    parts = [*_axes(), *_total()]
    label_y = 0.0
    for cause in sorted(COLOURS, key=lambda cause: -bills[AUDIENCES[-1]][cause]):
        points = [(_x(audience), _y(bills[audience][cause])) for audience in AUDIENCES]
        parts.append(_line(points, COLOURS[cause]))
        label_y = max(points[-1][1] + 4, label_y + 15)  # none over another
        parts.append(_text(RIGHT + 8, label_y, cause.value, f'fill="{COLOURS[cause]}"'))
    title = "A month's cost of 10,000 clients by audience, by what causes it"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {STYLE}>',
            f"<title>{title}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _total() -> Iterator[str]:
    points = [(_x(audience), _y(at(audience).total_usd)) for audience in AUDIENCES]
    yield _line(points, "#222222", 'stroke-dasharray="5 4"')
    yield _text(points[-1][0] - 4, points[-1][1] - 8, "total", 'text-anchor="end"')


def _axes() -> Iterator[str]:
    for exponent in range(round(math.log10(USD_MAX)) + 1):
        y = _y(10**exponent)
        yield f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="#dddddd"/>'
        yield _text(LEFT - 6, y + 4, f"${10**exponent:,}", 'text-anchor="end"')
    for exponent in range(round(math.log10(AUDIENCES[-1])) + 1):
        x = _x(10**exponent)
        yield f'<path d="M{x:.1f} {TOP}V{BOTTOM}" stroke="#dddddd"/>'
        yield _text(x, BOTTOM + 18, f"{10**exponent:,}", 'text-anchor="middle"')
    middle = (LEFT + RIGHT) / 2
    yield _text(
        middle, BOTTOM + 42, "connections that a publication reaches", 'text-anchor="middle"'
    )
    yield _text(LEFT, TOP - 12, "USD a month")


def _x(audience: float) -> float:
    return LEFT + (RIGHT - LEFT) * math.log10(audience) / math.log10(AUDIENCES[-1])


def _y(usd: float) -> float:
    share = math.log10(max(usd, USD_MIN)) / math.log10(USD_MAX)
    return BOTTOM - (BOTTOM - TOP) * share


def _line(points: list[tuple[float, float]], colour: str, more: str = "") -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2" {more}/>'


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{text}</text>'


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    CHART.write_text(chart(), encoding="utf-8")
