"""What both runners do alike, and what is particular to the one in this process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import types
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.core.inputs import Failed, NotInvocable, Returned
from gatepost.gateway.runner.environment import UnsupportedRuntimeError
from gatepost.gateway.runner.invocation import Caller
from gatepost.gateway.runner.options import Limits, Options

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from gatepost.gateway.core.deployment import Function
    from gatepost.gateway.runner.in_process import InProcessRunner
    from gatepost.gateway.runner.output import Output
    from gatepost.gateway.runner.pool import WorkerRunner

    StartAny = Callable[..., Awaitable[WorkerRunner | InProcessRunner]]
    Start = Callable[..., Awaitable[InProcessRunner]]
    MakeFunction = Callable[..., Function]

EVENT = b"{}"


# What both do alike.


async def test_what_the_handler_returns_is_the_outcome(
    start_any: StartAny, function: MakeFunction
) -> None:
    """Text of any script survives both ways."""
    runner = await start_any(function("echo"))
    event = {"body": "grüezi 👋 \u2028", "nested": [1, None, {"a": 0.5}]}
    outcome = await runner.invoke("echo", json.dumps(event).encode())
    assert isinstance(outcome, Returned)
    assert json.loads(outcome.payload) == event


async def test_a_handler_that_returns_none_gives_null(
    start_any: StartAny, function: MakeFunction
) -> None:
    """Nothing returned is the JSON document null, not a failure (B-182)."""
    runner = await start_any(function("nothing"))
    assert await runner.invoke("nothing", EVENT) == Returned(b"null")


async def test_bytes_are_taken_as_they_are(start_any: StartAny, function: MakeFunction) -> None:
    """As in Lambda's runtime: bytes count as encoded already."""
    runner = await start_any(function("raw"))
    assert await runner.invoke("raw", EVENT) == Returned(b'{"already": "encoded"}')


async def test_decimals_are_numbers(start_any: StartAny, function: MakeFunction) -> None:
    """As in Lambda's runtime: what DynamoDB gives can be returned."""
    runner = await start_any(function("decimals"))
    assert await runner.invoke("decimals", EVENT) == Returned(b'{"whole": 3, "part": 0.5}')


async def test_an_exception_is_a_failure_with_its_type_and_message(
    start_any: StartAny, function: MakeFunction
) -> None:
    """A handler that raises fails its invocation, and the next one is served."""
    runner = await start_any(function("raises"))
    for _ in range(2):
        outcome = await runner.invoke("raises", EVENT)
        assert isinstance(outcome, Failed)
        assert (outcome.error_type, outcome.message) == ("ValueError", "no such channel")
        (frame,) = outcome.stack_trace
        assert "in raises\n" in frame


async def test_what_json_cant_express_is_a_marshal_error(
    start_any: StartAny, function: MakeFunction
) -> None:
    """Lambda's error type and wording."""
    runner = await start_any(function("unserialisable"))
    assert await runner.invoke("unserialisable", EVENT) == Failed(
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type set is not JSON serializable",
    )


async def test_an_async_handler_is_told_apart(
    start_any: StartAny, function: MakeFunction, tmp_path: Path
) -> None:
    """Lambda calls a plain function; a forgotten `async` should not take an hour to find."""
    (tmp_path / "module.py").write_text("async def handler(event, context):\n    return 1\n")
    runner = await start_any(function("module.handler", code_root=tmp_path))
    outcome = await runner.invoke("module.handler", EVENT)
    assert isinstance(outcome, Failed)
    assert "async def" in outcome.message


async def test_a_package_that_lambda_brings_along_is_named_with_what_to_do(
    start_any: StartAny, function: MakeFunction, tmp_path: Path
) -> None:
    """Many projects leave boto3 out of their environment, for Lambda has it."""
    (tmp_path / "module.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'boto3'\", name='boto3')\n"
    )
    runner = await start_any(function("module.handler", code_root=tmp_path))
    outcome = await runner.invoke("module.handler", EVENT)
    assert isinstance(outcome, Failed)
    assert "-m pip install boto3" in outcome.message


