"""Outlet (core/happenings.py) to an EventBridge bus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
from aiobotocore.config import AioConfig

from functions.core.happenings import Happening, OutletError

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from types_aiobotocore_events import EventBridgeClient

SOURCE: Final = "gatepost"
CONFIG: Final = AioConfig(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})


@asynccontextmanager
async def open_outlet(session: "AioSession", bus_name: str) -> AsyncIterator["EventBusOutlet"]:
    """Open an Outlet to a bus, with a client of its own."""
    async with session.create_client("events", config=CONFIG) as client:
        yield EventBusOutlet(client, bus_name)


class EventBusOutlet:
    """Puts each happening on the bus: its kind is the detail type, all of it the detail."""

    def __init__(self, client: "EventBridgeClient", bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    async def put(self, happening: Happening) -> None:
        """Put one event. EventBridge answers 200 for what it does not take, too."""
        answer = await self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._bus_name,
                    "Source": SOURCE,
                    "DetailType": happening.kind,
                    "Detail": msgspec.json.encode(happening).decode(),
                    "Time": datetime.fromtimestamp(happening.at / 1000, UTC),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            raise OutletError(answer["Entries"][0].get("ErrorCode", "unknown"))
