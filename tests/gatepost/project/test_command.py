"""`gatepost new` as a developer gives it."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from gatepost.emulator.cli import main

NEW = (sys.executable, "-c", "from gatepost.emulator.cli import main; exit(main())", "new")
CTRL_C = signal.SIGINT
CTRL_D = b"\x04"


def new_on_a_terminal(*steps: tuple[str, bytes | signal.Signals], cwd: Path) -> tuple[int, str]:
    """Run `gatepost new x` where something is typed, or a key sends a signal, after each question.

    Gives its exit code and what it said.
    """
    ours, theirs = pty.openpty()
    said = b""
    with subprocess.Popen(
        [*NEW, "x"], cwd=cwd, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        os.close(theirs)
        assert process.stdout is not None
        for question, reaction in steps:
            asked = len(said)
            while question.encode() not in said[asked:]:
                more = os.read(process.stdout.fileno(), 1024)
                assert more, said.decode()
                said += more
            if isinstance(reaction, bytes):
                os.write(ours, reaction)
            else:
                _wait_for_its_reading(process)
                process.send_signal(reaction)
        said += process.communicate(timeout=60)[0]
    os.close(ours)
    return process.returncode, said.decode()


def _wait_for_its_reading(process: subprocess.Popen[bytes]) -> None:
    """Wait: a signal between question and read would be heard only when something is typed."""
    asking = psutil.Process(process.pid)
    while asking.status() != psutil.STATUS_SLEEPING:
        os.sched_yield()


def test_flags_answer_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Then nothing is asked and nothing assumed."""
    flags = ("--name", "own", "--region", "eu-west-1", "--demo", "none", "--no-terraform")
    assert main(["new", str(tmp_path / "x"), *flags]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Made own in {tmp_path / 'x'}: ")
    assert (tmp_path / "x/serverless.yml").read_text().count("service: own\n") == 1


def test_without_a_terminal_defaults_are_taken_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the flags that would change them."""
    assert main(["new", str(tmp_path / "My Chat")]) == 0
    assert (
        "it is: --name my-chat --region us-east-1 --demo chat --no-terraform"
        in capsys.readouterr().out
    )


def test_a_terminal_is_asked_for_what_is_open(tmp_path: Path) -> None:
    """Enter is the default; a wrong answer is asked again."""
    code, said = new_on_a_terminal(
        ("Name of the service [x]: ", b"2x\n"),
        ("the name '2x' must have", b"own\n"),
        ("AWS region [us-east-1]: ", b"\n"),
        ("Demo page, chat or none [chat]: ", b"none\n"),
        ("Terraform beside serverless.yml, yes or no [no]: ", b"y\n"),
        cwd=tmp_path,
    )
    assert code == 0, said
    readme = (tmp_path / "x/README.md").read_text(encoding="utf-8")
    assert "--name own --region us-east-1 --demo none --terraform" in readme


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["Ctrl-C", "Ctrl-D"])
def test_who_leaves_at_a_question_made_nothing(key: bytes | signal.Signals, tmp_path: Path) -> None:
    """Exit code 130, and no traceback."""
    code, said = new_on_a_terminal(
        ("Name of the service", b"own\n"), ("AWS region", key), cwd=tmp_path
    )
    assert code == 130
    assert said.endswith("\ngatepost: nothing was made\n")
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flag", "value"), [("--name", "Chat"), ("--region", "europe"), ("--demo", "game")]
)
def test_a_wrong_flag_ends_with_a_sentence(
    flag: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, before anything is written."""
    with pytest.raises(SystemExit) as ended:
        main(["new", str(tmp_path / "x"), flag, value])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert value in said
    assert flag in said
    assert not (tmp_path / "x").exists()


def test_a_folder_that_is_not_empty_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and what to do."""
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["new", str(tmp_path), "--name", "own"]) == 2
    assert "is not empty; name a new folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_of_which_no_name_can_be_made_needs_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is asked for by its flag."""
    assert main(["new", str(tmp_path / "日本")]) == 2
    assert "--name NAME" in capsys.readouterr().err
