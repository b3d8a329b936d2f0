"""What every runtime client does alike: ours for Python and Node, and AWS's own for Python."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from gatepost.gateway.core.deployment import Function
from gatepost.gateway.core.inputs import Failed, Returned
from gatepost.gateway.runner.invocation import Caller
from gatepost.gateway.runner.pool import WorkerRunner
from tests.contract.runtime_clients import all_clients, interpreter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from gatepost.gateway.core.inputs import Outcome
    from gatepost.gateway.runner.output import Output
    from tests.conftest import Eventually
    from tests.contract.runtime_clients import Client

    Invoke = Callable[..., Awaitable[Outcome]]
    Start = Callable[..., Awaitable[WorkerRunner]]

NAME = "chat"


@pytest.fixture(params=all_clients())
def client(request: pytest.FixtureRequest) -> Client:
    """Give each client that is here."""
    found: Client = request.param
    return found


@pytest.fixture
def outputs() -> list[Output]:
    """Collect what the functions print."""
    return []


@pytest.fixture
async def start(
    client: Client, outputs: list[Output], tmp_path: Path
) -> AsyncIterator[Callable[..., Awaitable[WorkerRunner]]]:
    """Start one function, by its handler string; close it in the end."""
    started = []

    async def make(handler: str, **changes: Any) -> WorkerRunner:  # noqa: ANN401
        fields = {"environment": {"OWN": "1", "AWS_REGION": "eu-west-1"}, **changes}
        function = Function(
            name=NAME,
            handler=handler,
            runtime=client.runtime,
            code_root=client.code_root,
            **fields,
        )
        python = interpreter(client, tmp_path)
        runner = WorkerRunner({NAME: function}, python=python, on_output=outputs.append)
        started.append(runner)
        await runner.start()
        return runner

    yield make
    for runner in started:
        await runner.close()


async def returned(runner: WorkerRunner, event: object = None) -> Any:  # noqa: ANN401 - any JSON
    """Invoke, and give what the handler returned."""
    outcome = await runner.invoke(NAME, json.dumps(event).encode())
    assert isinstance(outcome, Returned), outcome
    return json.loads(outcome.payload)


async def failed(runner: WorkerRunner, event: object = None) -> Failed:
    """Invoke, and give the failure."""
    outcome = await runner.invoke(NAME, json.dumps(event).encode())
    assert isinstance(outcome, Failed), outcome
    return outcome


async def test_what_the_handler_returns_is_the_outcome(start: Start) -> None:
    """Text of any script survives both ways, and the next event is served."""
    runner = await start("app.echo")
    text = {"body": "grüezi 👋 \u2028", "nested": [1, None, {"a": 0.5}]}
    events: list[object] = [text, [], "text", None]
    for event in events:
        assert await returned(runner, event) == event


async def test_a_handler_that_returns_nothing_gives_null(start: Start) -> None:
    """B-182: nothing returned is the JSON document null, not a failure."""
    assert await returned(await start("app.nothing")) is None


async def test_module_state_outlives_an_invocation(start: Start) -> None:
    """As in Lambda's warm environments."""
    runner = await start("app.count")
    assert [await returned(runner) for _ in range(3)] == [1, 2, 3]


async def test_a_handler_in_a_folder_is_found(start: Start) -> None:
    """'/' leads into folders; the last part names the function."""
    assert await returned(await start("nested/inner.handler")) == "nested"


async def test_an_error_is_a_failure_with_type_and_message(start: Start) -> None:
    """And the process goes on to serve."""
    runner = await start("app.raises")
    for _ in range(2):
        failure = await failed(runner)
        assert (failure.error_type, failure.message) == ("OwnError", "no such channel: grüezi")
        assert any("raises" in line for line in failure.stack_trace)


async def test_what_json_cant_express_is_a_failure(start: Start) -> None:
    """A value that holds itself; the process goes on to serve."""
    runner = await start("app.unserialisable")
    for _ in range(2):
        await failed(runner)


async def test_a_handler_that_ends_its_process_fails_its_invocation(start: Start) -> None:
    """With the exit status; the next invocation gets a new process."""
    runner = await start("app.exits")
    for _ in range(2):
        failure = await failed(runner)
        assert failure.error_type == "Runtime.ExitError"
        assert failure.message.endswith("Runtime exited with error: exit status 3")


async def test_a_handler_past_its_timeout_is_killed_and_the_next_event_is_served(
    start: Start,
) -> None:
    """Whatever it waits for."""
    runner = await start("app.sleeps", timeout_s=1.0)
    failure = await failed(runner, {"s": 60})
    assert failure.error_type == "Sandbox.Timedout"
    assert await returned(runner, {"s": 0}) == "slept"


