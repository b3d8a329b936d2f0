"""The control endpoint."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from msgspec import convert

from gatepost.emulator.control import Control
from gatepost.emulator.pages import Pages
from gatepost.gateway.core.connection import Connection
from gatepost.gateway.core.deployment import Deployment, WebSocketApi
from gatepost.gateway.core.faults import NO_FAULTS, Faults
from gatepost.gateway.core.gateway import Gateway as Core
from gatepost.gateway.core.inputs import Upgrade
from gatepost.gateway.server.clock import MovableClock

START = 1_772_701_623.25


UPGRADE = (
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)


class ScriptedGateway:
    """Takes note of what it is told."""

    def __init__(self) -> None:
        api = WebSocketApi("a1b2c3d4e5", "chat", "dev", {})
        core = Core(Deployment("shop", "dev", "us-east-1", "1" * 12, Path(), (api,), {}))
        for number in (1, 2):
            core.receive(
                Upgrade(number, "/dev", "", UPGRADE, "localhost", "127.0.0.1"), START + number
            )
        self.open = core.connections()
        self.told: list[object] = []

    def inject(self, faults: Faults) -> None:
        """Take note; there are no workers here."""
        if faults.kill_rate:
            raise ValueError("no workers")
        self.told.append(faults)

    def drop(self, *connection_ids: str) -> None:
        """Take note."""
        self.told.append(connection_ids)

    def tick(self) -> None:
        """Take note."""
        self.told.append("tick")

    def connections(self) -> list[Connection]:
        """Two of them."""
        return self.open


class Port:
    """A running control endpoint."""

    def __init__(self) -> None:
        self.gateway = ScriptedGateway()
        self.clock = MovableClock(standing=START)
        deployment = Deployment("shop", "dev", "us-east-1", "1" * 12, Path(), (), {})
        self.pages = Pages(deployment, gateway_port=1)
        faults = Faults(throttle_rate=0.5)
        control = Control(self.gateway, self.clock, host="localhost", faults=faults)
        self.pages.serve(control.add_to)

    async def ask(self, call: str, body: object = None, **headers: str) -> tuple[int, object]:
        """Status and JSON of an answer; a `str` body is sent as it is."""
        method, path = call.split()
        url = f"http://127.0.0.1:{self.pages.port}/_gatepost/{path}"
        sent = {"data": body} if isinstance(body, str) else {"json": body}
        if body is None:
            sent = {}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers, **sent) as response,
        ):
            return response.status, await response.json()


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    """A running port."""
    port = Port()
    await port.pages.start("127.0.0.1", 0)
    yield port
    await port.pages.close()


async def test_faults_are_shown_replaced_and_cleared(port: Port) -> None:
    """PUT replaces them all: what it does not name is off."""
    asked = [
        await port.ask("GET faults"),
        await port.ask("PUT faults", {"disconnect": "lost", "gone": ["*"]}),
        await port.ask("GET faults"),
        await port.ask("DELETE faults"),
    ]
    lost = Faults(disconnect="lost", gone=("*",))
    assert {status for status, _ in asked} == {200}
    shown = [convert(faults, Faults) for _, faults in asked]
    assert shown == [Faults(throttle_rate=0.5), lost, lost, NO_FAULTS]
    assert port.gateway.told == [lost, NO_FAULTS]


async def test_chosen_links_are_dropped_or_all(port: Port) -> None:
    """All must be asked for by an empty list."""
    one = port.gateway.open[0].id
    assert await port.ask("POST drop", {"connection_ids": [one]}) == (200, {"dropped": 1})
    assert await port.ask("POST drop", {"connection_ids": []}) == (200, {"dropped": 2})
    assert port.gateway.told == [(one,), ()]
    status, said = await port.ask("POST drop", {"connection_ids": [one, "no="]})
    assert (status, said) == (404, {"message": "No such connections: no="})
    assert len(port.gateway.told) == 2


@pytest.mark.parametrize("call", ["GET clock", "PUT falts", "GET faults/"])
async def test_a_request_that_does_not_exist_is_told_which_do(port: Port, call: str) -> None:
    """A typing error is found without the page."""
    status, said = await port.ask(call)
    assert status == 404
    assert said == {
        "message": "There are: GET, PUT, DELETE faults; GET connections; POST drop; POST clock"
    }
    assert port.gateway.told == []


async def test_connections_are_listed(port: Port) -> None:
    """With the moments that GET `@connections` tells."""
    one, two = (connection.id for connection in port.gateway.open)
    moments = {
        "connectedAt": "2026-03-05T09:07:04.250Z",
        "lastActiveAt": "2026-03-05T09:07:04.250Z",
    }
    status, shown = await port.ask("GET connections")
    assert status == 200
    assert isinstance(shown, list)
    assert shown[0] == {"connectionId": one, "api": "chat", "stage": "dev", **moments}
    assert [connection["connectionId"] for connection in shown] == [one, two]


async def test_the_clock_moves_ahead_and_timers_ring(port: Port) -> None:
    """Ten minutes in no time."""
    answer = await port.ask("POST clock", {"advance_s": 600})
    assert answer == (200, {"now": "2026-03-05T09:17:03.250Z"})
    assert port.clock() == START + 600
    assert port.gateway.told == ["tick"]


@pytest.mark.parametrize(
    ("call", "body", "said"),
    [
        ("PUT faults", {"gnoe": ["*"]}, "Object contains unknown field `gnoe`"),
        ("PUT faults", {"throttle_rate": 2}, "Expected `float` <= 1.0 - at `$.throttle_rate`"),
        ("PUT faults", {"gone": "*"}, "Expected `array`, got `str` - at `$.gone`"),
        ("PUT faults", [], "Expected `object`, got `array`"),
        ("POST drop", {}, "Object missing required field `connection_ids`"),
        ("POST clock", {"advance_s": -1}, "Expected `float` >= 0.0 - at `$.advance_s`"),
        (
            "POST clock",
            {"advance_s": 1e300},
            "Expected `float` <= 31536000.0 - at `$.advance_s`",
        ),
    ],
)
async def test_a_wrong_request_says_what_is_wrong_and_changes_nothing(
    port: Port, call: str, body: object, said: str
) -> None:
    """400, with the field."""
    assert await port.ask(call, body) == (400, {"message": said})
    assert port.gateway.told == []


async def test_faults_that_this_gateway_cant_have_are_refused(port: Port) -> None:
    """And those before stay on."""
    before = await port.ask("GET faults")
    assert await port.ask("PUT faults", {"kill_rate": 1}) == (400, {"message": "no workers"})
    assert await port.ask("GET faults") == before


async def test_a_body_that_is_no_json_is_refused(port: Port) -> None:
    """A page may send text anywhere without asking, so the type counts too."""
    status, _ = await port.ask("PUT faults", "{", **{"Content-Type": "application/json"})
    assert status == 400
    status, _ = await port.ask("POST drop", '{"connection_ids": []}')
    assert status == 415
    assert port.gateway.told == []


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("GET faults", None),
        ("PUT faults", {}),
        ("DELETE faults", None),
        ("POST drop", {"connection_ids": []}),
        ("GET connections", None),
        ("POST clock", {"advance_s": 1}),
    ],
)
@pytest.mark.parametrize("headers", [{"Origin": "https://evil.test"}, {"Host": "evil.test"}])
async def test_a_foreign_page_is_kept_out_of_everything(
    port: Port, call: str, body: object, headers: dict[str, str]
) -> None:
    """Each path asks who calls."""
    status, _ = await port.ask(call, body, **headers)
    assert status == 403
    assert port.gateway.told == []