async def test_a_response_over_six_megabytes_fails(
    start_any: StartAny, function: MakeFunction
) -> None:
    """Lambda's limit for a synchronous response; one just below it passes."""
    runner = await start_any(function("large"))
    outcome = await runner.invoke("large", b'{"bytes": 6000000}')
    assert isinstance(outcome, Returned)
    assert len(outcome.payload) == 6_000_002
    outcome = await runner.invoke("large", b'{"bytes": 7000000}')
    assert isinstance(outcome, Failed)
    assert outcome.error_type == "Function.ResponseSizeTooLarge"
    outcome = await runner.invoke("large", b'{"bytes": 1}')
    assert outcome == Returned(b'"x"')


async def test_sys_exit_in_a_handler_fails_and_the_next_invocation_is_served(
    start_any: StartAny, function: MakeFunction
) -> None:
    """The runtime's end is an outcome like others."""
    runner = await start_any(function("exits"))
    for _ in range(2):
        outcome = await runner.invoke("exits", EVENT)
        assert isinstance(outcome, Failed)
        assert outcome.error_type == "Runtime.ExitError"


async def test_the_context_says_what_lambdas_says(
    start_any: StartAny, function: MakeFunction
) -> None:
    """Names, types and formats of the context object."""
    chat = function(
        "show_context", name="chat", memory_mb=256, environment={"AWS_REGION": "eu-central-1"}
    )
    runner = await start_any(chat)
    outcome = await runner.invoke("chat", EVENT)
    assert isinstance(outcome, Returned)
    shown = json.loads(outcome.payload)
    assert shown["function_name"] == "chat"
    assert shown["function_version"] == "$LATEST"
    assert shown["memory_limit_in_mb"] == "256"
    assert shown["invoked_function_arn"] == (
        "arn:aws:lambda:eu-central-1:123456789012:function:chat"
    )
    assert shown["log_group_name"] == "/aws/lambda/chat"
    assert "/[$LATEST]" in shown["log_stream_name"]
    assert len(shown["aws_request_id"]) == 36
    assert 0 < shown["remaining_ms"] <= 6000
    assert shown["identity"] is None
    assert shown["client_context"] is None
    assert shown["trace_id"].startswith("Root=1-")


async def test_a_log_without_a_process_has_only_what_lambda_writes(
    start_in_process: Start, function: MakeFunction
) -> None:
    """What a handler prints goes to the terminal, where its debugger is."""
    runner = await start_in_process(function("show_context", name="chat"))
    log: list[str] = []
    said = json.dumps({"custom": {"a": "b"}})
    outcome = await runner.invoke("chat", EVENT, Caller(said, log.append))
    assert isinstance(outcome, Returned)
    shown = json.loads(outcome.payload)["client_context"]
    assert shown == {"custom": {"a": "b"}, "env": None, "client": None}
    assert [line.split()[0] for line in log] == ["START", "END", "REPORT"]


