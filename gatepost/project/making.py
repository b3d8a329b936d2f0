"""Writing a project: everything or nothing, and never over anything."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from gatepost.project.choices import Choices
from gatepost.project.errors import ProjectError
from gatepost.project.links import led_somewhere, listed
from gatepost.project.selection import selected
from gatepost.project.tailoring import fields_of

RENAMED: Final = {"LICENSE": "LICENSE.gatepost"}
"""The license's notice must stay with copies; the project's own license is its team's affair."""

_OWN_TEXTS: Final = Path(__file__).parent / "texts"


def refuse_occupied(directory: Path) -> None:
    """Raise ProjectError where a project would meet files; those of git alone are none."""
    if not os.path.lexists(directory):
        return
    if not directory.is_dir():
        raise ProjectError(f"{directory} is there already, and is no folder")
    try:
        occupied = any(entry.name != ".git" for entry in directory.iterdir())
    except OSError as error:
        raise ProjectError(f"{directory} can't be read: {error.strerror}") from error
    if occupied:
        raise ProjectError(f"{directory} is not empty; name a new folder, or an empty one")


def files_of(root: Path, choices: Choices) -> dict[str, bytes]:
    """Give the files of a project by path, made from the template in `root`."""
    found = selected(root, choices)
    files = {RENAMED.get(path, path): content for path, content in found.items()}
    texts = {path: files[path].decode() for path in files if path.endswith(".md")}
    how_to = {path: text for path, text in texts.items() if path.startswith("docs/how-to/")}
    fields = fields_of(choices) | {"pages": listed(how_to)}
    for own in sorted(_OWN_TEXTS.glob("*.md")):
        texts[own.name] = own.read_text(encoding="utf-8")
        for field, value in fields.items():
            texts[own.name] = texts[own.name].replace(f"@{field}@", value)
    paths = files.keys() | texts.keys()
    pages = {path: led_somewhere(path, text, paths) for path, text in texts.items()}
    return files | {path: text.encode() for path, text in pages.items()}


def make_project(directory: Path, root: Path, choices: Choices) -> int:
    """Make a project in a folder that is new, or empty but for git's; the number of files.

    Raises ProjectError.
    """
    refuse_occupied(directory)
    files = files_of(root, choices)
    write_project(directory, files, root)
    return len(files)


def write_project(directory: Path, files: dict[str, bytes], root: Path) -> None:
    """Write the files of a project; those that `root` has as executables are some too.

    Who interrupts it finds the folder as it was. Raises ProjectError for a file system that does
    not do what is asked.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".gatepost-new-", dir=directory.parent))
        try:
            project = staging / "project"  # as open as any new folder; the other is for one user
            _write(project, files, root)
            _put(project, directory)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise ProjectError(f"{error.filename or directory}: {error.strerror}") from error


def _write(folder: Path, files: dict[str, bytes], root: Path) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        source = root / path
        if source.is_file() and source.stat().st_mode & 0o100:
            target.chmod(target.stat().st_mode | 0o111)


def _put(project: Path, directory: Path) -> None:
    """Let the project appear at once; entry by entry where the folder is there already."""
    if not directory.exists():
        project.rename(directory)
        return
    there = {entry.name for entry in directory.iterdir()}
    new = [entry.name for entry in sorted(project.iterdir())]
    try:
        for name in new:
            (project / name).rename(directory / name)
    except BaseException:
        for each in [directory / name for name in new if name not in there]:
            shutil.rmtree(each) if each.is_dir() else each.unlink(missing_ok=True)
        raise
