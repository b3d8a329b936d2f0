"""The contract of Transport, for both adapters over the management API."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from functions.adapters import management_api
from functions.adapters.management_api import ManagementApiTransport, Opening
from functions.core.ports import Delivered, Failed, Gone, Outcome
from tests.contract import scripted_gateway as answers

if TYPE_CHECKING:
    from tests.contract.conftest import OpenTransport
    from tests.contract.scripted_gateway import Script, ScriptedGateway


def impatient(url: str) -> Opening:
    """Open so that a hanging connection costs its test this long, not seconds."""
    return Opening(url, read_timeout_s=0.5)


@pytest.fixture
async def transport(
    gateway: "ScriptedGateway", open_transport: "OpenTransport"
) -> AsyncIterator[ManagementApiTransport]:
    """Give a Transport that reaches the scripted gateway; a busy machine has its time."""
    opening = Opening(gateway.url, connect_timeout_s=20, read_timeout_s=20)
    async with open_transport(opening) as opened:
        yield opened


async def test_a_message_arrives_as_it_is(
    transport: ManagementApiTransport, gateway: "ScriptedGateway"
) -> None:
    """The id is decoded from the path, the body is the payload's bytes (B-205, B-206)."""
    assert await transport.send("L0SM9cOFvHcCIhw=", '{"a":"ä"}'.encode()) == Delivered()
    assert gateway.posts == [("L0SM9cOFvHcCIhw=", '{"a":"ä"}'.encode())]


@pytest.mark.parametrize(
    ("script", "outcome", "attempts"),
    [
        ([answers.GONE], Gone(), 1),
        ([answers.INVALID_ID], Gone(), 1),
        ([answers.BAD_REQUEST], Failed("400"), 1),
        ([answers.FORBIDDEN], Failed("403"), 1),
        ([answers.THROTTLED, answers.THROTTLED, answers.OK], Delivered(), 3),
        ([answers.THROTTLED, answers.GONE], Gone(), 2),
        ([answers.THROTTLED], Failed("throttled"), 4),
        ([answers.BROKEN, answers.OK], Delivered(), 2),
        ([answers.BROKEN], Failed("broken"), 2),
        (["cut", answers.OK], Failed("unknown"), 1),
        (["garbage", answers.OK], Failed("unknown"), 1),
        ([answers.TOO_LONG], Failed("413"), 1),
        ([answers.SLOW_DOWN, answers.OK], Delivered(), 2),
    ],
)
async def test_what_an_answer_means(
    transport: ManagementApiTransport,
    gateway: "ScriptedGateway",
    *,
    script: "list[Script]",
    outcome: Outcome,
    attempts: int,
) -> None:
    """Only 410 and an impossible id mean gone (B-214, B-216); what may have arrived ends there."""
    gateway.scripts["c="] = list(script)
    assert await transport.send("c=", b"x") == outcome
    assert gateway.attempts["c="] == attempts


async def test_a_link_that_closed_while_it_was_idle_is_replaced(
    transport: ManagementApiTransport, gateway: "ScriptedGateway"
) -> None:
    """The gateway closed it before it read the request: that is sent again, over another."""
    gateway.scripts["c="] = ["bye", answers.OK]
    assert [await transport.send("c=", b"x") for _ in range(2)] == [Delivered()] * 2
    assert [to for to, _ in gateway.posts] == ["c=", "c="]


async def test_retry_after_is_waited_for(
    transport: ManagementApiTransport, gateway: "ScriptedGateway"
) -> None:
    """It is longer than the back-off of its own."""
    gateway.scripts["c="] = [answers.SLOW_DOWN, answers.OK]
    clock = asyncio.get_running_loop().time
    started_at = clock()
    assert await transport.send("c=", b"x") == Delivered()
    assert clock() - started_at >= 1


async def test_no_answer_in_time_is_a_failure(
    open_transport: "OpenTransport", gateway: "ScriptedGateway"
) -> None:
    """It is not repeated, over a link that was used neither: the message may have arrived."""
    gateway.scripts["c="] = [answers.OK, "hang"]
    async with open_transport(impatient(gateway.url)) as transport:
        assert await transport.send("c=", b"x") == Delivered()
        assert await transport.send("c=", b"x") == Failed("unknown")
    assert gateway.attempts["c="] == 2


async def test_no_one_listening_is_a_failure(
    open_transport: "OpenTransport", unused_endpoint: str
) -> None:
    """Nothing is raised and nobody is gone."""
    async with open_transport(impatient(unused_endpoint)) as transport:
        sends = (transport.send(f"c{number}=", b"x") for number in range(transport.width))
        assert set(await asyncio.gather(*sends)) == {Failed("broken")}


async def test_a_connection_is_ended(
    transport: ManagementApiTransport, gateway: "ScriptedGateway"
) -> None:
    """One that is gone already is that."""
    gateway.scripts = {"c=": [answers.Answer(204)], "d=": [answers.GONE]}
    assert await transport.close("c=") == Delivered()
    assert await transport.close("d=") == Gone()


async def test_a_slow_reader_fails_alone(
    transport: ManagementApiTransport, gateway: "ScriptedGateway"
) -> None:
    """B-203: one connection that answers 429 again and again slows nobody else down."""
    gateway.scripts["slow="] = [answers.THROTTLED]
    outcomes = await asyncio.gather(*(transport.send(id_, b"x") for id_ in ["slow=", "a=", "b="]))
    assert outcomes == [Failed("throttled"), Delivered(), Delivered()]


async def test_throttling_of_many_slows_all_down_and_fails_none(
    transport: ManagementApiTransport, gateway: "ScriptedGateway"
) -> None:
    """More 429 than one connection is granted alone: the whole sender pauses and goes on."""
    names = [f"c{number}=" for number in range(6)]
    for name in names:
        gateway.scripts[name] = [answers.THROTTLED] * management_api.ATTEMPTS["throttled"]
        gateway.scripts[name] += [answers.OK]
    outcomes = await asyncio.gather(*(transport.send(name, b"x") for name in names))
    assert outcomes == [Delivered()] * 6


async def test_a_given_rate_is_kept_to(
    open_transport: "OpenTransport", gateway: "ScriptedGateway"
) -> None:
    """The account's quota is shared with what clients send (B-224)."""
    clock = asyncio.get_running_loop().time
    async with open_transport(Opening(gateway.url, sends_per_second=100)) as transport:
        started_at = clock()
        sends = (transport.send(f"c{number}=", b"x") for number in range(31))
        assert set(await asyncio.gather(*sends)) == {Delivered()}
        assert clock() - started_at >= 0.28


async def test_as_many_links_are_open_as_sends_run(
    transport: ManagementApiTransport, gateway: "ScriptedGateway"
) -> None:
    """The pool is as wide as the fan-out: no send waits for another's link (B-336)."""
    gateway.meeting = asyncio.Barrier(transport.width)
    names = [f"c{number}=" for number in range(transport.width)]
    gateway.scripts = {name: ["meet"] for name in names}
    outcomes = await asyncio.gather(*(transport.send(name, b"x") for name in names))
    assert outcomes == [Delivered()] * transport.width
