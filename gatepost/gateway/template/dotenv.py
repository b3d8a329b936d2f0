"""`.env` files, which the framework loads when a template says `useDotenv: true`; --env-file too.

Responsible for the common form of such files: `NAME=value` in lines, `export`, quotes, comments.
Values are taken as they stand; nothing is expanded in them.
"""

import re
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.yaml_source import read_text

if TYPE_CHECKING:
    from pathlib import Path

_LINE: Final = re.compile(
    r"""
    ^[ \t]* (?:export[ \t]+)? (?P<name>[A-Za-z_][A-Za-z0-9_.]*) [ \t]*=[ \t]*
    (?: "(?P<double>(?:\\.|[^"\\])*)" | '(?P<single>[^']*)' | (?P<bare>[^\n]*?) )
    [ \t]* (?:(?<=[\s"'])\#[^\n]*)? $
    """,
    re.VERBOSE | re.MULTILINE,
)


def read_dotenv(folder: "Path", stage: str) -> dict[str, str]:
    """Return the variables of `.env.{stage}`, else of `.env`, else none.

    Raises TemplateError for a file that can't be read.
    """
    for name in (f".env.{stage}", ".env"):
        if (folder / name).is_file():
            return parse_dotenv(read_text(folder / name, name))
    return {}


def strange_line(text: str) -> tuple[int, str] | None:
    """Return number and text of the first line that sets nothing and is no comment, if any."""
    # What is read is blanked out with its line ends kept, for values may span lines.
    rest = _LINE.sub(lambda match: "\n" * match[0].count("\n"), text.replace("\r\n", "\n"))
    for number, line in enumerate(rest.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            return number, line.strip()
    return None


def parse_dotenv(text: str) -> dict[str, str]:
    """Return the variables of a file's text; lines of another form are passed over."""
    values = {}
    for match in _LINE.finditer(text.replace("\r\n", "\n")):
        if (double := match["double"]) is not None:
            values[match["name"]] = double.replace("\\n", "\n").replace('\\"', '"')
        else:
            values[match["name"]] = match["single"] if match["bare"] is None else match["bare"]
    return values
