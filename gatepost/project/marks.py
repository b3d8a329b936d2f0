"""Marks in the template's files: which lines are for whom.

A mark is a comment line of its own, `# <gatepost>`, `// <demo>` or `<!-- <terraform> -->`, and
holds until `</...>`. It never nests.

- gatepost: lines for this repository alone.
- project: lines for a project alone, each behind a `#`; `@name@` and such are filled in.
- any other name of MARKS: lines for projects that chose it.

So the template works as it stands, and who edits a file sees what of it goes into projects.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

MARKS: Final = ("gatepost", "project", "demo", "terraform")

_MARK = re.compile(rf"\s*(?:#|//|<!--) ?<(/?)({'|'.join(MARKS)})>(?: ?-->)?\s*")
_COMMENTED = re.compile(r"(\s*)# ?(.*\n?)", re.DOTALL)


class MarkError(Exception):
    """A mark that is not closed, or closes what is not open: a defect of the template."""


def resolve(text: str, kept: AbstractSet[str], fields: Mapping[str, str]) -> str:
    """Give what of a file is for a project that chose `kept`; "" where nothing of it is.

    Raises MarkError.
    """
    lines: list[str] = []
    within = ""
    blanks_to_skip = 0
    for line in text.splitlines(keepends=True):
        mark = _MARK.fullmatch(line)
        if mark:
            blanks_to_skip = _blanks_before(lines)
            within = _crossed(within, mark)
        elif within == "project":
            lines.append(_filled(_uncommented(line), fields))
        elif within and within not in kept:
            continue
        elif blanks_to_skip and not line.strip():
            blanks_to_skip -= 1
        else:
            blanks_to_skip = 0
            lines.append(line)
    if within:
        raise MarkError(f"<{within}> is not closed")
    return _without_end_of_blanks(lines) if len(lines) < text.count("\n") else text


def _blanks_before(lines: list[str]) -> int:
    """Count the blank lines before a mark: as many after it were only its own."""
    count = 0
    while count < len(lines) and not lines[-1 - count].strip():
        count += 1
    return count if count < len(lines) else 2**30  # nothing but blanks: none may begin a file


def _without_end_of_blanks(lines: list[str]) -> str:
    text = "".join(lines)
    return f"{text.rstrip()}\n" if text.strip() else ""


def _crossed(within: str, mark: re.Match[str]) -> str:
    closes, name = mark[1] == "/", mark[2]
    if closes != bool(within) or (closes and name != within):
        raise MarkError(f"{mark[0].strip()} stands within <{within}>")
    return "" if closes else name


def _uncommented(line: str) -> str:
    commented = _COMMENTED.fullmatch(line)
    if commented is None:
        raise MarkError(f"{line.strip()!r} stands within <project> and is no comment")
    return commented[1] + commented[2]


def _filled(line: str, fields: Mapping[str, str]) -> str:
    for field, value in fields.items():
        line = line.replace(f"@{field}@", value)
    return line
