"""What stands behind a route: how each kind of integration is begun, or answers by itself.

A function and an HTTP backend are begun by a command; their end comes back as an input. A mock
and a missing integration have their outcome at once.
"""

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from msgspec import DecodeError
from msgspec import json as msgspec_json

from gatepost.gateway.core.commands import CallHttp, Invoke
from gatepost.gateway.core.deployment import (
    DEFAULT,
    HttpProxy,
    LambdaMapped,
    LambdaProxy,
    Mock,
    NotEmulated,
    Route,
)
from gatepost.gateway.core.inputs import NotInvocable, Outcome, Returned
from gatepost.gateway.core.mapping import (
    MappingError,
    Reference,
    Template,
    parse_parameter,
    parse_template,
    render,
    resolve,
)
from gatepost.gateway.core.routes import Selection

if TYPE_CHECKING:
    from gatepost.gateway.core.ordering import Wanted

_NO_TARGET: Final = NotInvocable("the route has no integration")
_NO_STATUS: Final = NotInvocable("the mock's request template gives no integer statusCode")
_OF_ANSWERS: Final = frozenset({"body", "json", "path"})
_KEPT_BACK: Final = frozenset({"Host", "User-Agent"})
_STAGE_VARIABLE: Final = re.compile(r"\$\{stageVariables\.(\w+)\}")
_PARAMETER: Final = re.compile(r"integration\.request\.(header|querystring|path)\.(.+)")


class ReadyMock(NamedTuple):
    """A mock whose templates are read; `responses` are by status, by `/pattern/` or `$default`."""

    request: Template
    responses: dict[str, Template]


class ReadyHttp(NamedTuple):
    """An HTTP backend whose parameters are read, each with the part of the request it goes to."""

    integration: HttpProxy
    parameters: tuple[tuple[str, str, str | Reference], ...]


class ReadyMapped(NamedTuple):
    """A function behind templates that are read; those of requests are by what `key` yields."""

    integration: LambdaMapped
    key: Selection
    requests: dict[str, Template]
    responses: dict[str, Template]


Ready = LambdaProxy | ReadyMock | ReadyHttp | ReadyMapped | NotEmulated | None
"""An integration that can be begun; None for a route without a target (B-166)."""


def prepare(route: Route) -> Ready:
    """Read what an integration's template or parameters say. Raises MappingError."""
    match route.integration:
        case Mock(request_template=request, response_templates=responses):
            return ReadyMock(parse_template(request), _responses(responses))
        case HttpProxy() as proxy:
            return ReadyHttp(
                proxy, tuple(_parameter(*item) for item in proxy.request_parameters.items())
            )
        case LambdaMapped() as mapped:
            requests = mapped.request_templates.items()
            return ReadyMapped(
                mapped,
                Selection(mapped.template_selection_expression, kind="template"),
                {key: parse_template(text) for key, text in requests},
                _responses(mapped.response_templates, sources=_OF_ANSWERS),
            )
        case LambdaProxy() | NotEmulated() | None as ready:
            return ready


def begin(ready: Ready, number: int, wanted: "Wanted") -> Invoke | CallHttp | Outcome:
    """Return the command that begins the invocation `number`, or its outcome."""
    match ready:
        case LambdaProxy(function=function):
            return Invoke(
                number,
                function,
                wanted.event,
                wanted.connection.id,
                wanted.route.key,
                wanted.handshake_id,
            )
        case ReadyMock():
            return _answer(ready, msgspec_json.decode(wanted.event))
        case ReadyHttp():
            return _call(ready, number, wanted)
        case ReadyMapped():
            return _invoke(ready, number, wanted)
        case NotEmulated(service=service):
            return NotInvocable(f"an integration of {service}, which is not emulated")
        case None:
            return _NO_TARGET


def as_result(ready: Ready, outcome: Outcome) -> Outcome:
    """Return what a function behind templates answered as a proxy result of status 200.

    Any other outcome stays as it is.
    """
    if not isinstance(ready, ReadyMapped) or not isinstance(outcome, Returned):
        return outcome
    body = outcome.payload.decode(errors="replace")
    if (template := _response(ready.responses, "200")) is not None:
        body = render(template, {"body": body})
    return Returned(msgspec_json.encode({"statusCode": 200, "body": body}))


