"""`--fault NAME=VALUE`."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.emulator.cli import main
from gatepost.emulator.errors import UserError
from gatepost.emulator.fault_flags import parse_faults
from gatepost.gateway.core.faults import NO_FAULTS, Faults

PAGE = Path(__file__).parents[3] / "docs/reference/http-port.md"


def test_the_reference_describes_every_fault_and_no_other() -> None:
    """The table of docs/reference/http-port.md."""
    table = PAGE.read_text(encoding="utf-8").partition("\n## Faults\n")[2]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    described = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(described) == sorted(Faults.__struct_fields__)


def test_no_flag_is_no_fault() -> None:
    """The default."""
    assert parse_faults([]) == NO_FAULTS


def test_every_kind_of_value_is_read() -> None:
    """Texts, numbers, switches, lists; an id may end with an equals sign."""
    flags = ["disconnect=lost", "throttle_rate=0.1", "late_s=2", "cold_start=true",
             "gone=*", "hang=L0SM9cOFvHcCIAg=,abc", "hang=def"]  # fmt: skip
    assert parse_faults(flags) == Faults(
        disconnect="lost", throttle_rate=0.1, late_s=2.0, cold_start=True,
        gone=("*",), hang=("L0SM9cOFvHcCIAg=", "abc", "def"),
    )  # fmt: skip


def test_the_last_value_of_a_name_counts() -> None:
    """As with other options."""
    assert parse_faults(["late_s=2", "late_s=3"]).late_s == 3


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("gnoe=*", "there is no fault 'gnoe'. There are: gone, hang,"),
        ("gone", "expected NAME=VALUE"),
        ("gone=", "expected NAME=VALUE"),
        ("throttle_rate=2", "Expected a number <= 1"),
        ("throttle_rate=x", "Expected a number, got a text"),
        ("disconnect=never", "Invalid enum value 'never'. There are: once, lost, late, twice."),
        ("late_s=-1", "Expected a number >= 0"),
        ("cold_start=maybe", "Expected true or false, got a text"),
    ],
)
def test_a_wrong_flag_is_named_with_what_is_wrong(flag: str, said: str) -> None:
    """In one sentence."""
    with pytest.raises(UserError) as caught:
        parse_faults([flag])
    assert str(caught.value).startswith(f"--fault {flag}: ")
    assert said in str(caught.value)


def test_the_command_line_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is started."""
    assert main(["dev", "--fault", "kill_rate=7"]) == 2
    assert "gatepost: --fault kill_rate=7: Expected a number <= 1" in capsys.readouterr().err


@given(
    st.builds(
        Faults,
        gone=st.lists(st.text("abc=_-*", min_size=1)).map(tuple),
        throttle_rate=st.floats(0, 1),
        hang_s=st.floats(0, 100),
        disconnect=st.sampled_from(["once", "lost", "late", "twice"]),
        cold_start=st.booleans(),
    )
)
def test_whatever_can_be_injected_can_be_written_as_flags(faults: Faults) -> None:
    """Nothing but the command line is needed to see it."""
    flags = []
    for name, value in msgspec.structs.asdict(faults).items():
        values = value if isinstance(value, tuple) else (value,)
        flags += [f"{name}={str(v).lower() if isinstance(v, bool) else v}" for v in values]
    assert parse_faults(flags) == faults
