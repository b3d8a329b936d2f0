"""The pytest plugin: the fixture `gatepost`, a local gateway for each test that asks for one.

pytest loads this module in every project where gatepost is installed, so it imports nothing until
the fixture is used. How to use it: docs/how-to/test-your-handlers.md.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.emulator.testing.gateway import StartGateway


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
