"""What runs the functions of a test's gateway, and what it leaves behind."""

import os
import subprocess
import sys
from pathlib import Path

from gatepost.emulator.own_folder import own_folder

RUNS = """
import sys
from gatepost.emulator.testing.gateway import Gateways
gateway = Gateways()({"$default": print})
print("runs", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_test_run_left_is_removed_by_the_next_run(tmp_path: Path) -> None:
    """Its certificate's folder among the system's temporary files."""
    with subprocess.Popen(
        [sys.executable, "-c", RUNS],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"runs\n"
        run.kill()
    assert list(tmp_path.iterdir())
    with own_folder(tmp_path) as own:
        assert list(tmp_path.iterdir()) == [own]
