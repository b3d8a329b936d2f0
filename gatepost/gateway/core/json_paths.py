"""Paths into a message's JSON body: `.name`, `[0]` and `['name']`, one after the other.

Route selection, model selection and mapping templates share them (B-152, B-156).
"""

import re
from typing import Final

from msgspec import DecodeError
from msgspec import json as msgspec_json

Path = tuple[str | int, ...]

STEP: Final = r"(?:\.[\w-]+|\[\d+\]|\['[^']+'\])"
"""The regular expression of one step; it has no group of its own."""

_STEPS: Final = re.compile(r"\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]")
# Possessive, and each text and word is taken whole: linear time, whatever comes.
_BARE_NAMES: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|([A-Za-z_][\w-]*+)(\s*+:)?', re.DOTALL)

_decode: Final = msgspec_json.Decoder().decode
_encode: Final = msgspec_json.Encoder().encode


class NotJsonError(ValueError):
    """The text is not JSON."""


def read_json(text: str, *, lenient: bool = False) -> object:
    """Read a message's body; lenient takes names without quotes too (B-159).

    Raises NotJsonError.
    """
    try:
        return _decode(text)
    except (DecodeError, UnicodeError, RecursionError) as error:
        if not lenient:
            raise NotJsonError(str(error)) from error
    return read_json(_BARE_NAMES.sub(_quoted, text))


def parse_path(text: str) -> Path:
    """Read a path that consists of steps."""
    return tuple(
        int(index) if index else name or quoted for name, index, quoted in _STEPS.findall(text)
    )


def find(body: object, path: Path) -> object:
    """Follow the path; None when it leads nowhere (B-154)."""
    found = body
    for step in path:
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return None
    return found


def to_json(value: object) -> str:
    """Write a value as JSON."""
    return _encode(value).decode()


def _quoted(match: re.Match[str]) -> str:
    return f'"{match[1]}"{match[2]}' if match[2] else match[0]
