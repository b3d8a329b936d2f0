"""The list of Autobahn cases that are not OK is what a run shows, and what the page says."""

import json
from pathlib import Path

import pytest

from benchmarks.autobahn.deviations import (
    DEVIATIONS,
    Deviation,
    behaviour_of,
    deviating,
    table,
    unlisted,
)
from benchmarks.results import FOLDER

PAGE = Path(__file__).parent.parent / "docs/how-to/autobahn.md"
LISTED = (
    Deviation("1.1.6-8, 9.1.*", "FAILED 1009", "too long"),
    Deviation("3.2", "NON-STRICT", "a race", races=True),
)
AS_LISTED = {
    "1.1.5": "OK",
    "1.1.6": "FAILED 1009",
    "1.1.8": "FAILED 1009",
    "3.2": "NON-STRICT",
    "7.1.6": "INFORMATIONAL",
    "9.1.12": "FAILED 1009",
}


@pytest.mark.parametrize("came_out", ["NON-STRICT", "OK"])
def test_a_run_that_deviates_as_listed_is_fine_however_its_races_end(came_out: str) -> None:
    """Each listed case has its behaviour, each other one is OK."""
    assert unlisted(AS_LISTED | {"3.2": came_out}, LISTED) == []


@pytest.mark.parametrize(
    ("case", "behaviour", "complaint"),
    [
        ("1.1.5", "FAILED 1009", "1.1.5 is FAILED 1009, listed as OK"),
        ("1.1.9", "NON-STRICT", "1.1.9 is NON-STRICT, listed as OK"),
        ("12.1.7", "UNIMPLEMENTED", "12.1.7 is UNIMPLEMENTED, listed as OK"),
        ("1.1.8", "FAILED 1003", "1.1.8 is FAILED 1003, listed as FAILED 1009"),
        ("9.1.12", "OK", "9.1.12 is OK, listed as FAILED 1009"),
        ("3.2", "FAILED 1002", "3.2 is FAILED 1002, listed as NON-STRICT"),
    ],
)
def test_each_difference_from_the_list_is_named(case: str, behaviour: str, complaint: str) -> None:
    """One that fails without being listed, one that is listed but OK, one that fails otherwise."""
    assert unlisted(AS_LISTED | {case: behaviour}, LISTED) == [complaint]


def test_a_failure_of_the_close_alone_is_one_and_goes_with_the_code_sent() -> None:
    """Entries of wstest's index have both."""
    sent = {"behavior": "OK", "behaviorClose": "FAILED", "remoteCloseCode": 1002}
    assert behaviour_of(sent) == "FAILED 1002"
    assert behaviour_of(sent | {"behaviorClose": "OK"}) == "OK"
    assert behaviour_of(sent | {"behavior": "NON-STRICT", "behaviorClose": "OK"}) == "NON-STRICT"


@pytest.mark.parametrize("server", DEVIATIONS)
def test_the_kept_run_deviates_as_listed(server: str) -> None:
    """Run the suite, or correct the list."""
    kept = json.loads((FOLDER / "autobahn.json").read_text(encoding="utf-8"))
    seen = kept["deviating"][server]
    assert seen == deviating(seen)
    assert unlisted(seen, DEVIATIONS[server]) == []
    not_ok = {name: count for name, count in kept["rows"][server].items() if name != "OK"}
    assert len(seen) == sum(not_ok.values()) - not_ok.get("INFORMATIONAL", 0)


@pytest.mark.parametrize("server", DEVIATIONS)
def test_the_page_shows_the_list(server: str) -> None:
    """Paste what `table` returns."""
    assert table(server) in PAGE.read_text(encoding="utf-8")
