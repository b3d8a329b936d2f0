"""The contract of Transport, for the adapter over the management API."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from aiobotocore.config import AioConfig

from functions.adapters import management_api
from functions.adapters.management_api import ManagementApiTransport
from functions.core.ports import Delivered, Failed, Gone, Outcome
from tests.contract import scripted_gateway as answers

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

    from tests.contract.scripted_gateway import Script, ScriptedGateway

# A hanging connection costs its test this long, not the seconds of CONFIG.
IMPATIENT = management_api.CONFIG.merge(AioConfig(read_timeout=0.5))
# Where nothing hangs, a busy machine has its time.
PATIENT = management_api.CONFIG.merge(AioConfig(connect_timeout=20, read_timeout=20))


@pytest.fixture
async def transport(
    gateway: "ScriptedGateway", aws_session: "AioSession", fake_credentials: dict[str, str]
) -> AsyncIterator[ManagementApiTransport]:
    """Give a Transport that reaches the scripted gateway."""
    async with aws_session.create_client(
        "apigatewaymanagementapi", endpoint_url=gateway.url, config=PATIENT
    ) as client:
        yield ManagementApiTransport(client)


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
        (["drop", answers.OK], Delivered(), 2),
        (["drop"], Failed("broken"), 2),
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
    """Only 410 and an impossible id mean gone (B-214, B-216); 429 and broken links are repeated."""
    gateway.scripts["c="] = list(script)
    assert await transport.send("c=", b"x") == outcome
    assert gateway.attempts["c="] == attempts


async def test_no_answer_in_time_is_a_failure(
    aws_session: "AioSession", gateway: "ScriptedGateway", fake_credentials: dict[str, str]
) -> None:
    """It is not repeated: the message may have arrived."""
    gateway.scripts["c="] = ["hang"]
    async with aws_session.create_client(
        "apigatewaymanagementapi", endpoint_url=gateway.url, config=IMPATIENT
    ) as client:
        assert await ManagementApiTransport(client).send("c=", b"x") == Failed("timeout")
    assert gateway.attempts["c="] == 1


async def test_no_one_listening_is_a_failure(
    aws_session: "AioSession", unused_endpoint: str, fake_credentials: dict[str, str]
) -> None:
    """Nothing is raised and nobody is gone."""
    async with aws_session.create_client(
        "apigatewaymanagementapi", endpoint_url=unused_endpoint, config=IMPATIENT
    ) as client:
        assert await ManagementApiTransport(client).send("c=", b"x") == Failed("broken")


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


async def test_throttling_of_many_pauses_the_whole_sender(
    transport: ManagementApiTransport, gateway: "ScriptedGateway"
) -> None:
    """One 429 each, and the next attempt waits for the pause rather than its own back-off."""
    names = [f"c{number}=" for number in range(management_api.PACED_CONNECTIONS)]
    gateway.scripts = {name: [answers.THROTTLED, answers.OK] for name in names}
    clock = asyncio.get_running_loop().time
    started_at = clock()
    await asyncio.gather(*(transport.send(name, b"x") for name in names))
    assert clock() - started_at > management_api.PAUSE_S * 0.6


async def test_as_many_links_are_open_as_sends_run(
    transport: ManagementApiTransport, gateway: "ScriptedGateway"
) -> None:
    """The pool is as wide as the fan-out: no send waits for another's link (B-336)."""
    gateway.meeting = asyncio.Barrier(transport.width)
    names = [f"c{number}=" for number in range(transport.width)]
    gateway.scripts = {name: ["meet"] for name in names}
    outcomes = await asyncio.gather(*(transport.send(name, b"x") for name in names))
    assert outcomes == [Delivered()] * transport.width
