"""The parity page is what the tests say, and what it must not say."""

import pytest

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
    guesses = {fact.number for fact in FACTS if fact.confidence == "G"}
    unnamed = [
        f"{test.path}::{test.name}"
        for number in guesses
        for test in TESTS.get(number, [])
        if test.path.startswith("conformance/") and "guess" not in test.name
    ]
    assert unnamed == []
