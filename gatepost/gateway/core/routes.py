"""Which route a message takes: the route selection expression and the table of routes."""

import re
from collections.abc import Mapping
from typing import Final

from gatepost.gateway.core.deployment import CONNECT, DEFAULT, DISCONNECT, Route
from gatepost.gateway.core.json_paths import (
    STEP,
    NotJsonError,
    Path,
    find,
    parse_path,
    read_json,
    to_json,
)

_TOKEN: Final = re.compile(
    rf"(?P<dollar>\\\$)"
    rf"|\$\{{request\.body(?P<braced>{STEP}*)\}}"
    # Atomic, so that a path which goes on in a way that is not supported is an error.
    rf"|\$request\.body(?P<bare>(?>{STEP}*))(?![.\[\w])"
    rf"|(?P<text>[^$\\]+|\\)"
)
_RESERVED: Final = frozenset({CONNECT, DISCONNECT})


class ExpressionError(ValueError):
    """A selection expression that the gateway can't read; the text shows where."""


class Selection:
    """A selection expression over messages: of routes (B-152), of models (B-168).

    `kind` names it in the message of ExpressionError, which is raised for a variable other than
    `$request.body` and a path of names and indexes. `lenient` says which JSON counts (B-159).
    """

    __slots__ = ("_lenient", "_parts", "_static")

    def __init__(self, expression: str, *, kind: str = "route", lenient: bool = False) -> None:
        self._parts = parse_expression(expression, kind=kind)
        self._static = all(isinstance(part, str) for part in self._parts)
        self._lenient = lenient

    def key(self, text: str) -> str:
        """Return the value of the expression for a message; `$default` when it needs JSON (B-158).

        Only strict JSON counts, unless lenient (B-159).
        """
        if self._static:
            return "".join(part for part in self._parts if isinstance(part, str))
        try:
            body = read_json(text, lenient=self._lenient)
            return "".join(
                part if isinstance(part, str) else _text(find(body, part)) for part in self._parts
            )
        except (NotJsonError, RecursionError):  # nested too deeply to be read, or to be written
            return DEFAULT


class RouteSelector:
    """Selects the route of a message (B-150 to B-160). Raises ExpressionError."""

    __slots__ = ("_default", "_routes", "key")

    def __init__(
        self,
        expression: str,
        routes: Mapping[str, Route],
        *,
        lenient: bool = False,
        reserved_too: bool = False,
    ) -> None:
        self.key = Selection(expression, lenient=lenient).key
        left_out = frozenset() if reserved_too else _RESERVED
        self._routes = {key: routes[key] for key in routes if key not in left_out}
        self._default = self._routes.get(DEFAULT)

    def select(self, text: str) -> Route | None:
        """Return the message's route, `$default`'s when no other matches; None without either.

        A client can't reach `$connect` and `$disconnect`, unless `reserved_too` (B-160, a guess).
        """
        return self._routes.get(self.key(text), self._default)


def parse_expression(expression: str, *, kind: str = "route") -> tuple[str | Path, ...]:
    r"""Split an expression into static text and paths into the body (B-152).

    `$request.body.a` and `${request.body.a}` are paths, `\$` is a dollar. Raises ExpressionError.
    """
    parts: list[str | Path] = []
    position = 0
    while position < len(expression):
        token = _TOKEN.match(expression, position)
        if token is None:
            raise ExpressionError(
                f"{kind} selection expression {expression!r}: can't read "
                f"{expression[position:]!r}; use $request.body.NAME, ${{request.body.NAME}} or text"
            )
        position = token.end()
        if token["dollar"]:
            parts.append("$")
        elif token["text"]:
            parts.append(token["text"])
        else:
            parts.append(parse_path(token["braced"] or token["bare"] or ""))
    return tuple(parts)


def _text(value: object) -> str:
    """Write a value as part of a key (B-155)."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    return to_json(value)
