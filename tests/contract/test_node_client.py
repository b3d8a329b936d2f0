"""What is particular to Node handlers; what they share with others is in test_runtime_clients."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.deployment import Function
from gatepost.gateway.core.inputs import Failed, Returned
from gatepost.gateway.runner.pool import WorkerRunner
from tests.contract.runtime_clients import FIXTURES
from tests.orphaned_workers import outliving_workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from gatepost.gateway.core.inputs import Outcome
    from gatepost.gateway.runner.output import Output
    from tests.conftest import Eventually

    Invoke = Callable[..., Awaitable[Outcome]]

pytestmark = pytest.mark.node

ROOT = FIXTURES / "node"


@pytest.fixture
def outputs() -> list[Output]:
    """Collect what the functions print."""
    return []


@pytest.fixture
async def invoke(outputs: list[Output]) -> AsyncIterator[Invoke]:
    """Invoke a handler of the fixtures; each call has a runner of its own or the one before."""
    runners: dict[tuple[str, str, float], WorkerRunner] = {}

    async def run(
        handler: str, event: object = None, *, runtime: str = "nodejs22.x", timeout_s: float = 10.0
    ) -> Outcome:
        name = handler if "." in handler else f"handlers.{handler}"
        key = (name, runtime, timeout_s)
        if key not in runners:
            function = Function("chat", name, runtime, ROOT, timeout_s=timeout_s)
            runners[key] = WorkerRunner(
                {"chat": function}, python=ROOT / "no-python", on_output=outputs.append
            )
            await runners[key].start()
        return await runners[key].invoke("chat", json.dumps(event).encode())

    yield run
    for runner in runners.values():
        await runner.close()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Give the address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("handler", "runtime", "payload"),
    [
        ("succeeds", "nodejs20.x", b'"succeeded"'),
        ("done", "nodejs22.x", b'"done"'),
        ("plain", "nodejs22.x", b"null"),
        ("plain", "nodejs24.x", b'"ignored up to Node.js 22"'),
        ("never_settles", "nodejs22.x", b"null"),
        ("handlers.api.rooms.handler", "nodejs24.x", b'"nested"'),
        ("module.handler", "nodejs24.x", b"true"),
        ("modern/common.handler", "nodejs24.x", b'"/"'),
        ("modern/deep.handler", "nodejs24.x", b'"a module"'),
    ],
)
async def test_each_kind_of_handler_returns_what_it_does_on_lambda(
    invoke: Invoke, handler: str, runtime: str, payload: bytes
) -> None:
    """Both kinds of modules, nested exports, and every way to give a result, twice each."""
    for _ in range(2):
        assert await invoke(handler, runtime=runtime) == Returned(payload)


async def test_a_plain_function_is_told_that_its_value_is_ignored(
    invoke: Invoke, outputs: list[Output], eventually: Eventually
) -> None:
    """It takes an hour to find otherwise."""
    await invoke("plain")
    await eventually(lambda: any("ignores what it returns" in output.line for output in outputs))


async def test_a_callback_waits_until_the_event_loop_is_empty(invoke: Invoke) -> None:
    """What the handler has set going still happens before the response."""
    assert await invoke("calls_back") == Returned(b'"before"')
    assert await invoke("calls_back") == Returned(b'"after"')


async def test_a_callback_need_not_wait(invoke: Invoke) -> None:
    """`context.callbackWaitsForEmptyEventLoop = false` answers at once."""
    assert await invoke("calls_back_at_once") == Returned(b'"at once"')


async def test_callbacks_are_refused_from_node_24_on(invoke: Invoke) -> None:
    """As Lambda does, before the first event."""
    outcome = await invoke("calls_back", runtime="nodejs24.x")
    assert isinstance(outcome, Failed)
    assert outcome.error_type == "Runtime.CallbackHandlerDeprecated"
    assert "make it an async function" in outcome.message


@pytest.mark.parametrize(
    ("handler", "failure"),
    [
        ("calls_back_with_error", Failed("RangeError", "called back")),
        ("fails", Failed("RangeError", "failed")),
        ("throws", Failed("RangeError", "thrown")),
        ("throws_text", Failed("string", "text")),
        ("rejects_unheard", Failed("Runtime.UnhandledPromiseRejection", "RangeError: unheard")),
        ("throws_later", Failed("RangeError", "later")),
    ],
)
async def test_each_kind_of_error_fails_its_invocation(
    invoke: Invoke, handler: str, failure: Failed
) -> None:
    """Also one that nobody caught; the next invocation is served by a new process."""
    for _ in range(2):
        outcome = await invoke(handler)
        assert isinstance(outcome, Failed)
        assert (outcome.error_type, outcome.message) == (failure.error_type, failure.message)


async def test_an_error_is_printed_with_its_place(
    invoke: Invoke, outputs: list[Output], eventually: Eventually
) -> None:
    """The stack begins in the handler's file."""
    await invoke("throws")
    await eventually(lambda: any("RangeError: thrown" in output.line for output in outputs))
    await eventually(lambda: any("handlers.js" in output.line for output in outputs))


