"""What runs in a worker process: a Lambda runtime for Python in one standard-library file.

It is run by path in the project's interpreter (Python 3.9 or newer), imports nothing of gatepost,
and speaks the Lambda Runtime API (2018-06-01) to the runner: take an event, call the handler, post
what it returned or raised. What a handler can see of it (context, logging, errors, import rules)
follows AWS's own Python runtime. Starting, timing and ending the process is the runner's business.

    python -u bootstrap.py [LIFELINE_FD]

The optional descriptor is the read end of a pipe that the runner holds open: when it ends, the
runner has died, and this process ends as well, whatever its handler is doing.
"""

from __future__ import annotations

import contextlib
import decimal
import faulthandler
import importlib
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
import types
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING, Any, Callable, Dict, NamedTuple, NoReturn  # noqa: UP035 - 3.9

if TYPE_CHECKING:
    from types import TracebackType

API = "/2018-06-01/runtime"
FRESH_S = 2.0
"""Sources younger than this are compiled without a cache: a .pyc knows them by second and size."""
ORPHAN_GRACE_S = 0.3
"""How long a worker without runner may take to leave in good order."""

Headers = Dict[bytes, bytes]  # noqa: UP006 - evaluated at run time, on 3.9 too
Handler = Callable[[Any, "Context"], Any]


class InitError(Exception):
    """The handler could not be loaded; `kind` is Lambda's error type, `trace` what to show."""

    def __init__(self, kind: str, message: str, trace: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace


class Facts(NamedTuple):
    """What a context says about its function, the same for every invocation."""

    function_name: str
    function_version: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str

    @classmethod
    def of(cls, environment: os._Environ[str] | dict[str, str]) -> Facts:
        """Read from the variables that Lambda sets."""
        return cls(
            function_name=environment["AWS_LAMBDA_FUNCTION_NAME"],
            function_version=environment["AWS_LAMBDA_FUNCTION_VERSION"],
            memory_limit_in_mb=environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
            log_group_name=environment["AWS_LAMBDA_LOG_GROUP_NAME"],
            log_stream_name=environment["AWS_LAMBDA_LOG_STREAM_NAME"],
        )


class Context:
    """The handler's second argument, with the attributes and methods of Lambda's."""

    def __init__(
        self, facts: Facts, *, request_id: str, arn: str, deadline_ms: int, client: bytes = b""
    ) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = facts.function_name
        self.function_version = facts.function_version
        self.memory_limit_in_mb = facts.memory_limit_in_mb
        self.log_group_name = facts.log_group_name
        self.log_stream_name = facts.log_stream_name
        self.identity = _fields({}, "cognito_identity_id cognito_identity_pool_id")
        self.client_context = client_context(client)
        self.tenant_id = None
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout, never negative."""
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message: object) -> None:
        """Write to the function's log, as it stands."""
        sys.stdout.write(str(message))


def client_context(text: bytes) -> types.SimpleNamespace | None:
    """Give what the caller of Lambda's Invoke said of itself in JSON, None if it said nothing."""
    given = _fields(json.loads(text or b"null"), "custom env client")
    if given is not None:
        names = "installation_id app_title app_version_name app_version_code app_package_name"
        given.client = _fields(given.client, names)
    return given


def _fields(given: dict[str, object] | None, names: str) -> types.SimpleNamespace | None:
    if given is None:
        return None
    return types.SimpleNamespace(**{name: given.get(name) for name in names.split()})


def load_handler(handler: str, root: str) -> Handler:
    """Find the function that a handler string names, by the rules of Lambda's Python runtime.

    The last '.' splits off the function, '/' counts as '.'. Raises InitError, with a message that
    names the handler string, the folder it was looked up in, and the reason.
    """
    where = f"(handler '{handler}', looked up in {root})"
    module_name, dot, name = handler.rpartition(".")
    if not dot or not module_name or not name:
        raise InitError(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{handler}': it must read 'path/to/module.function' {where}",
            "",
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error} {where}"
        raise InitError("Runtime.UserCodeSyntaxError", message, shown(error)) from error
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error} {where}{_hint(error)}"
        raise InitError("Runtime.ImportModuleError", message, shown(error)) from error
    except Exception as error:
        message = f"Module '{module_name}' raised {type(error).__name__}: {error} {where}"
        raise InitError(type(error).__name__, message, shown(error)) from error
    found = getattr(module, name, None)
    if not callable(found):
        state = "missing on" if found is None else "not callable on"
        message = f"Handler '{name}' {state} module '{module_name}' {where}"
        raise InitError("Runtime.HandlerNotFound", message, "")
    return found  # type: ignore[no-any-return]


