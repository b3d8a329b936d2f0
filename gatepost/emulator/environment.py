"""What a function finds in its environment locally, and the interpreter that runs it.

The emulator changes endpoints, credentials and trust; everything else is what the template says.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import certifi
from msgspec import Struct, structs

from gatepost.emulator.errors import UserError
from gatepost.emulator.sockets import address_for_function
from gatepost.gateway.core.addresses import path_of
from gatepost.gateway.core.deployment import Deployment, Function
from gatepost.gateway.runner.environment import is_node

FAKE_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
}
"""Never the developer's own: a handler run locally can't reach a real account by accident."""

NODE_MIN: Final = 20

MANAGEMENT = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
"""Where botocore looks for the endpoint of `@connections` (B-339)."""


class Endpoints(Struct, frozen=True):
    """Where the local cloud answers. `everything_else` is unset when only a table is at hand.

    `gateway` is the authority of the sockets and of `@connections`, the others are URLs.
    `functions` is where they are invoked by name and where HTTP APIs are, unset where neither is.
    """

    gateway: str
    dynamodb: str | None
    functions: str | None = None
    everything_else: str | None = None


def read_env_file(path: Path) -> dict[str, str]:
    """Read an environment file, in the form of `.env` files; every line must be of that form.

    Raises UserError with the file, and the line at fault.
    """
    from gatepost.gateway.template.dotenv import (  # noqa: PLC0415 - a test's gateway has no YAML
        parse_dotenv,
        strange_line,
    )

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"--env-file {path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"--env-file {path} can't be read: {error}.") from error
    if (strange := strange_line(text)) is not None:
        number, line = strange
        raise UserError(f"{path}:{number}: expected NAME=value, found {line[:40]!r}.")
    return parse_dotenv(text)


def with_local_environment(
    deployment: Deployment,
    *,
    endpoints: Endpoints,
    ca_bundle: Path,
    env_file: Mapping[str, str],
) -> dict[str, Function]:
    """Complete each function's environment for this machine.

    In rising precedence: region and fake credentials, what the template sets, the environment
    file, the endpoints of this run. Where the template builds the API's address on AWS into a
    variable of its own, this run's stands instead.
    """
    here = _addresses_here(deployment, endpoints.gateway, endpoints.functions)
    local = {
        # `https://{domainName}/{stage}` from an event must be trusted whoever opens it.
        "AWS_CA_BUNDLE": str(ca_bundle),
        "SSL_CERT_FILE": str(ca_bundle),
        "REQUESTS_CA_BUNDLE": str(ca_bundle),
        "NODE_EXTRA_CA_CERTS": str(ca_bundle),
    }
    if endpoints.dynamodb:
        local["AWS_ENDPOINT_URL_DYNAMODB"] = endpoints.dynamodb
    if endpoints.functions:
        local["AWS_ENDPOINT_URL_LAMBDA"] = endpoints.functions
    if endpoints.everything_else:
        local["AWS_ENDPOINT_URL"] = endpoints.everything_else
    defaults = {
        "AWS_REGION": deployment.region,
        "AWS_DEFAULT_REGION": deployment.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        **FAKE_CREDENTIALS,
    }
    return {
        name: structs.replace(
            function,
            environment={
                **defaults,
                **here(function.environment),
                **env_file,
                **local,
                MANAGEMENT: f"http://{address_for_function(deployment, name, endpoints.gateway)}",
            },
        )
        for name, function in deployment.functions.items()
    }


def notices_of_api_ids(deployment: Deployment, env_file: Mapping[str, str]) -> Iterator[str]:
    """Say which variables hold the id of a WebSocket API alone, which can't be led here.

    Code that builds the API's address of it builds that of AWS.
    """
    for api in deployment.apis:
        held: dict[str, list[str]] = {}
        for function in deployment.functions.values():
            for variable, value in function.environment.items():
                if value == api.api_id and variable not in env_file:
                    held.setdefault(variable, []).append(function.name)
        for variable, functions in held.items():
            others = f" and {len(functions) - 1} others" if len(functions) > 1 else ""
            yield (
                f"{variable} of {functions[0]}{others} is an API's id: an address that code builds "
                "of it is on AWS, not here; the event's domainName and stage lead here, and so "
                f"does {MANAGEMENT}"
            )


def _addresses_here(
    deployment: Deployment, address: str, http_origin: str | None
) -> Callable[[Mapping[str, str]], dict[str, str]]:
    """Make what replaces `{api}.execute-api.{region}.amazonaws.com/{stage}`, also without stage.

    Where no scheme stands before it, code adds `https://`; the gateway's port speaks TLS too, that
    of HTTP APIs does not. Their paths are the same there.
    """
    local: dict[str, str] = {}
    for api in deployment.apis:
        here = local[f"{api.api_id}/{api.stage}"] = address + path_of(api, deployment.apis)
        local.setdefault(api.api_id, here.removesuffix(f"/{api.stage}"))
    http = dict.fromkeys(
        (api.api_id for api in deployment.http_apis if http_origin is not None),
        (http_origin or "").removeprefix("http://"),
    )
    ids = [*(api.api_id for api in deployment.apis), *http]
    on_aws = re.compile(
        rf"(https://|wss://|\b)({'|'.join(map(re.escape, ids)) or '(?!)'})"
        r"\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?P<stage>/[A-Za-z0-9_-]+)?"
    )

    def replaced(found: re.Match[str]) -> str:
        if found[2] in http:
            here = http[found[2]] + (found["stage"] or "")
        else:
            path = found["stage"] or ""
            here = local.get(found[2] + path) or local[found[2]] + path
        return found[1].replace("https", "http").replace("wss", "ws") + here

    return lambda given: {name: on_aws.sub(replaced, value) for name, value in given.items()}


def write_ca_bundle(path: Path, certificate_authority: bytes) -> Path:
    """Write the usual roots and this run's certificate authority into one file."""
    path.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + certificate_authority)
    return path


