"""Lambda's Invoke on the HTTP port: `lambda.invoke` of handlers and SDKs.

Source: AWS Lambda API Reference, Invoke; Developer Guide, "How Lambda handles errors and retries
with asynchronous invocation". Signatures are not checked; versions and aliases do not exist.
"""

import asyncio
import base64
import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web
from msgspec import json as msgspec_json

from gatepost.emulator.callers import check_caller
from gatepost.gateway.core.commands import Report
from gatepost.gateway.core.deployment import Deployment, Function
from gatepost.gateway.core.inputs import Failed, NotInvocable, Outcome, Returned
from gatepost.gateway.runner.invocation import Caller, DirectInvoker

PATH: Final = "/2015-03-31/functions/{name}/invocations"
SYNC_BYTES_MAX: Final = 6_291_456
ASYNC_BYTES_MAX: Final = 1_048_576
CLIENT_CONTEXT_BYTES_MAX: Final = 3583
LOG_TAIL_BYTES: Final = 4096
DEAD_LETTER_LENGTH: Final = 200
"""So much of a dead letter is told."""
RETRY_MINUTE_S: Final = 1.0
"""How long one of the minutes lasts here that Lambda waits between asynchronous retries."""

_NAME: Final = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:[a-z]{2}(?:-[a-z]+)+-\d:)?(?:\d{12}:)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)


class LambdaApi:
    """Invokes the functions of a deployment for whoever asks on the HTTP port.

    `host` is what the port listens on. An asynchronous invocation that fails is tried again
    `Function.retry_attempts` times, after one and then two minutes of `retry_minute_s` each, but
    not when it would be too old by then; what is given up is reported.
    """

    def __init__(
        self,
        deployment: Deployment,
        invoker: DirectInvoker,
        *,
        host: str,
        on_report: Callable[[Report], None],
        retry_minute_s: float = RETRY_MINUTE_S,
    ) -> None:
        self._deployment = deployment
        self._invoker = invoker
        self._host = host
        self._on_report = on_report
        self._retry_minute_s = retry_minute_s
        self._running: set[asyncio.Task[None]] = set()

    def add_to(self, application: web.Application) -> None:
        """Serve Invoke at its path, until the application is cleaned up."""
        application.router.add_post(PATH, self._invoke)
        application.on_cleanup.append(self._give_up)

    async def _give_up(self, _: web.Application) -> None:
        """End asynchronous invocations that still run or wait for a retry."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _invoke(self, request: web.Request) -> web.Response:
        check_caller(request, self._host)
        try:
            function = self._function(request)
            kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
            payload = await _payload(
                request, ASYNC_BYTES_MAX if kind == "Event" else SYNC_BYTES_MAX
            )
        except _RefusedError as refused:
            return refused.answer()
        match kind:
            case "DryRun":
                return _answer(204)
            case "Event":
                task = asyncio.create_task(self._try_again_and_again(function, payload))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                return _answer(202)
            case "RequestResponse":
                return await self._answered(function, payload, request)
        text = f"Unknown invocation type {kind}"
        return _RefusedError(400, "InvalidParameterValueException", text).answer()

    def _function(self, request: web.Request) -> Function:
        asked = request.match_info["name"]
        named = _NAME.fullmatch(asked)
        if named is None:
            raise _RefusedError(400, "ValidationException", f"Invalid function name: {asked}")
        qualifier = request.query.get("Qualifier") or named["qualifier"] or "$LATEST"
        function = self._deployment.functions.get(named["name"])
        if function is None or qualifier != "$LATEST":
            deployment = self._deployment
            arn = (
                f"arn:aws:lambda:{deployment.region}:{deployment.account_id}:function:"
                f"{named['name']}{'' if qualifier == '$LATEST' else f':{qualifier}'}"
            )
            raise _RefusedError(404, "ResourceNotFoundException", f"Function not found: {arn}")
        return function

    async def _answered(
        self, function: Function, payload: bytes, request: web.Request
    ) -> web.Response:
        try:
            client_context = _client_context(request)
        except _RefusedError as refused:
            return refused.answer()
        tail = _LogTail() if request.headers.get("X-Amz-Log-Type") == "Tail" else None
        caller = Caller(client_context, tail.add if tail else None)
        started = time.perf_counter()
        outcome = await self._invoker.invoke(function.name, payload, caller)
        match outcome:
            case Returned(payload=result):
                answer = _answer(200, result)
            case Failed():
                answer = _answer(200, _error(outcome), **{"X-Amz-Function-Error": "Unhandled"})
            case _:
                answer = _RefusedError(429, "TooManyRequestsException", _failure(outcome)).answer()
        if tail is not None:
            answer.headers["X-Amz-Log-Result"] = tail.encoded()
        self._report(function, answer.status, _failure(outcome), started)
        return answer

    async def _try_again_and_again(self, function: Function, payload: bytes) -> None:
        started = time.perf_counter()
        age_s = 0.0  # as it would be on AWS, where minutes last longer
        for attempt in range(1, function.retry_attempts + 2):
            began = time.perf_counter()
            outcome = await self._invoker.invoke(function.name, payload)
            if isinstance(outcome, Returned):
                self._report(function, 202, "", started)
                return
            minutes = min(attempt, 2)
            age_s += time.perf_counter() - began + 60 * minutes
            if attempt > function.retry_attempts or age_s > function.event_age_s_max:
                break
            await asyncio.sleep(minutes * self._retry_minute_s)
        detail = f"given up after {attempt} attempt{'s' if attempt > 1 else ''}"
        if attempt <= function.retry_attempts:
            detail += f", as it would be older than {function.event_age_s_max} s"
        detail += f": {_failure(outcome)}"
        if function.dead_letters:
            detail += f"; dead letter: {_excerpt(payload)}"
        self._report(function, 500, detail, started)

    def _report(self, function: Function, status: int, detail: str, started: float) -> None:
        deployment = self._deployment
        short = function.name.removeprefix(f"{deployment.service}-{deployment.stage}-")
        duration_ms = (time.perf_counter() - started) * 1000
        self._on_report(Report("invoke", None, short, status, duration_ms, detail))


class _LogTail:
    """The last LOG_TAIL_BYTES of an invocation's log."""

    def __init__(self) -> None:
        self._kept = b""

    def add(self, line: str) -> None:
        self._kept = (self._kept + line.encode() + b"\n")[-LOG_TAIL_BYTES:]

    def encoded(self) -> str:
        return base64.b64encode(self._kept).decode()


