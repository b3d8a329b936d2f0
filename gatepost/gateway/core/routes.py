"""Which route a message takes: the route selection expression and the table of routes."""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import DecodeError
from msgspec import json as msgspec_json

from gatepost.gateway.core.deployment import CONNECT, DEFAULT, DISCONNECT, Route

# A step of a path into the body: `.name`, `[0]` or `['name']`.
_STEP: Final = r"\.[\w-]+|\[\d+\]|\['[^']+'\]"
_TOKEN: Final = re.compile(
    rf"(?P<dollar>\\\$)"
    rf"|\$\{{request\.body(?P<braced>(?:{_STEP})*)\}}"
    # Atomic, so that a path which goes on in a way that is not supported is an error.
    rf"|\$request\.body(?P<bare>(?>(?:{_STEP})*))(?![.\[\w])"
    rf"|(?P<text>[^$\\]+|\\)"
)
_STEPS: Final = re.compile(r"\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]")
_NEVER_SELECTED: Final = frozenset({CONNECT, DISCONNECT})

_Path = tuple[str | int, ...]
_decode: Final = msgspec_json.Decoder().decode
_encode: Final = msgspec_json.Encoder().encode


class ExpressionError(ValueError):
    """A route selection expression that the gateway can't read; the text shows where."""


class RouteSelector:
    """Selects the route of a message (B-150 to B-160).

    Raises ExpressionError for an expression with a variable other than `$request.body` and a path
    of names and indexes.
    """

    __slots__ = ("_default", "_parts", "_routes", "_static")

    def __init__(self, expression: str, routes: Mapping[str, Route]) -> None:
        self._parts = parse_expression(expression)
        self._static = all(isinstance(part, str) for part in self._parts)
        self._routes = {key: routes[key] for key in routes if key not in _NEVER_SELECTED}
        self._default = self._routes.get(DEFAULT)

    def select(self, text: str) -> Route | None:
        """Return the message's route, `$default`'s when no other matches; None without either.

        A client can't reach `$connect` and `$disconnect` (B-160, a guess).
        """
        return self._routes.get(self.key(text), self._default)

    def key(self, text: str) -> str:
        """Return the value of the expression for a message; `$default` when it needs JSON (B-158).

        Only strict JSON counts (B-159).
        """
        if self._static:
            return "".join(part for part in self._parts if isinstance(part, str))
        try:
            body = _decode(text)
        except (DecodeError, UnicodeError, RecursionError):
            return DEFAULT
        return "".join(
            part if isinstance(part, str) else _text(_find(body, part)) for part in self._parts
        )


def parse_expression(expression: str) -> tuple[str | _Path, ...]:
    r"""Split an expression into static text and paths into the body (B-152).

    `$request.body.a` and `${request.body.a}` are paths, `\$` is a dollar. Raises ExpressionError.
    """
    parts: list[str | _Path] = []
    position = 0
    while position < len(expression):
        token = _TOKEN.match(expression, position)
        if token is None:
            raise ExpressionError(
                f"route selection expression {expression!r}: can't read "
                f"{expression[position:]!r}; use $request.body.NAME, ${{request.body.NAME}} or text"
            )
        position = token.end()
        if token["dollar"]:
            parts.append("$")
        elif token["text"]:
            parts.append(token["text"])
        else:
            parts.append(_path(token["braced"] or token["bare"] or ""))
    return tuple(parts)


def _path(text: str) -> _Path:
    return tuple(
        int(index) if index else name or quoted for name, index, quoted in _STEPS.findall(text)
    )


def _find(body: object, path: _Path) -> object:
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


def _text(value: object) -> str:
    """Write a value as part of a route key (B-155)."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    return _encode(value).decode()