async def test_a_response_over_six_megabytes_fails(start: Start) -> None:
    """Lambda's limit; the client survives the refusal."""
    runner = await start("app.large", timeout_s=30.0)
    assert (await failed(runner, {"bytes": 7_000_000})).error_type.endswith("TooLarge")
    assert await returned(runner, {"bytes": 3}) == "xxx"


async def test_what_is_printed_arrives_line_by_line(
    start: Start, outputs: list[Output], eventually: Eventually
) -> None:
    """Standard output and errors are told apart."""
    runner = await start("app.prints")
    await returned(runner)
    await runner.close()
    wanted = {
        ("stdout", "to stdout: grüezi"),
        ("stdout", "two"),
        ("stdout", "lines"),
        ("stderr", "to stderr"),
    }
    await eventually(lambda: wanted <= {(output.stream, output.line) for output in outputs})


async def test_the_context_says_what_lambdas_says(start: Start, client: Client) -> None:
    """Request ids are unique; ARN, remaining time, deadline, log names and trace are there."""
    runner = await start("app.show_context", memory_mb=256, timeout_s=5.0)
    shown = await returned(runner)
    assert shown["request_id"] != (await returned(runner))["request_id"]
    assert 0 < shown.pop("remaining_ms") <= 5000
    assert len(shown.pop("request_id")) == 36
    assert "/[$LATEST]" in shown.pop("log_stream")
    assert shown.pop("trace_id").startswith("Root=1-")
    assert shown == {
        "name": NAME,
        "version": "$LATEST",
        "arn": f"arn:aws:lambda:eu-west-1:123456789012:function:{NAME}",
        "memory": "256",
        "log_group": f"/aws/lambda/{NAME}",
        "cwd": str(client.code_root),
        "variable": "1",
    }


async def test_the_context_says_who_called(start: Start) -> None:
    """What a caller of Lambda's Invoke says of itself; of any other nothing is known."""
    runner = await start("app.show_client")
    said = {"custom": {"room": "1"}, "env": {"os": "x"}, "client": {"app_title": "shop"}}
    caller = Caller(client_context=json.dumps(said))
    outcome = await runner.invoke(NAME, b"{}", caller)
    assert isinstance(outcome, Returned)
    assert json.loads(outcome.payload) == [{"room": "1"}, {"os": "x"}, "shop"]
    assert await returned(runner) is None


async def test_a_caller_gets_the_log_of_its_own_invocation(start: Start) -> None:
    """All of it before the outcome, and nothing of the invocations before and after."""
    runner = await start("app.prints_its_number")

    async def logged(number: int) -> list[str]:
        log: list[str] = []
        outcome = await runner.invoke(NAME, json.dumps(number).encode(), Caller(on_log=log.append))
        assert isinstance(outcome, Returned)
        return log.copy()

    for number, log in enumerate(await asyncio.gather(*map(logged, range(30)))):
        begin, *printed, end, report = log
        assert sorted(printed) == [f"error {number}", f"number {number}"]
        request_id = begin.removeprefix("START RequestId: ").removesuffix(" Version: $LATEST")
        assert end == f"END RequestId: {request_id}"
        assert report.startswith(f"REPORT RequestId: {request_id}\tDuration: ")


async def test_the_log_of_a_failed_invocation_tells_why(start: Start) -> None:
    """The trace that the runtime prints is in it."""
    runner = await start("app.raises")
    log: list[str] = []
    await runner.invoke(NAME, b"{}", Caller(on_log=log.append))
    assert "no such channel" in "".join(log[1:-2])


@pytest.mark.parametrize(
    ("handler", "kind", "word"),
    [
        ("missing_import.handler", "Runtime.ImportModuleError", "no.such.package"),
        ("absent/file.handler", "Runtime.ImportModuleError", "absent"),
        ("bad_syntax.handler", "Runtime.UserCodeSyntaxError", ""),
        ("app.absent", "Runtime.HandlerNotFound", "absent"),
        ("noname", "Runtime.MalformedHandlerName", "noname"),
        ("raises_at_load.handler", "KeyError", "NO_SUCH_VARIABLE"),
        ("exits_at_load.handler", "Runtime.ExitError", "exit status 7"),
    ],
)
async def test_a_handler_that_cant_be_loaded_fails_each_invocation_with_lambdas_type(
    start: Start, handler: str, kind: str, word: str
) -> None:
    """At once, without a new process."""
    runner = await start(handler)
    for _ in range(2):
        failure = await failed(runner)
        assert failure.error_type == kind
        assert not word or re.search(word, failure.message)
    assert runner.pids() == {NAME: []}
