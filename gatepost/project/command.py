"""`gatepost new DIR`: its options, its questions and what it says."""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO
from urllib.parse import unquote, urlsplit

from gatepost import __version__
from gatepost.project import choices as chosen
from gatepost.project.asking import Ask, ask, yes_or_no
from gatepost.project.choices import Choices
from gatepost.project.errors import ProjectError

USAGE_ERROR: Final = 2
INTERRUPTED: Final = 130
EXAMPLES: Final = """\
examples:
  gatepost new chat
  gatepost new chat --region eu-central-1 --demo none --terraform
"""


def add_options(new: argparse.ArgumentParser) -> None:
    """Describe the command line; docs/reference/cli.md is checked against it."""
    new.add_argument(
        "directory", help="the folder to make; one that is there must be empty (.git may be in it)",
        type=Path, metavar="DIR",
    )  # fmt: skip
    new.add_argument("--name", help="what the service is called (default: as the folder)",
                     type=_checked(chosen.check_name), metavar="NAME")  # fmt: skip
    new.add_argument(
        "--region", help=f"AWS region to deploy to (default: {chosen.DEFAULT_REGION})",
        type=_checked(chosen.check_region), metavar="REGION",
    )  # fmt: skip
    new.add_argument("--demo", help=f"demo page: %(choices)s (default: {chosen.DEFAULT_DEMO})",
                     choices=chosen.DEMOS)  # fmt: skip
    new.add_argument("--terraform", help="Terraform beside serverless.yml (default: no)",
                     action=argparse.BooleanOptionalAction)  # fmt: skip


def run(given: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Make the project, asking on a terminal for what is open; the exit code.

    2 for a mistake of the developer, 130 for Ctrl-C and for the end of input at a question.
    """
    try:
        _make(given, out, input if sys.stdin.isatty() else None)
    except ProjectError as error:
        err.write(f"gatepost: {error}\n")
        return USAGE_ERROR
    except (KeyboardInterrupt, EOFError):  # at a question, or while files are written: none stay
        err.write("\ngatepost: nothing was made\n")
        return INTERRUPTED
    return 0


def _make(given: argparse.Namespace, out: TextIO, line: Ask | None) -> None:
    from gatepost.project.making import make_project, refuse_occupied  # noqa: PLC0415 - late, as
    from gatepost.project.source import origin, template_root  # noqa: PLC0415 - cli.py says

    directory: Path = given.directory
    refuse_occupied(directory)
    root = template_root()
    choices = _asked(given, line) if line else _by_default(given, out)
    count = make_project(directory, root, choices)
    steps = _next_steps(directory, origin())
    out.write(f"Made {choices.name} in {directory}: {count} files.\n{steps}")


def _checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """Make of a check what argparse tells as a mistake of the flag."""

    def checked(text: str) -> str:
        try:
            return check(text)
        except ProjectError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return checked


def _asked(given: argparse.Namespace, line: Ask) -> Choices:
    name, region, demo, terraform = given.name, given.region, given.demo, given.terraform
    if name is None:
        name = ask("Name of the service", _folder_name(given.directory), chosen.check_name, line)
    if region is None:
        region = ask("AWS region", chosen.DEFAULT_REGION, chosen.check_region, line)
    if demo is None:
        question = f"Demo page, {' or '.join(chosen.DEMOS)}"
        demo = ask(question, chosen.DEFAULT_DEMO, chosen.check_demo, line)
    if terraform is None:
        terraform = ask("Terraform beside serverless.yml, yes or no", "no", yes_or_no, line)
    return Choices(name, region, demo, terraform=terraform)


def _by_default(given: argparse.Namespace, out: TextIO) -> Choices:
    name = given.name or _folder_name(given.directory)
    if not name:
        raise ProjectError(
            f"no name can be made of the folder's, {given.directory}; add --name NAME"
        )
    choices = Choices(
        chosen.check_name(name),
        given.region or chosen.DEFAULT_REGION,
        given.demo or chosen.DEFAULT_DEMO,
        terraform=bool(given.terraform),
    )
    if None in (given.name, given.region, given.demo, given.terraform):
        out.write(f"Nobody to ask here, so it is: {choices.flags}\n")
    return choices


def _folder_name(directory: Path) -> str:
    return chosen.name_for(directory.resolve().name)


def _next_steps(directory: Path, source: str) -> str:
    lines = [f"  cd {shlex.quote(str(directory))}", "  make run     # then make test"]
    if source:
        found = Path(unquote(urlsplit(source).path))
        wheels = found.parent if found.suffix == ".whl" else found / "dist"
        lines += [
            f"This gatepost {__version__} is not from an index. Where pip finds none there, the",
            "first `make run` needs its wheel (`make wheel` in its checkout):",
            f"  PIP_FIND_LINKS={shlex.quote(str(wheels))} make run",
        ]
    return "".join(f"{each}\n" for each in lines)
