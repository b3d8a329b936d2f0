"""What a hook is told."""

import asyncio

import pytest
from msgspec import Raw, json, structs

from functions.core.context import Services
from functions.core.happenings import Happening, tell
from functions.core.namespaces import Namespace
from functions.core.protocol import Position

HAPPENING = Happening("published", "told:a", 5, "ann", Raw(b'{"a":1}'), Position("e", 3))


async def test_the_hook_of_the_channels_namespace_is_told(
    services: Services, happenings: list[Happening]
) -> None:
    """And no other: a namespace without one is none's business, nor is one that is gone."""
    await tell(services, HAPPENING)
    await tell(services, structs.replace(HAPPENING, channel="chat:a"))
    await tell(services, structs.replace(HAPPENING, channel="none:a"))
    assert happenings == [HAPPENING]


async def test_a_hook_that_fails_fails_nobody(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and counted for an alarm."""

    async def fail(services: Services, happening: Happening) -> None:
        raise ConnectionError("the bus is away")

    failing = structs.replace(services, namespaces={"told": Namespace(hook=fail)})
    await tell(failing, HAPPENING)
    assert "hook failed kind=published channel=told:a" in caplog.text
    assert "the bus is away" in caplog.text
    assert [record.__dict__["metrics"] for record in caplog.records] == [{"HooksFailed": 1}]


async def test_a_hook_that_hangs_is_given_up(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody waits for the reply."""

    async def hang(services: Services, happening: Happening) -> None:
        await asyncio.Event().wait()

    hanging = structs.replace(services, namespaces={"told": Namespace(hook=hang)})
    await tell(hanging, HAPPENING, timeout_s=0.01)
    assert "hook failed kind=published channel=told:a" in caplog.text


def test_a_happening_is_json_with_a_version() -> None:
    """Only what there is; data as it was."""
    assert json.decode(json.encode(HAPPENING)) == {
        "version": 1,
        "kind": "published",
        "channel": "told:a",
        "at": 5,
        "user": "ann",
        "data": {"a": 1},
        "position": {"epoch": "e", "offset": 3},
    }
    assert json.decode(json.encode(Happening("vacated", "told:a", 5))) == {
        "version": 1,
        "kind": "vacated",
        "channel": "told:a",
        "at": 5,
    }
