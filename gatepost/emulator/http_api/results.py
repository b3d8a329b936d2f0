"""What a function's result says to the client, in payload format 2.0 and 1.0.

Sources: API Gateway Developer Guide, "Lambda function response for format 2.0" / "for format
1.0" and "Output format of a Lambda function for proxy integration".
"""

import re
from base64 import b64decode
from binascii import Error as NoBase64
from typing import Final

from msgspec import MsgspecError
from msgspec import json as msgspec_json

from gatepost.emulator.http_api.answers import BAD_INTEGRATION, HttpAnswer, Kind
from gatepost.gateway.core.deployment import HttpRoute

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE_BREAK: Final = re.compile(r"[\x00\r\n]")
_OF_THE_LINK: Final = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
_DEFAULT_TYPE: Final[dict[Kind, str]] = {
    "http": "text/plain; charset=utf-8",
    "rest": "application/json",
}


class _MalformedError(Exception):
    """The result can't be an answer."""


def answer(kind: Kind, route: HttpRoute, result: bytes) -> HttpAnswer:
    """Return the client's answer for the JSON document that a function returned.

    In format 2.0, whatever has no `statusCode` is itself the body of a 200. A malformed result is
    BAD_INTEGRATION.
    """
    try:
        document = msgspec_json.decode(result)
        if route.payload == "2.0" and not (isinstance(document, dict) and "statusCode" in document):
            return _inferred(document)
        if not isinstance(document, dict):
            return BAD_INTEGRATION[kind]
        headers = _headers(kind, document, cookies=route.payload == "2.0")
        return HttpAnswer(_status(document), headers, _body(document))
    except (MsgspecError, _MalformedError, UnicodeEncodeError):
        return BAD_INTEGRATION[kind]


def _inferred(document: object) -> HttpAnswer:
    body = document.encode() if isinstance(document, str) else msgspec_json.encode(document)
    return HttpAnswer(200, (("Content-Type", "application/json"),), body)


def _status(document: dict[str, object]) -> int:
    given = document.get("statusCode")
    if isinstance(given, str) and given.isascii() and given.isdigit():
        given = int(given)
    if type(given) is not int or not 200 <= given <= 599:  # noqa: PLR2004 - what HTTP has
        raise _MalformedError
    return given


def _body(document: dict[str, object]) -> bytes:
    body = document.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise _MalformedError
    if document.get("isBase64Encoded") is not True:
        return body.encode()
    try:
        return b64decode(body, validate=True)
    except (NoBase64, ValueError) as error:
        raise _MalformedError from error


def _headers(
    kind: Kind, document: dict[str, object], *, cookies: bool
) -> tuple[tuple[str, str], ...]:
    single = _object(document, "headers")
    # Format 2.0 has cookies in place of headers with several values.
    multiple = {} if cookies else _object(document, "multiValueHeaders")
    overruled = {name.lower() for name in multiple}
    pairs = [(name, value) for name, value in single.items() if name.lower() not in overruled]
    for name, values in multiple.items():
        pairs += [(name, value) for value in _list(values)]
    if cookies:
        pairs += [("Set-Cookie", value) for value in _list(document.get("cookies"))]
    headers = [
        _header(name, value)
        for name, value in pairs
        if value is not None and name.lower() not in _OF_THE_LINK
    ]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", _DEFAULT_TYPE[kind]))
    return tuple(headers)


def _object(document: dict[str, object], key: str) -> dict[str, object]:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise _MalformedError
    return value


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _MalformedError
    return value


def _header(name: str, value: object) -> tuple[str, str]:
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str | int | float):
        text = str(value)
    else:
        raise _MalformedError
    if _TOKEN.fullmatch(name) is None or _LINE_BREAK.search(text):
        raise _MalformedError
    return name, text
