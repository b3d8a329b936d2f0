"""The events that functions of HTTP and REST APIs get: payload format 2.0 and 1.0.

Sources: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs" and
"Set up Lambda proxy integrations in API Gateway"; where those are silent, recorded events.
"""

import re
from base64 import b64encode
from typing import Final
from urllib.parse import parse_qsl, unquote
from zlib import crc32

from gatepost.emulator.http_api.requests import Call, HttpRequest, below_stage
from gatepost.gateway.core.timestamps import clf, epoch_ms

Event = dict[str, object]

_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
)
_TEXT: Final = re.compile(r"text/.+|application/(json|xml|javascript)")
"""The content types whose bodies an HTTP API passes on as text; any other, and none, is base64."""

_NOBODY: Final = dict.fromkeys(
    (
        "accessKey",
        "accountId",
        "caller",
        "cognitoAuthenticationProvider",
        "cognitoAuthenticationType",
        "cognitoIdentityId",
        "cognitoIdentityPoolId",
        "principalOrgId",
        "user",
        "userArn",
    )
)


def event(call: Call) -> Event:
    """Return the event for the route's function, in the route's payload format."""
    return event_2_0(call) if call.route.payload == "2.0" else event_1_0(call)


def event_2_0(call: Call) -> Event:
    """Return the event of an HTTP API; what there is none of is left out.

    Header names are lower case, repetitions joined by commas; the path is decoded, the query is
    not.
    """
    request = call.request
    made: Event = {
        "version": "2.0",
        "routeKey": call.route_key,
        "rawPath": unquote(request.path),
        "rawQueryString": request.query,
        "headers": _joined_headers(request),
    }
    if cookies := _cookies(request):
        made["cookies"] = cookies
    if query := _query(request):
        made["queryStringParameters"] = {name: ",".join(every) for name, every in query.items()}
    made["requestContext"] = _context_2_0(call)
    if call.path_parameters:
        made["pathParameters"] = call.path_parameters
    if call.api.stage_variables:
        made["stageVariables"] = call.api.stage_variables
    encoded = _is_binary(call)
    if request.body:
        made["body"] = _body(request.body, encoded=encoded)
    made["isBase64Encoded"] = encoded
    return made


def event_1_0(call: Call) -> Event:
    """Return the event of a REST API, or of an HTTP API's route with payload 1.0.

    What there is none of is null. Header names are as they came; of repetitions the last counts,
    and the `multiValue` fields have them all.
    """
    request, api = call.request, call.api
    headers = _multi_value_headers(request)
    query = _query(request)
    # A REST API takes the stage off the path, an HTTP API leaves it.
    path = below_stage(api, request.path) if api.kind == "rest" else unquote(request.path)
    made: Event = {
        **({"version": "1.0"} if api.kind == "http" else {}),
        "resource": call.route.path,
        "path": path,
        "httpMethod": request.method,
        "headers": {name: every[-1] for name, every in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: every[-1] for name, every in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": call.path_parameters or None,
        "stageVariables": api.stage_variables or None,
        "requestContext": _context_1_0(call),
    }
    encoded = _is_binary(call)
    made["body"] = _body(request.body, encoded=encoded) if request.body else None
    made["isBase64Encoded"] = encoded
    return made


def _context_2_0(call: Call) -> Event:
    request = call.request
    context: Event = {
        "accountId": call.account_id,
        "apiId": call.api.api_id,
        "domainName": request.host,
        "domainPrefix": _prefix(request.host),
        "http": {
            "method": request.method,
            "path": unquote(request.path),
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("User-Agent") or "",
        },
        "requestId": request.request_id,
        "routeKey": call.route_key,
        "stage": call.api.stage,
        "time": clf(request.received_at),
        "timeEpoch": epoch_ms(request.received_at),
    }
    if call.authorizer is not None:
        context["authorizer"] = call.authorizer
    return context


def _context_1_0(call: Call) -> Event:
    request, path = call.request, call.route.path
    resource_id = f"{crc32(path.encode()):08x}"[:6] if call.api.kind == "rest" else call.route_key
    context: Event = {
        "accountId": call.account_id,
        "apiId": call.api.api_id,
        "domainName": request.host,
        "domainPrefix": _prefix(request.host),
        "extendedRequestId": request.request_id,
        "httpMethod": request.method,
        "identity": {
            **_NOBODY,
            "sourceIp": request.source_ip,
            "userAgent": request.header("User-Agent"),
        },
        "path": request.path if call.api.kind == "rest" else unquote(request.path),
        "protocol": request.protocol,
        "requestId": request.request_id,
        "requestTime": clf(request.received_at),
        "requestTimeEpoch": epoch_ms(request.received_at),
        "resourceId": resource_id,
        "resourcePath": path,
        "stage": call.api.stage,
    }
    if call.authorizer is not None:
        context["authorizer"] = call.authorizer
    return context


def _prefix(host: str) -> str:
    return host.partition(".")[0].partition(":")[0]


def _passed_on(request: HttpRequest) -> list[tuple[str, str]]:
    """List the client's headers without those of the link, with those that a gateway adds."""
    added = {
        "X-Amzn-Trace-Id": request.trace_id,
        "X-Forwarded-For": request.source_ip,
        "X-Forwarded-Port": request.host.rpartition(":")[2] if ":" in request.host else "80",
        "X-Forwarded-Proto": "http",
    }
    dropped = _HOP_BY_HOP | {name.lower() for name in added}
    kept = [(name, value) for name, value in request.headers if name.lower() not in dropped]
    return [*kept, *added.items()]


def _joined_headers(request: HttpRequest) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in _passed_on(request):
        lower = name.lower()
        if lower != "cookie":
            joined[lower] = f"{joined[lower]},{value}" if lower in joined else value
    return joined


def _multi_value_headers(request: HttpRequest) -> dict[str, list[str]]:
    spelling: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in _passed_on(request):
        values.setdefault(spelling.setdefault(name.lower(), name), []).append(value)
    return values


def _cookies(request: HttpRequest) -> list[str]:
    return [
        cookie
        for name, value in request.headers
        if name.lower() == "cookie"
        for part in value.split(";")
        if (cookie := part.strip())
    ]


def _query(request: HttpRequest) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return query


def _is_binary(call: Call) -> bool:
    """Whether the body is passed on as base64; REST APIs here never have binary media types."""
    if call.api.kind == "rest" or not call.request.body:
        return False
    content_type = (call.request.header("Content-Type") or "").partition(";")[0].strip().lower()
    return _TEXT.fullmatch(content_type) is None


def _body(body: bytes, *, encoded: bool) -> str:
    return b64encode(body).decode() if encoded else body.decode(errors="replace")
