"""Writing a folder as a zip file that is the same bytes for the same files."""

import zipfile
from pathlib import Path
from typing import Final

_OLDEST: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644
"""A regular file that everybody reads: Lambda runs as a user of its own."""

_UNIX: Final = 3
_PACKED: Final = {".gz"}


def write_archive(folder: Path, archive: Path) -> None:
    """Write the files of a folder in the order of their names, all with one time and mode."""
    files = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.external_attr = _MODE << 16
            entry.create_system = _UNIX
            entry.compress_type = (
                zipfile.ZIP_STORED if path.suffix in _PACKED else zipfile.ZIP_DEFLATED
            )
            zipped.writestr(entry, path.read_bytes(), compresslevel=9)
