"""A folder for what one run writes, which a later run removes when this one could not.

A run holds a lock on a file in its folder. The system lets go of it however the process ends, so a
lock that can be had tells that nobody is there any more, which a process id can't.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PREFIX: Final = "gatepost-"
LOCK: Final = "owner.lock"


@contextmanager
def own_folder(parent: Path | None = None) -> Iterator[Path]:
    """Make a folder in `parent` (the system's for temporary files) until the end of the block.

    Folders that killed runs of this user left there are removed first.
    """
    parent = parent or Path(tempfile.gettempdir())
    _remove_leftovers(parent)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent) as name:
        folder = Path(name)
        with (folder / "new.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # It gets its name once it is held: another run never finds it free.
            (folder / "new.lock").rename(folder / LOCK)
            yield folder


def _remove_leftovers(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # no lock in it, not ours, held, or gone meanwhile
            _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    """Remove a folder of this user whose lock nobody holds. Raises OSError where there is none."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