def choose_node(given: Path | None, functions: Iterable[Function]) -> Path:
    """Choose the Node for handlers: the given one, else the one on the PATH.

    A bare name is looked up on the PATH. Raises UserError when the given one is no executable, or
    when there is none, or one before NODE_MIN, and a function needs it.
    """
    found = shutil.which(given or "node")
    if found is not None:
        if any(map(is_node, functions)):
            _check_node(found)
        return Path(found).absolute()
    if given is not None:
        raise UserError(f"--node {given}: no such executable.")
    if (needs_it := next(filter(is_node, functions), None)) is not None:
        raise UserError(
            f"function '{needs_it.name}' has the runtime '{needs_it.runtime}', and there is no "
            f"node on the PATH: install Node {NODE_MIN} or newer, or name one with --node."
        )
    return Path("node")


@cache
def _check_node(node: str) -> None:
    """Raise UserError when a Node is too old, or says no version at all."""
    try:
        said = subprocess.run(  # noqa: S603 - the developer's own
            [node, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout.strip()
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired) as error:
        raise UserError(f"{node} can't be asked for its version: {error}.") from error
    version = re.match(r"v(\d+)\.", said)
    if version is None or int(version[1]) < NODE_MIN:
        raise UserError(
            f"{node} is {said[:40] or 'no Node'}: functions need Node {NODE_MIN} or newer; "
            "install it, or name one with --node."
        )


def choose_python(given: Path | None, root: Path) -> Path:
    """Choose the interpreter for handlers: the given one, else the project's, else ours.

    The project's is that of its folder .venv or venv. A bare name is looked up on the PATH. Raises
    UserError when the given one is no executable.
    """
    if given is not None:
        found = shutil.which(given)
        if found is None:
            raise UserError(f"--python {given}: no such executable.")
        return Path(found).absolute()
    scripts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    candidates = (root.joinpath(folder, *scripts) for folder in (".venv", "venv"))
    return next((python for python in candidates if python.is_file()), Path(sys.executable))


def named_python(given: Path | None, deployment: Deployment) -> str:
    """Return a sentence on which Python it is; an empty text where no function is for Python."""
    if not any(f.runtime.startswith("python") for f in deployment.functions.values()):
        return ""
    python = choose_python(given, deployment.root)
    return f" Python functions are run by {python}; --python names another."
