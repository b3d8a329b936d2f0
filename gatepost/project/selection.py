"""Which files of the template become a project's, by rule.

- Folders that a team owns: what is deployed, its pages and its how-to pages.
- The files beside them, but for those that speak of this repository.
- Tests of those folders, as far as they look at the project alone (imports.py).
- Other pages that any of these names.

What a folder has that is for this repository alone says so by marks (marks.py).
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from gatepost.project.choices import Choices
from gatepost.project.imports import kept_tests
from gatepost.project.tailoring import tailored

FOLDERS: Final = (
    ".github",
    "docs/how-to",
    "functions",
    "infra",
    "requirements",
    "tests/contract",
    "tests/functions",
    "tests/infra",
    "tests/web",
    "web",
)
NOT_THEIRS: Final = ("CHANGELOG.md", "CONTRIBUTING.md", "README.md", "hatch_build.py", "PKG-INFO")
"""Files beside the folders that a project has its own of, or none. PKG-INFO is an sdist's."""

EVERYTHING: Final = Choices("sample", demo="chat", terraform=True)
_PAGE = re.compile(r"\bdocs/[\w./-]+\.md\b")
_TERRAFORM_MODULE: Final = b"infra/terraform"
_JUNK: Final = {"__pycache__", ".terraform", "node_modules"}


def whole_template(root: Path) -> list[str]:
    """Give the paths of all files that any project may get, relative to the template's folder."""
    return sorted(selected(root, EVERYTHING))


def selected(root: Path, choices: Choices) -> dict[str, bytes]:
    """Give the files of a project by path, tailored to it.

    Raises OSError, MarkError, TailoringError, and SyntaxError for a test that is none.
    """
    paths = list(_listed(root))
    found = {path: _tailored(root, path, choices) for path in paths if _candidate(path, choices)}
    found = {path: each for path, each in found.items() if _wanted(path, each, choices)}
    found = _without_foreign_tests(found)
    named = {page for content in found.values() for page in _PAGE.findall(_text(content))}
    pages = {path: _tailored(root, path, choices) for path in paths if path in named}
    return found | {path: content for path, content in pages.items() if content}


def _tailored(root: Path, path: str, choices: Choices) -> bytes:
    return tailored(path, (root / path).read_bytes(), choices)


def _listed(root: Path) -> Iterator[str]:
    """Give every file of the template's folder: what git tracks, where it is a checkout."""
    command = ["git", "-C", str(root), "ls-files", "-z"]
    elsewhere = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    git = None
    if (root / ".git").exists():  # not a folder in somebody's checkout; in a worktree it is a file
        with suppress(OSError):  # no git here
            git = subprocess.run(command, env=elsewhere, capture_output=True, check=False)  # noqa: S603 - a fixed command
    if git and git.returncode == 0:
        paths = [path for path in git.stdout.decode().split("\0") if path]
    else:
        paths = [path.relative_to(root).as_posix() for path in root.rglob("*")]
    for path in sorted(paths):
        if _JUNK.isdisjoint(PurePosixPath(path).parts) and (root / path).is_file():
            yield path


def _candidate(path: str, choices: Choices) -> bool:
    parts = PurePosixPath(path).parts
    if path.startswith("web/demo/") and choices.demo == "none":
        return False
    if not choices.terraform and any("terraform" in part for part in parts):
        return False
    if len(parts) == 1:
        return path not in NOT_THEIRS
    if len(parts) == 2 and parts[0] == "tests":  # noqa: PLR2004 - tests/fakes.py and its like
        return path.endswith(".py") and not parts[1].startswith("test_")
    return any(path.startswith(f"{folder}/") for folder in FOLDERS)


def _wanted(path: str, content: bytes, choices: Choices) -> bool:
    """Tell whether anything is left of a file; a test that names the Terraform module is its."""
    of_terraform = path.startswith("tests/") and _TERRAFORM_MODULE in content
    return bool(content) and (choices.terraform or not of_terraform)


def _without_foreign_tests(found: Mapping[str, bytes]) -> dict[str, bytes]:
    modules = {
        path: _text(content)
        for path, content in found.items()
        if path.startswith("tests/") and path.endswith(".py")
    }
    dropped = modules.keys() - kept_tests(modules)
    return {path: content for path, content in found.items() if path not in dropped}


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")