async def test_typescript_alone_is_refused_with_what_to_do(invoke: Invoke) -> None:
    """Lambda runs what the build makes of it."""
    outcome = await invoke("typed/chat.handler")
    assert isinstance(outcome, Failed)
    assert outcome.error_type == "Runtime.ImportModuleError"
    assert "'typed/chat' is TypeScript only" in outcome.message
    assert "compile it first" in outcome.message


@pytest.mark.parametrize("handler", ["sdk_required.handler", "sdk_imported.handler"])
async def test_a_missing_aws_sdk_is_refused_with_how_to_install_it(
    invoke: Invoke, handler: str
) -> None:
    """Lambda's Node brings it along, so that projects rarely list it."""
    outcome = await invoke(handler)
    assert isinstance(outcome, Failed)
    assert outcome.error_type == "Runtime.ImportModuleError"
    advice = (
        "Lambda brings it along; here the project must have it: "
        "npm install --save-dev @aws-sdk/client-nowhere "
    )
    assert advice in outcome.message


async def test_a_handler_past_its_timeout_tells_what_it_waits_for(
    invoke: Invoke, outputs: list[Output], eventually: Eventually
) -> None:
    """The kinds of what keeps its event loop going."""
    outcome = await invoke("waits", timeout_s=1.0)
    assert isinstance(outcome, Failed)
    await eventually(lambda: any("waits for: " in output.line for output in outputs))
    assert any("Timeout" in output.line for output in outputs)


@pytest.mark.parametrize(
    ("handler", "what"),
    [
        ("forgets_a_request", "an HTTP request in flight"),
        ("forgets_a_fetch", "an HTTP request in flight"),
        ("forgets_a_timer", "a timer set"),
    ],
)
async def test_what_a_handler_does_not_await_is_told_once(
    *, invoke: Invoke, outputs: list[Output], silent_server: str, handler: str, what: str
) -> None:
    """Lambda would freeze it: the request goes out with the next invocation, or never."""
    for _ in range(2):
        assert await invoke(handler, {"url": silent_server}) == Returned(b'"returned"')
    warnings = [output.line for output in outputs if output.stream == "warning"]
    assert len(warnings) == 1
    assert warnings[0].startswith("Lambda would freeze this: ")
    assert what in warnings[0]


async def test_what_a_handler_awaits_is_not_told(invoke: Invoke, outputs: list[Output]) -> None:
    """A request that was answered, its kept connection, and a timer that has passed."""
    for _ in range(3):
        assert await invoke("awaits_all") == Returned(b'"ok"')
    assert [output for output in outputs if output.stream == "warning"] == []


def test_workers_exit_by_themselves_when_their_runner_is_killed() -> None:
    """Also one whose handler holds the interpreter."""
    assert outliving_workers(ROOT, runtime="nodejs22.x", idle="state", within_s=10) == []


SDK_2 = {
    "package.json": '{"name": "aws-sdk", "version": "2.0.0", "main": "lib/aws.js"}',
    # As in the real one, the parts load the core while it is still loading itself.
    "lib/core.js": """
        const AWS = {};
        module.exports = AWS;
        require("./service");
        AWS.config = {};
    """,
    "lib/service.js": "require('./core');",
    "lib/aws.js": "module.exports = require('./core');",
}
ASKS_SDK_2 = {
    "app.js": "const { config } = require('aws-sdk'); exports.handler = async () => config;",
    "app.mjs": "import AWS from 'aws-sdk'; export const handler = async () => AWS.config;",
}


@pytest.mark.parametrize("app", ASKS_SDK_2)
async def test_version_2_of_the_sdk_is_pointed_at_the_endpoints_of_the_environment(
    tmp_path: Path, outputs: list[Output], app: str
) -> None:
    """It doesn't read them itself, and would call AWS; loading it warns of nothing."""
    sdk = tmp_path / "node_modules/aws-sdk"
    (sdk / "lib").mkdir(parents=True)
    for name, text in SDK_2.items():
        (sdk / name).write_text(text)
    (tmp_path / app).write_text(ASKS_SDK_2[app])
    environment = {
        "AWS_ENDPOINT_URL": "http://localhost:1",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:2",
    }
    function = Function("f", "app.handler", "nodejs20.x", tmp_path, environment=environment)
    runner = WorkerRunner({"f": function}, python=ROOT / "no-python", on_output=outputs.append)
    await runner.start()
    try:
        outcome = await runner.invoke("f", b"{}")
    finally:
        await runner.close()
    assert isinstance(outcome, Returned)
    assert json.loads(outcome.payload) == {
        "endpoint": "http://localhost:1",
        "dynamodb": {"endpoint": "http://localhost:2"},
    }
    assert not [output.line for output in outputs if "Warning" in output.line]
