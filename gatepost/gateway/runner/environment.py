"""What a function finds in its environment, and how its worker is started.

The variables that Lambda sets, a reasoned few of the developer's own, and the command line of each
runtime. It starts nothing.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatepost.gateway.core.deployment import Function

BOOTSTRAP: Final = Path(__file__).with_name("bootstrap.py")
NODE_BOOTSTRAP: Final = Path(__file__).with_name("bootstrap.mjs")

_KEPT: Final = frozenset(
    {
        # where programs, files and libraries are found
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV"),
        # how text is written
        *("LANG", "LANGUAGE", "TERM"),
        # the way out to the internet, where it needs one
        *(
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "http_proxy",
            "https_proxy",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ),
        *("NO_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE"),
    }
)
_DEFAULTS: Final = {
    "TZ": ":UTC",
    # not Lambda's: what is printed arrives at once, and as UTF-8
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "utf-8",
}
_LOOPBACK: Final = "localhost,127.0.0.1,::1"


@dataclass(frozen=True, slots=True)
class Interpreters:
    """What runs the workers' files.

    `python` is not resolved: a virtual environment's interpreter is known by its own path. `node`
    may be a bare name, which is looked up on the PATH.
    """

    python: Path
    node: Path = Path("node")


class UnsupportedRuntimeError(ValueError):
    """A function names a runtime that no worker exists for."""


def is_node(function: Function) -> bool:
    """Whether the function runs on Node."""
    return re.fullmatch(r"nodejs\d+\.(x|\d+)", function.runtime) is not None


def check_runtime(function: Function) -> None:
    """Raise UnsupportedRuntimeError unless workers can be started for the function."""
    if not is_node(function) and not re.fullmatch(r"python3\.\d+", function.runtime):
        raise UnsupportedRuntimeError(
            f"function '{function.name}' has the runtime '{function.runtime}', which the emulator "
            "can't run; it runs python3.x and nodejs*"
        )


def command_line(function: Function, interpreters: Interpreters, lifeline: int) -> list[str]:
    """Give the command that runs a worker: the one place that knows a runtime's program."""
    check_runtime(function)
    if is_node(function):
        return [str(interpreters.node), str(NODE_BOOTSTRAP)]
    return [str(interpreters.python.absolute()), "-u", str(BOOTSTRAP), str(lifeline)]


def kept_environment(developer: Mapping[str, str]) -> dict[str, str]:
    """Select from the developer's environment; nothing of `AWS_*` is ever among it."""
    kept = {key: value for key, value in developer.items() if key in _KEPT or key[:3] == "LC_"}
    if any(key.lower().endswith("_proxy") for key in kept):
        listed = kept.get("no_proxy") or kept.get("NO_PROXY")
        kept["NO_PROXY"] = kept["no_proxy"] = f"{listed},{_LOOPBACK}" if listed else _LOOPBACK
    return kept


def function_environment(
    function: Function, given: Mapping[str, str], *, address: str | None
) -> dict[str, str]:
    """Give a function's whole environment; what comes later wins.

    Defaults that a function may change, what the runner was `given` for all functions, the
    function's own variables, and those that Lambda reserves.
    """
    return {
        **_DEFAULTS,
        **given,
        **function.environment,
        **lambda_environment(function, address=address),
    }


def lambda_environment(function: Function, *, address: str | None) -> dict[str, str]:
    """Give the variables that Lambda sets and reserves, for one execution environment.

    `address` is the host and port of its Runtime API; None where a function runs without one.
    Source: AWS Lambda Developer Guide, "Defined runtime environment variables".
    """
    day = dt.datetime.now(dt.UTC).strftime("%Y/%m/%d")
    variables = {
        "_HANDLER": function.handler,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{day}/[$LATEST]{secrets.token_hex(16)}",
        "LAMBDA_TASK_ROOT": str(function.code_root.absolute()),
    }
    if address is not None:
        variables["AWS_LAMBDA_RUNTIME_API"] = address
    return variables


def function_arn(function: Function, account_id: str) -> str:
    """Give the ARN a function is invoked by, in the region that its environment names."""
    region = function.environment.get("AWS_REGION", "us-east-1")
    return f"arn:aws:lambda:{region}:{account_id}:function:{function.name}"
