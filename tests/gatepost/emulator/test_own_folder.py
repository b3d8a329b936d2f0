"""The folder of a run, and those that killed runs left."""

import subprocess
import sys
from pathlib import Path

import pytest

from gatepost.emulator.own_folder import LOCK, own_folder

HELD = """
import sys
from pathlib import Path
from gatepost.emulator.own_folder import own_folder
with own_folder(Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_gone_after_its_run(tmp_path: Path) -> None:
    """With what is in it."""
    with own_folder(tmp_path) as folder:
        (folder / "ca.pem").write_text("x")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_killed_run_is_removed_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    """By the next run."""
    command = [sys.executable, "-c", HELD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        with own_folder(tmp_path):
            assert left.is_dir()
        other.kill()
        other.wait()
    assert left.is_dir()
    with own_folder(tmp_path):
        assert not left.exists()


@pytest.mark.parametrize("kind", ["folder", "link", "file"])
def test_what_is_not_known_to_be_a_runs_folder_stays(tmp_path: Path, kind: str) -> None:
    """A folder without a lock, a link, a file."""
    place, elsewhere = tmp_path / "gatepost-mine", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / LOCK).touch()
    match kind:
        case "folder":
            place.mkdir()
        case "link":
            place.symlink_to(elsewhere)
        case _:
            place.touch()
    with own_folder(tmp_path):
        assert place.exists()
    assert place.exists()
    assert (elsewhere / LOCK).exists()
