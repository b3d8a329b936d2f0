"""What an environment loads; what it opens is tested over real parts in tests/contract."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


TOKENS = ("cryptography", "functions.identity", "jwt")
ACTIONS = ("functions.actions.registry", "functions.core.publishing")
CLIENTS = ("aiobotocore", "botocore", "functions.adapters")


@pytest.mark.parametrize(
    ("entry_point", "needed", "needless"),
    [
        ("authorizer", TOKENS, (*ACTIONS, *CLIENTS)),
        ("connect", CLIENTS, (*ACTIONS, *TOKENS, "functions.adapters.management")),
        ("disconnect", CLIENTS, (*ACTIONS, *TOKENS)),
        ("fanout", CLIENTS, (*ACTIONS, *TOKENS)),
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
