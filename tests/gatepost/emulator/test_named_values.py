"""`--setting NAME=VALUE`; test_fault_flags.py has the faults."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.emulator.errors import UserError
from gatepost.emulator.named_values import parse_named_values
from gatepost.gateway.core.deployment import Throttle
from gatepost.gateway.core.settings import GatewaySettings

BASE = GatewaySettings(ordering="serial", idle_timeout_s=5.0)


def settings_of(*flags: str) -> GatewaySettings:
    """Return what the flags make of BASE."""
    return parse_named_values("setting", flags, BASE)


def test_what_is_not_named_stays() -> None:
    """The options that are short for settings come first."""
    assert settings_of() == BASE
    changed = settings_of("idle_timeout_s=60")
    assert changed == msgspec.structs.replace(BASE, idle_timeout_s=60.0)


def test_every_kind_of_value_is_read() -> None:
    """Numbers, switches, choices, texts with any characters, lists, objects, nothing."""
    assert settings_of(
        "frame_bytes_max=1000", "binary_posts=true", "foreign_connection_status=410",
        "too_long_message={a=b}", "denied_access_keys=one,two", "denied_access_keys=three",
        'credentials={"me": "secret"}', "connect_throttle=null",
        'account_throttle={"rate": 1.5, "burst": 3}', "ordering=shuffle",
    ) == msgspec.structs.replace(
        BASE, frame_bytes_max=1000, binary_posts=True, foreign_connection_status=410,
        too_long_message="{a=b}", denied_access_keys=("one", "two", "three"),
        credentials={"me": "secret"}, connect_throttle=None,
        account_throttle=Throttle(1.5, 3), ordering="shuffle",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("idle=1", "there is no setting 'idle'. There are: idle_timeout_s, lifetime_s,"),
        ("idle_timeout_s", "expected NAME=VALUE"),
        ("idle_timeout_s=", "expected NAME=VALUE"),
        ("idle_timeout_s=soon", "Expected a number, got a text"),
        ("binary_posts=maybe", "Expected true or false, got a text"),
        ("extra_path_status=405", "Invalid enum value 405"),
        ("plain_get_status=200", "Expected a whole number >= 400"),
        ("deleted_close_code=5000", "Expected a whole number <= 4999"),
        ("idle_timeout_s=0", "Expected a number > 0"),
        ("lifetime_s=-1", "Expected a number > 0"),
        ("message_bytes_max=0", "Expected a whole number >= 1"),
        ("frame_bytes_max=-5", "Expected a whole number >= 1"),
        ("url_chars_max=0", "Expected a whole number >= 1"),
        ("unread_bytes_max=-1", "Expected a whole number >= 1"),
        ("authorizer_result_bytes_max=0", "Expected a whole number >= 1"),
        ("shuffle_s_max=-0.1", "Expected a number >= 0"),
        ("opening_window_s=90000", "Expected a number <= 86400"),
        ('account_throttle={"rate": -1, "burst": 1}', "Expected a number >= 0"),
        ('connect_throttle={"rate": 1, "burst": -1}', "Expected a whole number >= 0"),
        ("credentials=me", "Expected an object in JSON, got a text"),
        ('credentials={"me"', "Expected an object in JSON, got a text"),
        ('account_throttle={"rate": 1}', "Object missing required field `burst`"),
    ],
)
def test_a_wrong_flag_is_named_with_what_is_wrong(flag: str, said: str) -> None:
    """In one sentence."""
    with pytest.raises(UserError) as caught:
        settings_of(flag)
    assert str(caught.value).startswith(f"--setting {flag}: ")
    assert said in str(caught.value)


@given(st.sampled_from(GatewaySettings.__struct_fields__), st.text())
def test_whatever_is_given_is_taken_or_refused(name: str, value: str) -> None:
    """No text is a traceback."""
    refusal = ""
    try:
        settings = settings_of(f"{name}={value}")
    except UserError as error:
        refusal = str(error)
        settings = GatewaySettings()
    assert not refusal or refusal.startswith(f"--setting {name}={value}: ")
    assert msgspec.convert(msgspec.to_builtins(settings), GatewaySettings) == settings


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_number_without_end_is_refused(value: str) -> None:
    """Nothing could be compared with it."""
    with pytest.raises(UserError, match=r"Expected (a finite number|a number)"):
        settings_of(f"idle_timeout_s={value}")
