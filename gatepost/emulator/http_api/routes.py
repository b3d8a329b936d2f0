"""Which route of an HTTP or REST API a request is for.

Sources: API Gateway Developer Guide, "Create routes for HTTP APIs" (static before variable before
greedy before `$default`; ANY for methods that have no route of their own) and "Set up a proxy
integration with a proxy resource" for REST APIs.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote

from gatepost.gateway.core.deployment import HttpApi, HttpRoute

_STATIC, _VARIABLE, _GREEDY, _DEFAULT = range(4)


class Matched(NamedTuple):
    """A route, and the values of its path's variables."""

    route: HttpRoute
    path_parameters: dict[str, str]


class _Pattern(NamedTuple):
    """A route's path, ready to be matched; the smaller `rank` wins."""

    route: HttpRoute
    expression: re.Pattern[str]
    names: tuple[str, ...]
    rank: tuple[int, ...]


class Router:
    """The routes of one API.

    An HTTP API decodes the path before it looks for a route and gives variables decoded; a REST
    API leaves both as they came, and ignores a slash at the end.
    """

    def __init__(self, api: HttpApi) -> None:
        self._rest = api.kind == "rest"
        self._patterns = sorted(
            (_pattern(route) for route in api.routes),
            key=lambda pattern: (pattern.rank, pattern.route.method == "ANY"),
        )

    def match(self, method: str, path: str) -> Matched | None:
        """Find the route for a method and a percent-encoded path below the stage.

        A REST API first finds the resource, so a method that the best path lacks is not looked for
        in a less specific one.
        """
        matching = self._matching(path)
        if self._rest and matching:
            resource = matching[0][0].route.path
            matching = [each for each in matching if each[0].route.path == resource]
        for pattern, found in matching:
            if pattern.route.method in (method, "ANY"):
                parameters = dict(zip(pattern.names, found.groups(), strict=True))
                return Matched(pattern.route, parameters)
        return None

    def paths(self, path: str) -> list[HttpRoute]:
        """List the routes whose path fits, whatever their method, the most specific first."""
        return [pattern.route for pattern, _ in self._matching(path)]

    def _matching(self, path: str) -> list[tuple[_Pattern, re.Match[str]]]:
        wanted = (path.removesuffix("/") or "/") if self._rest else unquote(path)
        return [
            (pattern, found)
            for pattern in self._patterns
            if (found := pattern.expression.fullmatch(wanted)) is not None
        ]


def is_catch_all(route: HttpRoute) -> bool:
    """Whether the route takes every path that nothing else takes."""
    return route.path == "$default" or re.fullmatch(r"/\{[^{}]+\+\}", route.path) is not None


def _pattern(route: HttpRoute) -> _Pattern:
    if route.path == "$default":
        return _Pattern(route, re.compile(".*", re.DOTALL), (), (_DEFAULT,))
    names: list[str] = []
    ranks: list[int] = []
    parts: list[str] = []
    for segment in route.path.removeprefix("/").split("/"):
        variable = re.fullmatch(r"\{([^{}]+?)(\+?)\}", segment)
        if variable is None:
            parts.append(re.escape(segment))
            ranks.append(_STATIC)
        else:
            names.append(variable[1])
            parts.append("(.+)" if variable[2] else "([^/]+)")
            ranks.append(_GREEDY if variable[2] else _VARIABLE)
    expression = re.compile("/" + "/".join(parts), re.DOTALL)
    return _Pattern(route, expression, tuple(names), tuple(ranks))
