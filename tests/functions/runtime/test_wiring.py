"""What an environment loads; what it opens is tested over real parts in tests/contract."""

import subprocess
import sys
from pathlib import Path

import pytest

from functions.runtime.wiring import Environment

ROOT = Path(__file__).parents[3]

TOKENS = ("cryptography", "functions.identity", "jwt")
ACTIONS = ("functions.actions.registry", "functions.core.publishing")
CLIENTS = ("aiobotocore", "botocore", "functions.adapters")
SENDERS = ("functions.adapters.management", "functions.adapters.http", "httptools")


@pytest.mark.parametrize(
    ("entry_point", "needed", "needless"),
    [
        ("authorizer", TOKENS, (*ACTIONS, *CLIENTS)),
        ("connect", CLIENTS, (*ACTIONS, *TOKENS, *SENDERS)),
        ("disconnect", CLIENTS, (*ACTIONS, *TOKENS, *SENDERS)),
        ("fanout", CLIENTS, (*ACTIONS, *TOKENS, *SENDERS)),
        ("message", (*ACTIONS, *CLIENTS), (*TOKENS, "functions.adapters.lambda_invoke")),
        ("refresh", (*CLIENTS, *TOKENS), ACTIONS),
    ],
)
def test_a_function_loads_what_it_needs(
    entry_point: str, needed: tuple[str, ...], needless: tuple[str, ...]
) -> None:
    """On a cold start somebody waits for every import."""
    program = f"import sys, functions.{entry_point}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert [name for name in needed if name not in loaded] == []
    assert [name for name in loaded if name.startswith(needless)] == []


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
