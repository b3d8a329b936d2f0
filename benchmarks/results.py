"""Keeping and printing what was measured: method, machine, medians, ratios."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent / "results"


def machine() -> dict[str, str | int | None]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }


def table(name: str, *, rows: str = "") -> str:
    """The last kept result of a benchmark as a table in Markdown, as the docs quote it.

    With `rows` only those that begin so, without that beginning.
    """
    result = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    wanted = {
        row.removeprefix(rows): figures
        for row, figures in result["rows"].items()
        if row.startswith(rows)
    }
    columns = list(next(iter(wanted.values())))
    lines = [
        f"| {result['date']} | {' | '.join(column.replace('_', ' ') for column in columns)} |",
        f"| --- |{' --- |' * len(columns)}",
    ]
    lines += [
        f"| {row} | {' | '.join(f'{figures[column]:g}' for column in columns)} |"
        for row, figures in wanted.items()
    ]
    return "\n".join(lines)


def keep(
    name: str, method: str, rows: Mapping[str, Mapping[str, float]], **details: object
) -> None:
    """Write the result, and details of it, as a file that the docs quote; print the rows."""
    now = datetime.now(tz=UTC)
    result = {
        "benchmark": name,
        "date": now.date().isoformat(),
        "method": method,
        "machine": machine(),
        "rows": rows,
        **details,
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{name} ({result['date']}, {result['machine']})\n{method}")
    for row, figures in rows.items():
        print(f"  {row:<28}  " + "  ".join(f"{key} {value:g}" for key, value in figures.items()))
