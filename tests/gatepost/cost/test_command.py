"""`gatepost cost`: what is given becomes a report, what is wrong one sentence and exit code 2."""

import json
from pathlib import Path

import pytest

from gatepost.cost.prices import PRICE_FILE
from gatepost.emulator.cli import main

EVERY_OPTION = (
    "--connections 100 --minutes 60 --messages 5 --server-messages 7 --audience 50 --size 999"
    " --channels 2 --session-minutes 30 --ping-seconds 45 --kind keyed --joins --free-tier --json"
)


def test_a_bill_is_printed_and_the_exit_code_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    """With the example that everybody asks for."""
    assert main(["cost", "--connections", "10000"]) == 0
    shown = capsys.readouterr()
    assert "$109.50" in shown.out
    assert shown.err == ""


def test_every_option_reaches_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    """By JSON, which shows what was understood."""
    main(["cost", *EVERY_OPTION.split()])
    shown = json.loads(capsys.readouterr().out)
    assert shown["usage"] == {
        "connections": 100,
        "minutes": 60,
        "messages": 5,
        "server_messages": 7,
        "audience": 50,
        "size_bytes": 999,
        "kind": "keyed",
        "channels": 2,
        "session_minutes": 30,
        "ping_s": 45,
        "announced": True,
    }
    assert shown["free_tier"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--connections 10 --size 28673", "--size: 28673 is not between 0 and 28672"),
        ("--connections 10 --ping-seconds 600", "--ping-seconds: 600 is not between 0 and 540"),
        ("--connections 10 --audience 11", "--audience: 11 is more than all 10 connections"),
        ("--connections 10 --prices no.toml", "no.toml: it can't be read as TOML"),
    ],
)
def test_a_value_that_cant_be_is_named_by_its_flag(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, exit code 2, and no bill."""
    assert main(["cost", *arguments.split()]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"gatepost: {said}")
    assert shown.out == ""


@pytest.mark.parametrize("value", ["ten", "-1", "1e3", "", "٣", "nan", "1_000"])
def test_what_is_no_number_is_shown_as_given(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Digits, perhaps with a decimal point."""
    with pytest.raises(SystemExit) as ended:
        main(["cost", f"--connections={value}"])
    assert ended.value.code == 2
    assert f"{value!r} is not a number" in capsys.readouterr().err


def test_connections_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else must."""
    with pytest.raises(SystemExit) as ended:
        main(["cost"])
    assert ended.value.code == 2
    assert "--connections" in capsys.readouterr().err


def test_another_price_file_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another region's, or a newer one."""
    path = tmp_path / "prices.toml"
    changed = PRICE_FILE.read_text("utf-8").replace('"us-east-1"', '"eu-central-1"')
    path.write_text(changed.replace("usd = 0.25", "usd = 0.50"), encoding="utf-8")
    assert main(["cost", "--connections", "10000", "--prices", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "eu-central-1" in shown
    assert "$219.00" in shown