def _hint(error: ImportError) -> str:
    """Say what to do about a package that Lambda brings along and this interpreter lacks."""
    package = (error.name or "").partition(".")[0]
    if package not in {"boto3", "botocore"}:
        return ""
    return f"; Lambda has {package} installed, here: {sys.executable} -m pip install boto3"


def encode(result: object) -> bytes:
    """Turn a handler's result into the payload. Raises TypeError or ValueError if it can't be."""
    return result if isinstance(result, bytes) else _ENCODER.encode(result).encode()


def _encode_other(value: object) -> float:
    if isinstance(value, decimal.Decimal):
        integral = value.is_finite() and value == value.to_integral_value()
        return int(value) if integral else float(value)
    if isinstance(value, types.CoroutineType):
        value.close()
        raise TypeError("an async def returned a coroutine, which Lambda does not await")
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_encode_other)


def own_frames(error: BaseException) -> TracebackType | None:
    """Give the error's traceback without the frames of this file and of the import machinery."""
    frame = error.__traceback__
    while frame is not None and (
        frame.tb_frame.f_code.co_filename == __file__
        or "importlib" in frame.tb_frame.f_code.co_filename
    ):
        frame = frame.tb_next
    return frame


def shown(error: BaseException) -> str:
    """Give the traceback as it is printed, from the handler's own code on."""
    return "".join(traceback.format_exception(type(error), error, own_frames(error)))


def described(error: BaseException) -> dict[str, object]:
    """Give the error in the form that the Runtime API takes."""
    return {
        "errorType": type(error).__name__,
        # A message may hold what UTF-8 can't: half a surrogate pair of the text that it is about.
        "errorMessage": str(error).encode(errors="backslashreplace").decode(),
        "stackTrace": traceback.format_list(traceback.extract_tb(own_frames(error))),
    }


def call(handler: Handler, event: bytes, context: Context) -> tuple[bool, bytes]:
    """Run the handler: (True, its payload) or (False, the error as JSON), the trace printed.

    Only what is no Exception (SystemExit, KeyboardInterrupt) is raised.
    """
    try:
        result = handler(json.loads(event.decode()), context)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is its result
        sys.stderr.write(shown(error))
        return False, encode(described(error))
    try:
        return True, encode(result)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"Unable to marshal response: {error}"
        sys.stderr.write(f"Runtime.MarshalError: {message}\n")
        return False, encode({"errorType": "Runtime.MarshalError", "errorMessage": message})


