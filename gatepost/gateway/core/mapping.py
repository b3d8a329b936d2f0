"""Mapping templates and parameter mappings: references into a request, and none of VTL's logic.

What VTL would do more is refused when the gateway is built, never sent out as it stands. A
reference that leads nowhere is an empty text (inferred from how REST APIs do it).
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from gatepost.gateway.core.json_paths import (
    STEP,
    NotJsonError,
    Path,
    find,
    parse_path,
    read_json,
    to_json,
)

Event = Mapping[str, Any]
"""An event as functions get it: what a reference leads into."""

_CONTEXT: Final = frozenset(
    {
        *("apiId", "connectedAt", "connectionId", "domainName", "eventType", "extendedRequestId"),
        *("messageId", "requestId", "requestTime", "requestTimeEpoch", "routeKey", "stage"),
        *("identity.sourceIp", "identity.userAgent"),
    }
)
_NAMES: Final = r"(?>(?:\.\w+)+)"
_DIRECTIVES: Final = (
    r"#|\*|\[\[|\{|(?:if|elseif|else|end|set|foreach|include|parse|macro|stop|break|evaluate"
    r"|define)\b"
)
_TOKEN: Final = re.compile(
    r"(?P<text>[^$#\\]+)"
    r"|\$(?P<brace>\{)?(?:"
    rf"context(?P<context>{_NAMES})"
    r"|stageVariables\.(?P<variable>(?>\w+))"
    r"|input\.(?P<body>body)"
    rf"|input\.(?P<call>json|path)\((?P<quote>['\"])\$(?P<steps>{STEP}*)(?P=quote)\)"
    r")(?(brace)\}|(?!\.?\w|\[|\())"
    rf"|(?P<plain>\\(?![$#])|\$(?![A-Za-z_{{!])|\#(?!{_DIRECTIVES}))"
)
_PARAMETER: Final = re.compile(
    rf"'(?P<text>[^']*)'|context(?P<context>{_NAMES})|stageVariables\.(?P<variable>\w+)"
    rf"|route\.request\.body(?P<steps>{STEP}*)"
    r"|route\.request\.(?P<part>header|querystring)\.(?P<name>[\w.$-]+)"
)


class MappingError(ValueError):
    """An expression that can't be mapped here; the text shows it and says what can."""


class Reference(NamedTuple):
    """One place in a request. `json` writes what `path` finds as JSON, not as text."""

    source: Literal["context", "stageVariables", "body", "json", "path", "header", "querystring"]
    path: Path = ()


Template = tuple[str | Reference, ...]


def parse_template(text: str) -> Template:
    """Read a mapping template. Raises MappingError for VTL beyond simple references."""
    parts: list[str | Reference] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise _not_supported(text[position:])
        parts.append(token["text"] or token["plain"] or _reference(token))
        position = token.end()
    return tuple(parts)


def parse_parameter(text: str) -> str | Reference:
    """Read the source of a request parameter: `context.connectionId`, `'static'` and the like.

    Raises MappingError.
    """
    token = _PARAMETER.fullmatch(text)
    if token is None:
        raise MappingError(
            f"{text!r} can't be mapped; use context.NAME, stageVariables.NAME, 'text', "
            "route.request.body.NAME, route.request.header.NAME or route.request.querystring.NAME"
        )
    if token["text"] is not None:
        return token["text"]
    if token["part"]:
        source: Literal["header", "querystring"] = (
            "header" if token["part"] == "header" else "querystring"
        )
        return Reference(source, (token["name"],))
    return _reference(token)


def render(template: Template, event: Event) -> str:
    """Fill a template in."""
    return "".join(part if isinstance(part, str) else resolve(part, event) for part in template)


def resolve(reference: Reference, event: Event) -> str:
    """Return what a reference leads to, as text."""
    found = _found(reference, event)
    if reference.source == "json":
        return to_json("" if found is None else found)
    if found is None:
        return ""
    return found if isinstance(found, str) else to_json(found)


def _found(reference: Reference, event: Event) -> object:
    match reference.source:
        case "context":
            return find(event["requestContext"], reference.path)
        case "stageVariables":
            return find(event.get("stageVariables"), reference.path)
        case "body":
            return event.get("body")
        case "path" | "json":
            return _in_body(event, reference.path)
        case "header":
            return _of_any_case(event.get("headers"), reference.path[0])
        case "querystring":
            return find(event.get("queryStringParameters"), reference.path)


def _reference(token: re.Match[str]) -> Reference:
    groups = token.groupdict()
    if groups["context"] is not None:
        name = groups["context"][1:]
        if name not in _CONTEXT and not name.startswith("authorizer."):
            raise _not_supported(token[0])
        return Reference("context", tuple(name.split(".")))
    if groups["variable"] is not None:
        return Reference("stageVariables", (groups["variable"],))
    if groups.get("body") is not None:
        return Reference("body")
    return Reference("json" if groups.get("call") == "json" else "path", parse_path(token["steps"]))


def _not_supported(rest: str) -> MappingError:
    expression = rest.splitlines()[0][:60]
    return MappingError(
        f"{expression!r} is not supported in mapping templates here; use $context.NAME, "
        "$stageVariables.NAME, $input.body, $input.json('$.path') or $input.path('$.path')"
    )


def _in_body(event: Event, path: Path) -> object:
    try:
        return find(read_json(event.get("body") or ""), path)
    except NotJsonError:
        return None


def _of_any_case(headers: Mapping[str, str] | None, name: str | int) -> str | None:
    wanted = str(name).lower()
    return next((v for key, v in (headers or {}).items() if key.lower() == wanted), None)
