"""Tokens for local use, checked by the library that functions verify them with."""

from pathlib import Path

import jwt
import pytest

from functions.companion.authentication import PERMISSIONS
from gatepost.emulator.cli import main
from gatepost.emulator.errors import UserError
from gatepost.emulator.tokens import (
    API_PERMISSIONS,
    TokenOptions,
    make_token,
    read_permission,
    read_ttl_s,
)

NOW = 1_800_000_000
SECRET = "a secret of thirty-two characters or so"


def claims_of(token: str, **options: str) -> dict[str, object]:
    """Verify a token at any time and give its claims."""
    return jwt.decode(
        token,
        SECRET,
        algorithms=["HS256"],
        options={"verify_exp": False, "verify_iat": False},
        audience=options.get("audience"),
    )


def test_a_token_says_who_may_do_what_and_until_when() -> None:
    """The claims of docs/reference/protocol.md."""
    options = TokenOptions(
        sub="alice",
        permissions=["chat:*=subscribe,publish", "game:*"],
        info='{"name": "Älice"}',
        ttl="5m",
    )
    token = make_token(options, {"JWT_SECRET": SECRET}, now=NOW)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert claims_of(token) == {
        "sub": "alice",
        "iat": NOW,
        "exp": NOW + 300,
        "info": {"name": "Älice"},
        "permissions": [
            {"channel": "chat:*", "allow": ["subscribe", "publish"]},
            {"channel": "game:*", "allow": ["subscribe", "publish", "presence", "history"]},
        ],
    }


def test_a_token_of_a_server_says_what_it_may_ask_for() -> None:
    """Every permission that the HTTP API has, and no other."""
    assert set(API_PERMISSIONS) == PERMISSIONS
    options = TokenOptions(sub="billing", api="publish,kick")
    token = make_token(options, {"JWT_SECRET": SECRET}, now=NOW)
    assert claims_of(token)["api"] == ["publish", "kick"]
    with pytest.raises(UserError, match="--api publish,fly: expected some of publish,history"):
        make_token(TokenOptions(sub="b", api="publish,fly"), {"JWT_SECRET": SECRET}, now=NOW)


def test_a_token_names_the_audience_and_issuer_that_functions_want() -> None:
    """As the environment file has them."""
    environ = {"JWT_SECRET": SECRET, "JWT_AUDIENCE": "chat", "JWT_ISSUER": "here"}
    token = make_token(TokenOptions(sub="alice"), environ, now=NOW)
    claims = claims_of(token, audience="chat")
    assert (claims["aud"], claims["iss"]) == ("chat", "here")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90", 90), ("30s", 30), ("5m", 300), ("1h", 3600), ("7d", 604800)],
)
def test_durations_have_a_unit(text: str, seconds: int) -> None:
    """Seconds where it is left out."""
    assert read_ttl_s(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-1", "1.5h", "1w", "٣", "1 h"])
def test_another_duration_is_shown_as_given(text: str) -> None:
    """With what would be right."""
    with pytest.raises(UserError, match=r"--ttl .*: expected a duration such as 30s, 5m, 1h or 7d"):
        read_ttl_s(text)


@pytest.mark.parametrize("text", ["", "=publish", "chat:*=", "chat:*=fly", "chat:*=publish,,"])
def test_another_permission_is_refused(text: str) -> None:
    """A pattern, and operations that exist."""
    with pytest.raises(UserError, match=r"--permissions .*: expected PATTERN=OPERATION"):
        read_permission(text)


@pytest.mark.parametrize("info", ["[]", "{", "1"])
def test_info_is_an_object(info: str) -> None:
    """Anything else would be refused at $connect."""
    with pytest.raises(UserError, match="--info: expected a JSON object"):
        make_token(TokenOptions(sub="a", info=info), {"JWT_SECRET": SECRET}, now=NOW)


def test_the_command_prints_the_token_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that a shell can take it."""
    env_file = tmp_path / "my.env"
    env_file.write_text(f"JWT_SECRET='{SECRET}'\n", encoding="utf-8")
    assert main(["token", "--sub", "bob", "--env-file", str(env_file)]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert claims_of(line)["sub"] == "bob"


def test_without_a_secret_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence and exit code 2."""
    env_file = tmp_path / "my.env"
    env_file.write_text("AUTH=anonymous\n", encoding="utf-8")
    assert main(["token", "--sub", "bob", "--env-file", str(env_file)]) == 2
    said = "gatepost: JWT_SECRET is not set in the environment file; it signs tokens.\n"
    assert capsys.readouterr().err == said
