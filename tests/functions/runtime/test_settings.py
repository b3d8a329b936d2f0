"""Environment variables, read into settings."""

import pytest

from functions.runtime import settings
from functions.runtime.settings import Settings, SettingsError, read_settings, require


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
