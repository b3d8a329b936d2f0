"""Outlets that remember what was put into them, for tests of what calls hooks."""

from functions.core.happenings import Happening


class MemoryOutlet:
    """Outlet that remembers what it was given."""

    def __init__(self) -> None:
        self.put_in: list[Happening] = []

    async def put(self, happening: Happening) -> None:
        """Take it."""
        self.put_in.append(happening)


class MemoryOutlets:
    """Outlets that are always there."""

    def __init__(self) -> None:
        self.on_event_bus, self.in_queue = MemoryOutlet(), MemoryOutlet()

    async def event_bus(self) -> MemoryOutlet:
        """Give the event bus."""
        return self.on_event_bus

    async def queue(self) -> MemoryOutlet:
        """Give the queue."""
        return self.in_queue