async def test_the_environment_is_the_functions(
    monkeypatch: pytest.MonkeyPatch, start_any: StartAny, function: MakeFunction
) -> None:
    """No AWS setting of the developer's reaches a handler; the function's own do."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    own = {"AWS_ACCESS_KEY_ID": "local", "TABLE": "chat"}
    runner = await start_any(
        function("show_environment", environment=own), environment={"EXTRA": "1"}
    )
    outcome = await runner.invoke("show_environment", EVENT)
    assert isinstance(outcome, Returned)
    shown = json.loads(outcome.payload)
    assert shown["AWS_ACCESS_KEY_ID"] == "local"
    assert shown["TABLE"] == "chat"
    assert shown["EXTRA"] == "1"
    assert shown["AWS_LAMBDA_FUNCTION_NAME"] == "show_environment"
    assert shown["TZ"] == ":UTC"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & set(shown)


@pytest.mark.parametrize(
    ("handler", "kind", "words"),
    [
        ("missing_import.handler", "Runtime.ImportModuleError", ["No module named 'no_such_pack"]),
        ("absent/file.handler", "Runtime.ImportModuleError", ["'absent/file'", "No module named"]),
        ("bad_syntax.handler", "Runtime.UserCodeSyntaxError", ["expected ':'", "bad_syntax.py"]),
        ("handlers.absent", "Runtime.HandlerNotFound", ["'absent' missing on module 'handlers'"]),
        ("handlers.calls", "Runtime.HandlerNotFound", ["'calls' not callable"]),
        ("raises_at_import.handler", "KeyError", ["raised KeyError: 'NO_SUCH_VARIABLE'"]),
        ("handlers.", "Runtime.MalformedHandlerName", ["path/to/module.function"]),
    ],
)
async def test_a_handler_that_cant_be_loaded_is_named_with_place_and_reason(
    *,
    start_any: StartAny,
    function: MakeFunction,
    outputs: list[Output],
    handler: str,
    kind: str,
    words: list[str],
) -> None:
    """Every invocation is answered at once; the sentence is shown once as well."""
    chat = function(handler, name="chat")
    runner = await start_any(chat)
    outcome = await runner.invoke("chat", EVENT)
    assert isinstance(outcome, Failed)
    assert outcome.error_type == kind
    for word in [*words, f"'{handler}'", str(chat.code_root)]:
        assert word in outcome.message
    shown = [output for output in outputs if output.stream == "init error"]
    assert [(output.function, output.line) for output in shown] == [
        ("chat", f"{kind}: {outcome.message}")
    ]


async def test_reload_serves_new_code_and_recovers_from_a_broken_file(
    start_any: StartAny, function: MakeFunction, tmp_path: Path
) -> None:
    """Saved twice within a second with the same length, the last text counts."""
    code = tmp_path / "app.py"
    code.write_text("def handler(event, context):\n    return 1\n")
    runner = await start_any(function("app.handler", code_root=tmp_path))
    assert await runner.invoke("app.handler", EVENT) == Returned(b"1")
    code.write_text("def handler(event, context):\n    return 2\n")
    await runner.reload()
    assert await runner.invoke("app.handler", EVENT) == Returned(b"2")
    code.write_text("def handler(event, context:\n")
    await runner.reload()
    assert isinstance(await runner.invoke("app.handler", EVENT), Failed)
    code.write_text("def handler(event, context):\n    return 3\n")
    await runner.reload()
    assert await runner.invoke("app.handler", EVENT) == Returned(b"3")


async def test_packages_named_like_ours_are_the_projects(
    start_any: StartAny, function: MakeFunction
) -> None:
    """A project may have packages and modules called functions, gateway, pool and bootstrap."""
    runner = await start_any(function("functions/hello.handler"))
    outcome = await runner.invoke("functions/hello.handler", EVENT)
    assert outcome == Returned(
        b'["the project\'s gateway", "the project\'s pool", "the project\'s bootstrap"]'
    )


async def test_functions_of_different_roots_may_have_modules_of_one_name(
    start_any: StartAny, function: MakeFunction, tmp_path: Path
) -> None:
    """Templates with one code folder for each function often have `app.handler` in each."""
    functions = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(
            f"def handler(event, context):\n    return '{name}'"
        )
        functions.append(function("app.handler", name=name, code_root=tmp_path / name))
    runner = await start_any(*functions)
    assert await runner.invoke("one", EVENT) == Returned(b'"one"')
    assert await runner.invoke("two", EVENT) == Returned(b'"two"')


async def test_a_full_queue_refuses(
    start_any: StartAny, function: MakeFunction, fifo: Path
) -> None:
    """What waits is bounded; what is accepted is answered."""
    runner = await start_any(function("waits"), options=Options(limits=Limits(queue_max=1)))
    event = json.dumps({"fifo": str(fifo)}).encode()
    running = asyncio.ensure_future(runner.invoke("waits", event))
    with await asyncio.to_thread(fifo.open, "w") as gate:  # returns once the handler reads
        queued = asyncio.ensure_future(runner.invoke("waits", event))
        refused = await asyncio.ensure_future(runner.invoke("waits", event))
        assert isinstance(refused, NotInvocable)
        assert "1 invocations wait already" in refused.message
        gate.write("first")
    assert await running == Returned(b'"first"')
    await asyncio.to_thread(fifo.write_text, "second")
    assert await queued == Returned(b'"second"')


async def test_an_unknown_function_is_not_invocable(start_any: StartAny) -> None:
    """The outcome names the function."""
    runner = await start_any()
    outcome = await runner.invoke("absent", EVENT)
    assert isinstance(outcome, NotInvocable)
    assert "'absent'" in outcome.message


async def test_a_runtime_that_cant_be_run_is_refused_by_name(
    start_any: StartAny, function: MakeFunction
) -> None:
    """The error names the function and the runtime."""
    with pytest.raises(UnsupportedRuntimeError, match=r"'chat'.*'ruby3.4'"):
        await start_any(function("echo", name="chat", runtime="ruby3.4"))


async def test_closing_twice_does_nothing(start_any: StartAny, function: MakeFunction) -> None:
    """And a closed runner answers, and stays closed."""
    runner = await start_any(function("echo"))
    await runner.close()
    await runner.close()
    await runner.reload()
    assert isinstance(await runner.invoke("echo", EVENT), NotInvocable)


# What is particular to this process.


async def test_a_node_function_is_refused_with_the_way_out(
    start_in_process: Start, function: MakeFunction
) -> None:
    """This process is no Node."""
    with pytest.raises(UnsupportedRuntimeError, match=r"'chat' runs on Node.*--in-process"):
        await start_in_process(function("echo", name="chat", runtime="nodejs22.x"))


async def test_the_handler_runs_in_this_process_on_a_thread_of_its_own(
    start_in_process: Start, function: MakeFunction
) -> None:
    """So that a debugger's breakpoint is hit, and a blocking handler blocks nobody else."""
    runner = await start_in_process(function("pid"), function("echo"))
    assert await runner.invoke("pid", EVENT) == Returned(str(os.getpid()).encode())
    assert {"pid", "echo"} <= {thread.name for thread in threading.enumerate()}


