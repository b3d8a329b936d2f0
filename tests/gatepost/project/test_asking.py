"""Questions and what is typed."""

from collections.abc import Callable

import pytest

from gatepost.project.asking import ask, yes_or_no
from gatepost.project.choices import check_region
from gatepost.project.errors import ProjectError


def typing(*answers: str) -> tuple[list[str], Callable[[str], str]]:
    """Give what is shown, and who types these answers."""
    shown: list[str] = []
    left = list(answers)

    def line(text: str) -> str:
        shown.append(text)
        return left.pop(0)

    return shown, line


def test_enter_takes_the_default() -> None:
    """It stands in brackets."""
    shown, line = typing("")
    assert ask("AWS region", "us-east-1", check_region, line) == "us-east-1"
    assert shown == ["AWS region [us-east-1]: "]


def test_a_wrong_answer_is_told_and_asked_again() -> None:
    """Until it is right; blanks around it don't matter."""
    shown, line = typing("europe", " eu-west-1 ")
    assert ask("AWS region", "", check_region, line) == "eu-west-1"
    assert "'europe'" in shown[1]
    assert shown[1].endswith("\nAWS region: ")


@pytest.mark.parametrize(("answer", "meaning"), [("y", True), ("Yes", True), ("n", False)])
def test_yes_and_no_are_understood(answer: str, meaning: bool) -> None:  # noqa: FBT001 - a case
    """In any case, whole or by a letter."""
    assert yes_or_no(answer) is meaning


def test_what_is_neither_yes_nor_no_is_refused() -> None:
    """It would be a guess."""
    with pytest.raises(ProjectError):
        yes_or_no("perhaps")
