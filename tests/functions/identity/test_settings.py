"""What the deployment sets about tokens."""

import pytest

from functions.identity.settings import TokenSettings, read_token_settings
from functions.runtime.settings import SettingsError

SECRET = "s" * 32


def test_without_settings_no_token_counts_and_nobody_is_anonymous() -> None:
    """The empty values that serverless.yml gives mean the same."""
    names = ("JWT_SECRET", "JWT_JWKS_URL", "JWT_AUDIENCE", "JWT_ISSUER", "ORIGINS", "AUTH")
    assert read_token_settings({}) == TokenSettings()
    assert read_token_settings(dict.fromkeys(names, "")) == TokenSettings()


def test_settings_are_read_by_their_names() -> None:
    """Origins are a list with commas, compared without case and last slash."""
    environ = {
        "JWT_SECRET": SECRET,
        "JWT_AUDIENCE": "chat",
        "JWT_ISSUER": "https://id.example",
        "ORIGINS": "https://A.example/, http://localhost:3000",
        "AUTH": "anonymous",
    }
    assert read_token_settings(environ) == TokenSettings(
        secret=SECRET,
        audience="chat",
        issuer="https://id.example",
        origins=frozenset({"https://a.example", "http://localhost:3000"}),
        anonymous=True,
    )


@pytest.mark.parametrize(
    "url", ["https://id.example/keys", "http://127.0.0.1:8080/keys", "http://[::1]/k"]
)
def test_keys_come_over_https_or_from_this_machine(url: str) -> None:
    """Nobody else is trusted with who is let in."""
    assert read_token_settings({"JWT_JWKS_URL": url}).jwks_url == url


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"JWT_JWKS_URL": "http://id.example/keys"}, "JWT_JWKS_URL is no https"),
        ({"JWT_JWKS_URL": "file:///etc/passwd"}, "JWT_JWKS_URL is no https"),
        ({"JWT_JWKS_URL": "https://"}, "JWT_JWKS_URL is no https"),
        ({"JWT_JWKS_URL": "https://[::1"}, "JWT_JWKS_URL is no https"),
        ({"JWT_SECRET": "s" * 31}, "JWT_SECRET is shorter than 32 bytes"),
        ({"JWT_SECRET": SECRET, "JWT_JWKS_URL": "https://a.b/c"}, "are both set"),
        ({"AUTH": "off"}, "AUTH is neither"),
        ({"ORIGINS": " , "}, "ORIGINS names no page"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], said: str) -> None:
    """And never taken for something weaker."""
    with pytest.raises(SettingsError, match=said) as raised:
        read_token_settings(environ)
    assert SECRET not in str(raised.value)
