"""The command line and its reference page."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatepost.emulator.cli import main, parser
from gatepost.emulator.named_values import parse_named_values
from gatepost.gateway.core.settings import GatewaySettings

PAGE = Path(__file__).parents[3] / "docs/reference/cli.md"


def flags(command: str) -> set[str]:
    """Every flag of a command."""
    commands = next(
        action
        for action in parser()._actions  # noqa: SLF001 - argparse offers no other way
        if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
    )
    return {
        flag
        for action in commands.choices[command]._actions  # noqa: SLF001
        for flag in action.option_strings
        if flag.startswith("--") and flag != "--help"
    }


@pytest.mark.parametrize("command", ["cost", "dev", "new", "smoke", "token"])
def test_the_reference_describes_every_flag_and_no_other(command: str) -> None:
    """docs/reference/cli.md keeps step with the parser."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition(f"\n## `gatepost {command}`\n")
    described = re.findall(r"^\| `(--[a-z-]+)", section.partition("\n## ")[0], re.MULTILINE)
    assert set(described) == flags(command)


def test_the_reference_describes_every_guess_with_its_default() -> None:
    """As the settings list them."""
    rows = re.findall(
        r"^\| `([a-z_]+)` \| `([^`]+)` \|.*\(B-\d+\)", PAGE.read_text("utf-8"), re.MULTILINE
    )
    described = dict(rows)
    _, _, guesses = (GatewaySettings.__doc__ or "").partition("Each of these is a guess")
    assert list(described) == re.findall(r"- `(\w+)`", guesses)
    flags = [f"{name}={value}" for name, value in described.items()]
    assert parse_named_values("setting", flags, GatewaySettings()) == GatewaySettings()


def test_a_setting_that_does_not_exist_ends_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 2, and the names that there are."""
    assert main(["dev", "--setting", "colour=red"]) == 2
    said = capsys.readouterr().err
    assert "gatepost: --setting colour=red: there is no setting 'colour'. There are: " in said
    assert "idle_timeout_s" in said


@pytest.mark.parametrize("flag", ["--port", "--http-port"])
@pytest.mark.parametrize("value", ["-1", "65536", "x", "", "3.0", "٣"])
def test_a_port_is_a_number_that_a_port_can_have(
    flag: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The value is shown as given."""
    with pytest.raises(SystemExit) as ended:
        main(["dev", f"{flag}={value}"])
    assert ended.value.code == 2
    assert "not a number from 0 to 65535" in capsys.readouterr().err


def test_help_shows_defaults_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """`gatepost dev --help` is where most will look first."""
    with pytest.raises(SystemExit):
        main(["dev", "--help"])
    shown = capsys.readouterr().out
    for part in ("3001", "3000", "serverless.yml", "examples:"):
        assert part in shown


def test_a_folder_without_a_template_tells_what_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence and exit code 2."""
    monkeypatch.chdir(tmp_path)
    assert main(["dev"]) == 2
    assert capsys.readouterr().err == (
        f"gatepost: {tmp_path}: has none of serverless.yml, serverless.yaml, serverless.json, "
        "template.yaml, template.yml, template.json; --template names another template\n"
    )


def test_a_values_file_with_an_unknown_section_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named with its line, before anything starts."""
    monkeypatch.chdir(tmp_path)
    Path("values.yml").write_text("parameter: {a: b}\n", encoding="utf-8")
    Path("template.yaml").write_text("Resources: {}\n", encoding="utf-8")
    assert main(["dev", "--values", "values.yml"]) == 2
    assert capsys.readouterr().err.startswith("gatepost: values.yml:1: parameter is no section")


def test_nothing_that_takes_time_is_imported_before_a_command_is_known() -> None:
    """So `--help` is quick, and hardly any Ctrl-C comes before there is somebody to take it."""
    code = "import sys, gatepost.emulator.cli; sys.exit('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
