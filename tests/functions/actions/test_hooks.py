"""The ready hooks: each puts what happened where its name says, through `tell`."""

from typing import TYPE_CHECKING

import pytest
from msgspec import Raw, structs

from functions.actions import hooks
from functions.core.happenings import Happening, OutletError, tell
from functions.core.namespaces import Namespace

if TYPE_CHECKING:
    from functions.core.context import Services
    from functions.core.namespaces import Hook
    from tests.fake_outlets import MemoryOutlets

HAPPENING = Happening("published", "chat:a", 1_800_000_000_000, "ann", Raw(b"1"))


async def test_a_hook_puts_what_happened_into_its_outlet(
    services: "Services", outlets: "MemoryOutlets"
) -> None:
    """To the bus, and to the queue."""
    await hooks.to_event_bus(services, HAPPENING)
    assert (outlets.on_event_bus.put_in, outlets.in_queue.put_in) == ([HAPPENING], [])
    await hooks.to_queue(services, HAPPENING)
    assert outlets.in_queue.put_in == [HAPPENING]


@pytest.mark.parametrize("hook", [hooks.to_event_bus, hooks.to_queue])
@pytest.mark.parametrize("error", [OutletError("full"), ConnectionError("no network")])
async def test_an_outlet_that_fails_fails_nobody(
    services: "Services",
    caplog: pytest.LogCaptureFixture,
    hook: "Hook",
    error: Exception,
) -> None:
    """The publication has happened; that it was not told stands in the log."""

    class Failing:
        async def put(self, happening: Happening) -> None:
            raise error

    class Outlets:
        async def event_bus(self) -> Failing:
            return Failing()

        async def queue(self) -> Failing:
            return Failing()

    namespaces = {"chat": Namespace(hook=hook)}
    await tell(structs.replace(services, namespaces=namespaces, outlets=Outlets()), HAPPENING)
    assert "hook failed kind=published channel=chat:a" in caplog.text
