"""Environment variables, read into settings."""

import pytest

from functions.core import limits
from functions.runtime.settings import (
    FanoutSettings,
    Settings,
    SettingsError,
    read_fanout,
    read_settings,
    require,
)


def test_settings_are_read_by_their_names() -> None:
    """What every function needs that keeps state."""
    assert read_settings({"TABLE_NAME": "t", "AUTH": "anonymous"}) == Settings(table_name="t")


@pytest.mark.parametrize("environ", [{}, {"TABLE_NAME": ""}])
def test_a_missing_variable_is_named(environ: dict[str, str]) -> None:
    """With what it is and who sets it."""
    with pytest.raises(SettingsError, match=r"TABLE_NAME is not set: .*table.*serverless\.yml"):
        read_settings(environ)


def test_a_required_variable_is_given() -> None:
    """As it is."""
    assert require({"X": " y"}, "X", "meaning") == " y"


def test_fan_outs_have_settings_of_their_own() -> None:
    """With what most accounts have as defaults, and no worker."""
    assert read_fanout({}) == FanoutSettings(
        "",
        quota=limits.FANOUT_QUOTA,
        share=limits.FANOUT_SHARE,
        workers=limits.FANOUT_WORKERS,
        budget_s=limits.FANOUT_BUDGET_S,
    )
    given = {
        "FANOUT_FUNCTION": "f",
        "FANOUT_QUOTA": "2500",
        "FANOUT_SHARE": "0.5",
        "FANOUT_WORKERS": "10",
        "FANOUT_BUDGET_S": "60",
    }
    assert read_fanout(given) == FanoutSettings("f", quota=2500, share=0.5, workers=10, budget_s=60)


def test_workers_share_what_fan_outs_have_of_the_quota() -> None:
    """As many as run at a time."""
    settings = read_fanout({"FANOUT_QUOTA": "2500", "FANOUT_SHARE": "0.8", "FANOUT_WORKERS": "4"})
    assert settings.sends_per_second == 500


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("FANOUT_QUOTA", "0", "above 0, up to 1e"),
        ("FANOUT_QUOTA", "lots", "must be a number"),
        ("FANOUT_QUOTA", "nan", "must be a number"),
        ("FANOUT_QUOTA", "inf", "must be a number"),
        ("FANOUT_SHARE", "80", "above 0, up to 1$"),
        ("FANOUT_SHARE", "-0.1", "above 0, up to 1$"),
        ("FANOUT_WORKERS", "2.5", "must be a whole number"),
        ("FANOUT_WORKERS", "0", "above 0, up to 1000"),
        ("FANOUT_BUDGET_S", "900", "above 0, up to 870"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str, text: str) -> None:
    """With what it is and what it may be."""
    with pytest.raises(SettingsError, match=f"{name} is '{value}': .*{text}"):
        read_fanout({name: value})
