"""Environment variables, read into settings."""

import pytest

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