class Client:
    """One kept connection to the Runtime API.

    Reads only what the runner writes: a status line, headers with Content-Length, a body. Sends an
    answer and the next request in one write.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._host = address.encode()
        self._next = b"GET %s/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n" % (
            API.encode(),
            self._host,
        )

    def next(self, posted: bytes = b"") -> tuple[Headers, bytes]:
        """Send what was to be posted, ask for the next event and wait for it."""
        self._socket.sendall(posted + self._next)
        if posted:
            self._answer()
        return self._answer()

    def post(self, posted: bytes) -> None:
        """Send, and wait until it was taken."""
        self._socket.sendall(posted)
        self._answer()

    def request(self, path: str, body: bytes, header: str = "") -> bytes:
        """Give the bytes of a POST; `header` is a whole line."""
        head = f"POST {API}{path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n{header}"
        return b"%sHost: %s\r\n\r\n%s" % (head.encode(), self._host, body)

    def _answer(self) -> tuple[Headers, bytes]:
        head, end, rest = self._received.partition(b"\r\n\r\n")
        while not end:
            self._receive()
            head, end, rest = self._received.partition(b"\r\n\r\n")
        headers = {}
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b": ")
            headers[name.lower()] = value
        missing = int(headers[b"content-length"]) - len(rest)
        if missing <= 0:
            cut = len(rest) + missing
            self._received = rest[cut:]
            return headers, rest[:cut]
        self._received = b""
        parts = [rest]
        while missing > 0:
            self._receive()
            parts.append(self._received[:missing])
            self._received, missing = self._received[missing:], missing - len(parts[-1])
        return headers, b"".join(parts)

    def _receive(self) -> None:
        data = self._socket.recv(262_144)
        if not data:
            raise ConnectionResetError("the runner closed the connection")
        self._received += data


class LogLine(logging.Formatter):
    """Lambda's log line: level, UTC time, request id, message, separated by tabs."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"
    request_id = ""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record under the request id of the running invocation."""
        record.aws_request_id = self.request_id
        return super().format(record)


def serve(client: Client, handler: Handler, log_line: LogLine) -> NoReturn:
    """Take events and answer them, until the runner closes the connection."""
    facts = Facts.of(os.environ)
    posted = b""
    while True:
        headers, event = client.next(posted)
        request_id = headers[b"lambda-runtime-aws-request-id"].decode()
        os.environ["_X_AMZN_TRACE_ID"] = headers[b"lambda-runtime-trace-id"].decode()
        log_line.request_id = request_id
        context = Context(
            facts,
            request_id=request_id,
            arn=headers[b"lambda-runtime-invoked-function-arn"].decode(),
            deadline_ms=int(headers[b"lambda-runtime-deadline-ms"]),
            client=headers.get(b"lambda-runtime-client-context", b""),
        )
        before = set(threading.enumerate())
        try:
            returned, payload = call(handler, event, context)
        except SystemExit as error:
            sys.stderr.write(shown(error))
            raise
        except BaseException as error:
            client.post(client.request(f"/invocation/{request_id}/error", encode(described(error))))
            raise
        path = f"/invocation/{request_id}/{'response' if returned else 'error'}"
        posted = client.request(path, payload, unfinished(before))


def unfinished(before: set[threading.Thread]) -> str:
    """Name in a header the threads that an invocation started and left; Lambda freezes them.

    Not among them: daemons and the workers of executors, which mostly wait for work.
    """
    if threading.active_count() <= len(before):
        return ""
    futures = sys.modules.get("concurrent.futures.thread")
    waiting = before.union(futures._threads_queues if futures else ())  # noqa: SLF001
    left = [one for one in threading.enumerate() if one not in waiting and not one.daemon]
    names = ascii(", ".join(thread.name for thread in left))
    return f"Gatepost-Unfinished: thread {names}\r\n" if left else ""


def watch_lifeline(descriptor: int) -> None:
    """End this process, and what its handlers started, when the runner has died."""
    while os.read(descriptor, 1):
        pass
    time.sleep(ORPHAN_GRACE_S)
    os.kill(0 if os.getpgrp() == os.getpid() else os.getpid(), signal.SIGKILL)


def skip_caching_fresh_sources() -> None:
    """Keep a file that is saved twice within a second from running as its first version."""
    write = SourceFileLoader.set_data

    def set_data(self: SourceFileLoader, path: str, data: bytes, **options: int) -> None:
        with contextlib.suppress(OSError):
            if time.time() - os.stat(self.path).st_mtime < FRESH_S:  # noqa: PTH116 - import cost
                return
        write(self, path, data, **options)

    SourceFileLoader.set_data = set_data  # type: ignore[assignment, method-assign]


def set_up_logging() -> LogLine:
    """Give the root logger Lambda's handler; the level stays WARNING, as there."""
    log_line = LogLine("[%(levelname)s]\t%(asctime)s\t%(aws_request_id)s\t%(message)s")
    log_line.converter = time.gmtime
    log_handler = logging.StreamHandler(sys.stdout)
    log_handler.setFormatter(log_line)
    logging.getLogger().addHandler(log_handler)
    return log_line


def main() -> NoReturn:
    """Load the handler and serve its events."""
    root = os.environ["LAMBDA_TASK_ROOT"]
    if os.path.realpath(sys.path[0]) == os.path.dirname(os.path.realpath(__file__)):  # noqa: PTH120
        del sys.path[0]
    sys.path.insert(0, root)
    if len(sys.argv) > 1:
        threading.Thread(target=watch_lifeline, args=(int(sys.argv[1]),), daemon=True).start()
    # The runner asks with this signal, at the function's timeout, where the handler is.
    faulthandler.register(signal.SIGUSR2, file=2, all_threads=False)
    skip_caching_fresh_sources()
    log_line = set_up_logging()
    client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load_handler(os.environ["_HANDLER"], root)
    except InitError as error:
        sys.stderr.write(error.trace)
        told = encode({"errorType": error.kind, "errorMessage": str(error)})
        header = f"Lambda-Runtime-Function-Error-Type: {error.kind}\r\n"
        client.post(client.request("/init/error", told, header))
        sys.exit(1)
    try:
        serve(client, handler, log_line)
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)


if __name__ == "__main__":
    main()