async def test_closing_restores_the_process(
    start_in_process: Start, function: MakeFunction
) -> None:
    """Environment, import path and modules are as before."""
    environment, path, modules = dict(os.environ), list(sys.path), set(sys.modules)
    runner = await start_in_process(function("functions/hello.handler", environment={"A": "b"}))
    assert os.environ["A"] == "b"
    assert "functions.hello" in sys.modules
    await runner.close()
    assert dict(os.environ) == environment
    assert sys.path == path
    assert "functions.hello" not in set(sys.modules) - modules


async def test_a_handler_past_its_timeout_is_left_alone(
    start_in_process: Start, function: MakeFunction
) -> None:
    """Somebody may be looking at it in a debugger."""
    runner = await start_in_process(function("sleeps", timeout_s=0.01))
    assert await runner.invoke("sleeps", b'{"s": 0.05}') == Returned(b'"slept"')


async def test_a_package_that_is_imported_already_gives_way_to_the_projects(
    start_in_process: Start, function: MakeFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the runner is closed: whoever runs this process may have one of the same name."""
    other = types.ModuleType("gateway")
    monkeypatch.setitem(sys.modules, "gateway", other)
    runner = await start_in_process(function("functions/hello.handler"))
    outcome = await runner.invoke("functions/hello.handler", EVENT)
    assert isinstance(outcome, Returned)
    await runner.close()
    assert sys.modules["gateway"] is other


async def test_packages_without_init_file_are_reloaded(
    start_in_process: Start, function: MakeFunction, tmp_path: Path
) -> None:
    """Namespace packages within namespace packages, as small projects have them."""
    code = tmp_path / "outer" / "inner" / "app.py"
    code.parent.mkdir(parents=True)
    code.write_text("def handler(event, context):\n    return 1\n")
    runner = await start_in_process(function("outer/inner/app.handler", code_root=tmp_path))
    code.write_text("def handler(event, context):\n    return 2\n")
    await runner.reload()
    assert await runner.invoke("outer/inner/app.handler", EVENT) == Returned(b"2")