class _RefusedError(Exception):
    """An error of the Lambda API: its status, type and text."""

    def __init__(self, status: int, error_type: str, text: str) -> None:
        super().__init__(text)
        self._status = status
        self._error_type = error_type

    def answer(self) -> web.Response:
        body = msgspec_json.encode({"Type": "User", "Message": str(self)})
        return _answer(self._status, body, **{"x-amzn-ErrorType": self._error_type})


async def _payload(request: web.Request, bytes_max: int) -> bytes:
    """Read the event: JSON, or nothing, which stands for an empty object."""
    try:
        payload = await request.read()
    except web.HTTPRequestEntityTooLarge:
        payload = None
    if payload is None or len(payload) > bytes_max:
        text = f"Request must be smaller than {bytes_max} bytes for the InvokeFunction operation"
        raise _RefusedError(413, "RequestTooLargeException", text)
    try:
        msgspec_json.decode(payload or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        text = f"Could not parse request body into json: {error}"
        raise _RefusedError(400, "InvalidRequestContentException", text) from error
    return payload or b"{}"


def _client_context(request: web.Request) -> str:
    """Read what the caller says of itself, for synchronous invocations only; ASCII, or empty."""
    encoded = request.headers.get("X-Amz-Client-Context", "")
    if len(encoded) > CLIENT_CONTEXT_BYTES_MAX:
        text = f"Client context must be at most {CLIENT_CONTEXT_BYTES_MAX} bytes."
        raise _RefusedError(400, "InvalidRequestContentException", text)
    if not encoded:
        return ""
    try:
        given = json.loads(base64.b64decode(encoded, validate=True))
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        text = "Client context must be a valid Base64-encoded JSON object."
        raise _RefusedError(400, "InvalidRequestContentException", text)
    return json.dumps(given)


def _answer(status: int, body: bytes = b"", **headers: str) -> web.Response:
    if status in (200, 202):
        headers["X-Amz-Executed-Version"] = "$LATEST"
    headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return web.Response(status=status, body=body, headers=headers, content_type="application/json")


def _error(failed: Failed) -> bytes:
    """Return a failure as the runtime reported it."""
    told: dict[str, object] = {"errorMessage": failed.message, "errorType": failed.error_type}
    if failed.stack_trace:
        told["stackTrace"] = failed.stack_trace
    return msgspec_json.encode(told)


def _excerpt(payload: bytes) -> str:
    text = payload.decode(errors="replace")
    return text if len(text) <= DEAD_LETTER_LENGTH else f"{text[:DEAD_LETTER_LENGTH]}…"


def _failure(outcome: Outcome) -> str:
    match outcome:
        case Failed(error_type=error_type, message=message):
            return f"{error_type}: {message}"
        case NotInvocable(message=message):
            return message
        case _:
            return ""