def _invoke(ready: ReadyMapped, number: int, wanted: "Wanted") -> Invoke | NotInvocable:
    """Begin a function with what the message's template makes, else with the message (a guess)."""
    event = msgspec_json.decode(wanted.event)
    body = event.get("body", "")
    template = ready.requests.get(ready.key.key(body), ready.requests.get(DEFAULT))
    if template is not None:
        payload = render(template, event)
    elif ready.integration.passthrough == "NEVER" or (
        ready.requests and ready.integration.passthrough == "WHEN_NO_TEMPLATES"
    ):
        return NotInvocable("no request template fits, and the message may not pass as it is")
    else:
        payload = body or "{}"
    try:
        msgspec_json.decode(payload)
    except (DecodeError, RecursionError) as error:
        return NotInvocable(f"what goes to the function is no JSON: {error}")
    function, connection = ready.integration.function, wanted.connection
    return Invoke(number, function, payload.encode(), connection.id, wanted.route.key)


def _answer(mock: ReadyMock, event: dict[str, Any]) -> Outcome:
    """Answer as the request template's `statusCode` says; a status without a template has no body.

    The answer has the shape of a function's result, so that status and body count alike.
    """
    try:
        status = msgspec_json.decode(render(mock.request, event))["statusCode"]
    except (DecodeError, LookupError, TypeError):
        return _NO_STATUS
    if isinstance(status, bool) or not isinstance(status, int):
        return _NO_STATUS
    result: dict[str, object] = {"statusCode": status}
    if (template := _response(mock.responses, str(status))) is not None:
        result["body"] = render(template, event)
    return Returned(msgspec_json.encode(result))


def _responses(
    texts: dict[str, str], *, sources: frozenset[str] | None = None
) -> dict[str, Template]:
    """Read the templates of answers; with `sources`, references to others are refused."""
    responses = {_checked(key): parse_template(text) for key, text in texts.items()}
    for template in responses.values():
        for part in template:
            if sources and isinstance(part, Reference) and part.source not in sources:
                raise MappingError(
                    f"a response template refers to {part.source}; over a function's answer only "
                    "$input.body, $input.json('$.path') and $input.path('$.path') are carried out"
                )
    return responses


def _response(responses: dict[str, Template], status: str) -> Template | None:
    r"""Find the template of a status: its own, that of a pattern such as `/2\d\d/`, `$default`."""
    if status in responses:
        return responses[status]
    for key, template in responses.items():
        if _is_pattern(key) and re.fullmatch(key[1:-1], status):
            return template
    return responses.get(DEFAULT)


def _call(ready: ReadyHttp, number: int, wanted: "Wanted") -> CallHttp:
    """Make the request to an HTTP backend: the message is its body.

    A client's headers and query are there at `$connect` only, as recorded on AWS; a message has
    neither (B-120). What a backend needs of the context, its parameters give it.
    """
    event = msgspec_json.decode(wanted.event)
    api_id = event["requestContext"]["apiId"]
    event_type = event["requestContext"]["eventType"]
    headers = {"User-Agent": [f"AmazonAPIGateway_{api_id}"], "x-amzn-apigateway-api-id": [api_id]}
    query: dict[str, list[str]] = {}
    if event_type == "CONNECT":
        query |= event.get("multiValueQueryStringParameters", {})
        given = event["multiValueHeaders"].items()
        headers |= {name: values for name, values in given if name not in _KEPT_BACK}
    elif event_type == "MESSAGE":
        headers["Content-Type"] = ["application/json"]
    url = _STAGE_VARIABLE.sub(
        lambda found: event.get("stageVariables", {}).get(found[1], ""), ready.integration.url
    )
    for part, name, source in ready.parameters:
        value = source if isinstance(source, str) else resolve(source, event)
        if part == "path":
            url = url.replace(f"{{{name}}}", quote(value, safe=""))
        else:
            (query if part == "querystring" else headers)[name] = [value]
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query, doseq=True)
    method = ready.integration.method.upper()
    return CallHttp(
        number,
        "POST" if method == "ANY" else method,
        url,
        tuple((name, value) for name, values in headers.items() for value in values),
        event.get("body", "").encode(),
        wanted.connection.id,
        wanted.route.key,
        wanted.route.integration_timeout_s,
        wanted.handshake_id,
    )


def _parameter(target: str, source: str) -> tuple[str, str, str | Reference]:
    found = _PARAMETER.fullmatch(target)
    if found is None:
        raise MappingError(
            f"the request parameter {target!r} can't be set; use integration.request.header.NAME, "
            "integration.request.querystring.NAME or integration.request.path.NAME"
        )
    return found[1], found[2], parse_parameter(source)


def _checked(key: str) -> str:
    """Return the key of a response. Raises MappingError for a pattern that is none."""
    if _is_pattern(key):
        try:
            re.compile(key[1:-1])
        except re.error as error:
            raise MappingError(f"the response key {key!r} is no pattern: {error}") from error
    return key


def _is_pattern(key: str) -> bool:
    return len(key) > 1 and key.startswith("/") and key.endswith("/")
