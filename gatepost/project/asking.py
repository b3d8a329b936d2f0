"""Questions on a terminal: what the command line left open."""

from collections.abc import Callable
from typing import TypeVar

from gatepost.project.errors import ProjectError

T = TypeVar("T")
Ask = Callable[[str], str]
"""Shows a text and gives the line that was typed; EOFError where the input ends."""


def ask(question: str, default: str, check: Callable[[str], T], line: Ask) -> T:
    """Ask until `check` takes the answer, and give what it gives; Enter is the default."""
    shown = f"{question} [{default}]: " if default else f"{question}: "
    while True:
        try:
            return check(line(shown).strip() or default)
        except ProjectError as error:
            shown = f"  {error}\n{question}: "


def yes_or_no(answer: str) -> bool:
    """Read an answer. Raises ProjectError for one that is neither."""
    if answer.lower() not in {"y", "yes", "n", "no"}:
        raise ProjectError(f"{answer!r} is neither yes nor no")
    return answer.lower().startswith("y")
