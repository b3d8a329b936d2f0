"""The pytest plugin: the fixture `gatepost`, a local gateway for each test that asks for one.

pytest loads this module in every project where gatepost is installed, so it imports nothing until
a test is collected that uses the fixture. How to use it: docs/how-to/test-your-handlers.md.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.emulator.testing.gateway import StartGateway


def pytest_collection_finish(session: pytest.Session) -> None:
    """Import now what the first gateway needs, so that no test waits for it."""
    if session.config.option.collectonly:
        return
    if any("gatepost" in getattr(item, "fixturenames", ()) for item in session.items):
        import gatepost.emulator.testing.prepared  # noqa: F401, PLC0415 - see above


@pytest.fixture
def gatepost() -> "Iterator[StartGateway]":
    """Start gateways: `gatepost({"$connect": handler, "chat": handler})` or `gatepost(template=)`.

    Each listens on a free port and is closed after the test.
    """
    from gatepost.emulator.testing.gateway import Gateways  # noqa: PLC0415 - see above

    gateways = Gateways()
    try:
        yield gateways
    finally:
        gateways.close()
