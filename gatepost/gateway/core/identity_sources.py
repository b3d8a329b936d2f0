"""What a client must show before a Lambda authorizer is asked at all (B-072)."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_SOURCE: Final = re.compile(
    r"(?P<kind>route\.request\.header|route\.request\.querystring|stageVariables|context)"
    r"\.(?P<name>.+)"
)


class IdentitySource(NamedTuple):
    """A value that a request must have before an authorizer is asked (B-072)."""

    kind: str
    name: str


class IdentitySourceError(ValueError):
    """An identity source that can't be read; the text shows it."""


def parse_identity_source(text: str) -> IdentitySource:
    """Read `route.request.header.Name` and the like. Raises IdentitySourceError."""
    found = _SOURCE.fullmatch(text)
    if found is None:
        raise IdentitySourceError(
            f"identity source {text!r}: use route.request.header.NAME, "
            "route.request.querystring.NAME, stageVariables.NAME or context.NAME"
        )
    return IdentitySource(found["kind"], found["name"])


def missing_source(
    sources: tuple[IdentitySource, ...],
    *,
    headers: Mapping[str, list[str]],
    query: Mapping[str, list[str]],
    stage_variables: Mapping[str, str],
    context: Mapping[str, object],
) -> str | None:
    """Name the first source that the request has no value for, or an empty one (B-072).

    Header names are matched in any case, all other names as they are.
    """
    folded = {name.lower(): values for name, values in headers.items()}
    for kind, name in sources:
        found: object
        match kind:
            case "route.request.header":
                found = _last(folded.get(name.lower()))
            case "route.request.querystring":
                found = _last(query.get(name))
            case "stageVariables":
                found = stage_variables.get(name)
            case _:
                found = _follow(context, name)
        if found in (None, ""):
            return f"{kind}.{name}"
    return None


def _last(values: list[str] | None) -> str | None:
    return values[-1] if values else None


def _follow(context: Mapping[str, object], path: str) -> object:
    found: object = context
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
