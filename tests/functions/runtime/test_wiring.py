"""What each entry point loads when it is imported, which a cold start waits for.

Whoever makes an entry point load more reviews it here; `python -X importtime` says what it costs.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from functions.runtime.wiring import Environment

ROOT = Path(__file__).parents[3]

TABLE = {"httptools", "msgspec"}
TOKENS = {"_cffi_backend", "cryptography", "jwt"}
PACKAGES = {
    "authorizer": {"msgspec"} | TOKENS,
    "connect": TABLE,
    "disconnect": TABLE,
    "fanout": TABLE,
    "message": TABLE,
    "refresh": TABLE | TOKENS,
    "api": TABLE | TOKENS | {"anyio", "mangum", "starlette"},
}
"""Packages of others. Aiobotocore and its aiohttp and botocore come when something is sent."""

NOT_OURS = {"_cython_3_3_0", "_openssl", "cython_runtime", "typing_extensions"}
"""What compiled packages register, and what they need below Python 3.13 alone."""

STORE = {
    "actions",
    "actions.namespaces",
    "adapters",
    "adapters.backoff",
    "adapters.credentials",
    "adapters.dynamodb",
    "adapters.dynamodb_access",
    "adapters.dynamodb_client",
    "adapters.dynamodb_connections",
    "adapters.dynamodb_items",
    "adapters.dynamodb_log",
    "adapters.dynamodb_presence",
    "adapters.dynamodb_requests",
    "adapters.dynamodb_subscriptions",
    "adapters.dynamodb_table",
    "adapters.endpoint",
    "adapters.http_link",
    "adapters.http_pool",
    "adapters.http_tls",
    "adapters.sigv4",
    "adapters.trust",
    "core",
    "core.connections",
    "core.context",
    "core.errors",
    "core.limits",
    "core.namespaces",
    "core.permissions",
    "core.ports",
    "core.protocol",
    "core.rates",
    "runtime",
    "runtime.entrypoint",
    "runtime.events",
    "runtime.logs",
    "runtime.settings",
    "runtime.wiring",
}
CLOSING = {"core.broadcast", "core.closing", "core.happenings", "core.presence"}
MODULES = {"connect": STORE | {"connect"}, "disconnect": STORE | CLOSING | {"disconnect"}}
"""Our own, for those that every connection waits for: nothing that only a message needs."""


def loaded_by(entry_point: str) -> list[str]:
    """Import an entry point in a process of its own; give the modules that are new then."""
    script = (
        "import json, sys\nbefore = set(sys.modules)\n"
        f"import functions.{entry_point}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    names: list[str] = json.loads(ran.stdout)
    return names


@pytest.mark.parametrize("entry_point", PACKAGES)
def test_an_entry_point_loads_the_packages_that_were_reviewed(entry_point: str) -> None:
    """No more and no less."""
    names = {name.partition(".")[0] for name in loaded_by(entry_point)}
    assert names - sys.stdlib_module_names - NOT_OURS - {"functions"} == PACKAGES[entry_point]


@pytest.mark.parametrize("entry_point", MODULES)
def test_who_opens_and_closes_connections_loads_only_what_that_takes(entry_point: str) -> None:
    """No publishing, no log, no actions."""
    names = {name for name in loaded_by(entry_point) if name.startswith("functions.")}
    assert {name.removeprefix("functions.") for name in names} == MODULES[entry_point]


def test_every_entry_point_is_reviewed() -> None:
    """A new one too."""
    assert {path.stem for path in (ROOT / "functions").glob("*.py")} - {"__init__"} == set(PACKAGES)


@pytest.mark.parametrize(("name", "width"), [("", 256), ("http", 256), ("aiobotocore", 100)])
async def test_the_transport_is_the_one_that_the_environment_names(
    name: str, width: int, fake_credentials: dict[str, str]
) -> None:
    """It is opened once; nobody listens at its endpoint, and nobody is asked."""
    environment = Environment(
        {
            "TABLE_NAME": "t",
            "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "http://127.0.0.1:9/dev",
            "TRANSPORT": name,
        }
    )
    transport = await environment.transport()
    assert transport.width == width
    assert await environment.transport() is transport
    await environment.close()
