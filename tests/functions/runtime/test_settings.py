"""Environment variables, read into settings."""

import pytest

from functions.runtime.settings import Settings, SettingsError, read_settings, require


def test_nobody_is_let_in_anonymously_unless_said() -> None:
    """AUTH=anonymous stands in the local environment file only."""
    assert read_settings({"TABLE_NAME": "t"}) == Settings(table_name="t", anonymous=False)
    assert read_settings({"TABLE_NAME": "t", "AUTH": ""}).anonymous is False
    assert read_settings({"TABLE_NAME": "t", "AUTH": "anonymous"}).anonymous is True


def test_a_misspelt_auth_is_no_silent_refusal() -> None:
    """The text names the variable and what it may be."""
    with pytest.raises(SettingsError, match="AUTH is 'Anonymous'; set it to `anonymous`"):
        read_settings({"TABLE_NAME": "t", "AUTH": "Anonymous"})


@pytest.mark.parametrize("environ", [{}, {"TABLE_NAME": ""}])
def test_a_missing_variable_is_named(environ: dict[str, str]) -> None:
    """With what it is and who sets it."""
    with pytest.raises(SettingsError, match=r"TABLE_NAME is not set: .*table.*serverless\.yml"):
        read_settings(environ)


def test_a_required_variable_is_given() -> None:
    """As it is."""
    assert require({"X": " y"}, "X", "meaning") == " y"
