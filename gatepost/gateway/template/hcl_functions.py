"""Terraform's functions, as far as templates of this kind use them.

Responsible for known arguments alone. Source: Terraform's reference of functions.
"""

import json
import posixpath
from collections.abc import Callable
from typing import Any, Final

TEXT_MAX: Final = 256 * 1024
"""Longest text that a function may make."""


def text(value: object) -> str:
    """Return a value as it stands in text: `true`, `1` for 1.0. Raises TypeError for others."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float():
            return str(value)
        case _:
            raise TypeError(value)


def _merge(*maps: dict[str, object] | None) -> dict[str, object]:
    merged: dict[str, object] = {}
    for one in maps:
        merged.update(one or {})
    return merged


def _format(pattern: str, *values: object) -> str:
    return pattern.replace("%d", "%s").replace("%v", "%s") % tuple(map(text, values))


def _replace(whole: str, old: str, new: str) -> str:
    if old[:1] == "/" == old[-1:]:
        raise ValueError(old)  # a regular expression
    replaced = whole.replace(old, new)
    if len(replaced) > TEXT_MAX:
        raise ValueError(old)
    return replaced


def _flatten(value: list[Any]) -> list[Any]:
    flat: list[Any] = []
    for item in value:
        flat.extend(_flatten(item) if isinstance(item, list) else [item])
    return flat


def _lookup(map_: dict[str, object], key: str, *default: object) -> object:
    return map_[key] if key in map_ or not default else default[0]


def _coalesce(*values: object) -> object:
    return next(value for value in values if value not in (None, ""))


FUNCTIONS: Final[dict[str, Callable[..., object]]] = {
    "basename": posixpath.basename,
    "coalesce": _coalesce,
    "compact": lambda items: [item for item in items if item],
    "concat": lambda *lists: [item for one in lists for item in one],
    "contains": lambda items, item: item in items,
    "dirname": posixpath.dirname,
    "distinct": lambda items: list(dict.fromkeys(items)),
    "element": lambda items, index: items[index % len(items)],
    "endswith": lambda whole, end: whole.endswith(end),
    "flatten": _flatten,
    "format": _format,
    "join": lambda delimiter, items: delimiter.join(map(text, items)),
    "jsonencode": lambda value: json.dumps(value, separators=(",", ":")),
    "keys": sorted,
    "length": len,
    "lookup": _lookup,
    "lower": str.lower,
    "merge": _merge,
    "replace": _replace,
    "split": lambda delimiter, whole: whole.split(delimiter),
    "startswith": lambda whole, start: whole.startswith(start),
    "tolist": list,
    "tomap": dict,
    "tonumber": lambda value: float(value) if "." in str(value) else int(value),
    "toset": lambda items: sorted(set(items)),
    "tostring": text,
    "trim": lambda whole, characters: whole.strip(characters),
    "trimprefix": lambda whole, prefix: whole.removeprefix(prefix),
    "trimspace": str.strip,
    "trimsuffix": lambda whole, suffix: whole.removesuffix(suffix),
    "upper": str.upper,
    "values": lambda map_: [map_[key] for key in sorted(map_)],
}
"""By name; whatever a function raises means that it has no value."""

OPERATIONS: Final[dict[str, Callable[[Any, Any], object]]] = {
    "||": lambda left, right: bool(left or right),
    "&&": lambda left, right: bool(left and right),
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": lambda left, right: left % right,
}
"""By what stands between the operands."""
