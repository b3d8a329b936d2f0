"""What the processes of one test run share: it is made by whichever comes first; others wait."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """Make a folder that all processes of this test run have; give it."""
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    shared.mkdir(parents=True, exist_ok=True)
    return shared


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder."""
    with (folder / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
