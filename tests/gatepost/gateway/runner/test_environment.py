"""What functions find in their environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.runner.environment import (
    NODE_BOOTSTRAP,
    Interpreters,
    UnsupportedRuntimeError,
    command_line,
    function_arn,
    function_environment,
    kept_environment,
    lambda_environment,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.gateway.core.deployment import Function


def test_little_of_the_developers_environment_is_kept() -> None:
    """What programs need to be found and to write text; no setting of AWS, Python or an app."""
    developer = {
        "PATH": "/bin",
        "HOME": "/home/dev",
        "LC_ALL": "C.UTF-8",
        "AWS_PROFILE": "production",
        "AWS_SECRET_ACCESS_KEY": "real",
        "PYTHONPATH": "/elsewhere",
        "DATABASE_URL": "real",
    }
    assert kept_environment(developer) == {
        "PATH": "/bin",
        "HOME": "/home/dev",
        "LC_ALL": "C.UTF-8",
    }


def test_a_proxy_is_kept_but_not_for_this_machine() -> None:
    """The gateway and the table are on loopback, where no proxy leads."""
    kept = kept_environment({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "intranet"})
    assert kept["HTTPS_PROXY"] == "http://proxy:3128"
    assert kept["NO_PROXY"] == kept["no_proxy"] == "intranet,localhost,127.0.0.1,::1"


def test_lambdas_own_variables_are_set(function: Callable[..., Function]) -> None:
    """Names and forms of the Lambda Developer Guide."""
    chat = function("app/chat.handler", name="chat", memory_mb=512, code_root=Path("/srv"))
    variables = lambda_environment(chat, address="127.0.0.1:9001")
    assert variables["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9001"
    assert variables["_HANDLER"] == "app/chat.handler"
    assert variables["LAMBDA_TASK_ROOT"] == "/srv"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "chat"
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert variables["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert variables["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/chat"


def test_a_function_overrides_defaults_but_not_what_lambda_reserves(
    function: Callable[..., Function],
) -> None:
    """Default, then what all functions get, then the function's own, then Lambda's."""
    own = {"TZ": "Europe/Zurich", "TABLE": "own", "_HANDLER": "other.handler"}
    variables = function_environment(
        function("app.handler", environment=own), {"TABLE": "all", "STAGE": "dev"}, address=None
    )
    assert variables["TZ"] == "Europe/Zurich"
    assert variables["TABLE"] == "own"
    assert variables["STAGE"] == "dev"
    assert variables["_HANDLER"] == "app.handler"
    assert variables["PYTHONUNBUFFERED"] == "1"
    assert "AWS_LAMBDA_RUNTIME_API" not in variables


def test_the_arn_is_in_the_functions_region(function: Callable[..., Function]) -> None:
    """As the context shows it."""
    chat = function("echo", name="chat", environment={"AWS_REGION": "eu-west-1"})
    assert function_arn(chat, "1" * 12) == f"arn:aws:lambda:eu-west-1:{'1' * 12}:function:chat"


def test_an_interpreter_is_run_by_its_own_path(
    function: Callable[..., Function], tmp_path: Path
) -> None:
    """A virtual environment's python is a link: resolved, its packages would be gone."""
    python = tmp_path / "python"
    python.symlink_to("/bin/sh")
    program, *options = command_line(function("echo"), Interpreters(python), 7)
    assert program == str(python)
    assert options[-1] == "7"


@pytest.mark.parametrize("runtime", ["nodejs8.10", "nodejs22.x", "nodejs24.x"])
def test_node_runs_its_own_file(function: Callable[..., Function], runtime: str) -> None:
    """By a bare name, it is looked up on the PATH."""
    chat = function("echo", runtime=runtime)
    assert command_line(chat, Interpreters(Path("python")), 7) == ["node", str(NODE_BOOTSTRAP)]
    assert NODE_BOOTSTRAP.is_file()


@pytest.mark.parametrize("runtime", ["ruby3.4", "python2.7", "provided.al2023", "nodejs", ""])
def test_other_runtimes_are_refused(function: Callable[..., Function], runtime: str) -> None:
    """By name of function and runtime."""
    with pytest.raises(UnsupportedRuntimeError, match=f"'chat' has the runtime '{runtime}'"):
        command_line(
            function("echo", name="chat", runtime=runtime), Interpreters(Path("python")), 7
        )
