"""Unpacks a zip file whose code is nowhere else, into `.gatepost/unpacked` of the project.

Responsible for archives that anybody may have made: what they unpack to is bounded, and nothing is
written outside of its folder. Where code lies otherwise is code_location.py's.
"""

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

UNPACKED_BYTES_MAX: Final = 250 * 1024 * 1024
"""What Lambda takes of code and layers together, unpacked (Lambda quotas)."""

ENTRIES_MAX: Final = 50_000

_CHUNK_BYTES: Final = 1024 * 1024
_LINK_BYTES_MAX: Final = 4096
_EXECUTABLE: Final = 0o111


class ArchiveError(ValueError):
    """An archive that can't be unpacked, in words that follow its name."""


def hidden_folder(project: Path) -> Path:
    """Return `.gatepost` of the project, made, and ignored by git. Raises OSError."""
    folder = project / ".gatepost"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


def unpack(archive: Path, project: Path, notice: "Callable[[str], None]") -> Path:
    """Return the folder that the archive is unpacked to, which is named for what it contains.

    `notice` is told a sentence, without the function's name. Raises ArchiveError for what is no
    zip file, is too large, or has an entry that would lie outside of the folder.
    """
    try:
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
        parent = hidden_folder(project) / "unpacked"
        parent.mkdir(exist_ok=True)
        folder = parent / f"{archive.stem}-{digest}"
        if not folder.is_dir():
            _unpack_anew(archive, folder)
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ArchiveError(f"can't be unpacked: {error}") from None
    notice(f"is run from {archive.name} alone, unpacked to {folder}: edits need a new archive")
    return folder


def _unpack_anew(archive: Path, folder: Path) -> None:
    """Unpack into a folder beside, which takes its name once it is whole."""
    with (
        zipfile.ZipFile(archive) as opened,
        tempfile.TemporaryDirectory(dir=folder.parent) as made,
    ):
        root = Path(made) / "code"
        root.mkdir()
        entries = opened.infolist()
        if len(entries) > ENTRIES_MAX:
            raise ArchiveError(f"has more than {ENTRIES_MAX} entries")
        left = UNPACKED_BYTES_MAX
        links = []
        for entry in entries:
            place = _inside(root, entry.filename)
            if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise ArchiveError(f"has an entry {entry.filename!r} that Lambda can't unpack")
            if stat.S_ISLNK(entry.external_attr >> 16):
                with opened.open(entry) as source:
                    links.append((place, os.fsdecode(source.read(_LINK_BYTES_MAX))))
            elif entry.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                left = _write(opened, entry, place, left)
        for place, target in links:
            _link(place, target, root)
        shutil.move(root, folder)


def _inside(root: Path, name: str) -> Path:
    """Return where an entry goes, lexically; links are made after all files."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveError(f"has an entry {name!r}, which would lie outside of its folder")
    return root / path


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path, left: int) -> int:
    """Write one file; return how many bytes are left, whatever the entry says of its size."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as source, place.open("wb") as file:
        while chunk := source.read(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise ArchiveError(f"unpacks to more than {UNPACKED_BYTES_MAX} bytes")
            file.write(chunk)
    if entry.external_attr >> 16 & _EXECUTABLE:
        place.chmod(0o755)
    return left


def _link(place: Path, target: str, root: Path) -> None:
    """Make a link to what is there already, so that no later link can lead it elsewhere."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = (place.parent / target).resolve(strict=True)
        inside = found.is_relative_to(root.resolve())
    except OSError:
        return  # it leads nowhere, or to a link that does
    if not inside:
        raise ArchiveError(f"has a link to {target!r}, which lies outside of its folder")
    place.symlink_to(target)
