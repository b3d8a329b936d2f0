"""The process's environment while a gateway runs for a test, and what is put back after it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from gatepost.emulator.environment import FAKE_CREDENTIALS

_KEPT: Final = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")
"""Names, or beginnings, of what a test may have set for its handlers: endpoints and the region."""


@contextmanager
def surroundings(given: Mapping[str, str]) -> Iterator[None]:
    """Set `given` and fake credentials; nothing else of the developer's AWS settings is left."""
    before = {**os.environ}
    wanted = {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        **{name: value for name, value in before.items() if name.startswith(_KEPT)},
        **FAKE_CREDENTIALS,
        **given,
    }
    changed = {name for name in before if name.startswith("AWS_")} | set(wanted)
    for name in changed - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in changed:
            os.environ.pop(name, None)
        os.environ.update({name: before[name] for name in changed if name in before})
