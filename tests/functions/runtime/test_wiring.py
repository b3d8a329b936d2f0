"""What an environment loads; what it opens is tested over real parts in tests/contract."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("entry_point", ["connect", "disconnect"])
def test_only_message_loads_what_it_alone_needs(entry_point: str) -> None:
    """On a cold start somebody waits for every import."""
    program = f"import sys, functions.{entry_point}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert "functions.adapters.dynamodb" in loaded
    needless = ("functions.actions.dispatch", "functions.adapters.management", "jwt", "starlette")
    assert [name for name in loaded if name.startswith(needless)] == []
