"""The parity page is what the tests say, and what it must not say."""

import re
from typing import Final

import pytest

from gatepost.gateway.core.settings import GatewaySettings
from tests.parity import (
    PARITY_PAGE,
    Fact,
    read_deviations,
    read_facts,
    read_tests,
    render,
    status_of,
)

SIMPLIFIED_MAX = 5
NOT_A_SETTING: Final = {
    "B-261": "what the gateway never does",
    "B-304": "the fault disconnect=twice",
    "B-342": "about bills",
    "B-343": "about bills",
}
"""Guesses that no setting can decide, and why."""
FACTS = read_facts()
TESTS = read_tests()
DEVIATIONS = read_deviations()


def must_hold(fact: Fact) -> bool:
    """Whether the fact is documented, observed or measured, and not only inferred or guessed."""
    return fact.confidence[0] in "DOM"


def test_the_page_is_up_to_date() -> None:
    """Who changes a test or a reason runs `make parity`."""
    assert PARITY_PAGE.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.number)
def test_every_fact_that_a_local_gateway_can_have_is_emulated(fact: Fact) -> None:
    """A guess may be left out, with its reason; nothing is left out without one."""
    status = status_of(fact, TESTS, DEVIATIONS)
    if must_hold(fact):
        assert status != "not emulated"
    else:
        assert status != "not emulated" or fact.number in DEVIATIONS


def test_few_facts_are_simplified_and_none_that_must_hold() -> None:
    """At most five inferred ones, each with its reason."""
    simplified = [fact for fact in FACTS if status_of(fact, TESTS, DEVIATIONS) == "simplified"]
    assert [fact.number for fact in simplified if must_hold(fact)] == []
    assert len(simplified) <= SIMPLIFIED_MAX


def test_every_reason_is_for_a_fact_and_still_needed() -> None:
    """A fact that has a test of its own is not excused as well, unless it is simplified."""
    numbers = {fact.number for fact in FACTS}
    assert set(DEVIATIONS) <= numbers
    excused = {number for number, given in DEVIATIONS.items() if given.status != "simplified"}
    assert {number for number in excused if number in TESTS} == set()


def test_tests_of_guesses_say_so() -> None:
    """A reader must see that such a test pins our choice and no knowledge about AWS."""
    guesses = {fact.number for fact in FACTS if fact.confidence.startswith("G")}
    unnamed = [
        f"{test.path}::{test.name}"
        for number in guesses
        for test in TESTS.get(number, [])
        if test.path.startswith("conformance/") and "guess" not in test.name
    ]
    assert unnamed == []


def test_every_guess_is_a_setting_that_says_so() -> None:
    """Also where only a part of the fact is one; what is listed as a guess is no known fact."""
    _, _, listed = (GatewaySettings.__doc__ or "").partition("Each of these is a guess")
    items = re.findall(r"^ *- `(\w+)` .+?\((B-\d{3})\)\.$", listed, re.DOTALL | re.MULTILINE)
    guesses = {fact.number for fact in FACTS if re.search(r"\bG\b", fact.confidence)}
    assert {name for name, _ in items} <= set(GatewaySettings.__struct_fields__)
    numbers = {number for _, number in items}
    assert guesses - numbers == set(NOT_A_SETTING)
    assert numbers - guesses == {"B-025", "B-217"}  # observed, but hardly
