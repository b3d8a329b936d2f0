"""Environment variables, read into settings."""

import pytest

from functions.core import limits
from functions.runtime import settings
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
    given = read_fanout({"FANOUT_QUOTA": "2500", "FANOUT_SHARE": "0.8", "FANOUT_WORKERS": "4"})
    assert given.sends_per_second == 500


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


@pytest.mark.parametrize(
    "url", ["https://a.execute-api.eu-west-1.amazonaws.com/prod", "http://[::1]:3001"]
)
def test_the_endpoint_of_the_management_api_is_given(url: str) -> None:
    """With a stage or without."""
    assert settings.management_endpoint({settings.MANAGEMENT_ENDPOINT_VARIABLE: url}) == url


@pytest.mark.parametrize(
    "url", ["wss://a/prod", "a.example/prod", "https:///x", "http://a:b", "http://a:0"]
)
def test_an_endpoint_that_is_none_is_named(url: str) -> None:
    """The variable, its value, and the form."""
    environ = {settings.MANAGEMENT_ENDPOINT_VARIABLE: url}
    with pytest.raises(SettingsError, match=r"APIGATEWAYMANAGEMENTAPI is .*https://\{host\}"):
        settings.management_endpoint(environ)


def test_the_transport_is_the_one_for_broadcasts_unless_the_other_is_asked_for() -> None:
    """Empty counts as not set; another name is an error that says which there are."""
    assert settings.transport({}) == settings.transport({"TRANSPORT": ""}) == "http"
    assert settings.transport({"TRANSPORT": "aiobotocore"}) == "aiobotocore"
    with pytest.raises(SettingsError, match=r"TRANSPORT is 'boto3'.*http, aiobotocore"):
        settings.transport({"TRANSPORT": "boto3"})
