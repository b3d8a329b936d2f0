"""The contract of Workers, for the adapter over Lambda's Invoke, and the worker's entry point."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from aiobotocore.config import AioConfig

from functions.adapters import dynamodb_items as items
from functions.adapters import lambda_invoke
from functions.adapters.lambda_invoke import JOB_BYTES_MAX, LambdaInvoker
from functions.core.permissions import EVERYTHING, Identity
from functions.core.ports import Connection, Subscription
from functions.core.workers import Job, NotTaken
from functions.fanout import fanout
from functions.runtime.entrypoint import Handler
from functions.runtime.wiring import Environment
from tests.contract import scripted_gateway as answers
from tests.contract.scripted_gateway import Answer
from tests.contract.test_entry_points import granted

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

    from tests.contract.conftest import TableCase
    from tests.contract.scripted_gateway import Script, ScriptedGateway

JOB = Job("chat:a", (0, 3), '{"data":"é"}', after="c=", leave_out="me=", hop=2)
TOOK = "invocations"
"""What Invoke's path ends with, by which the scripted gateway knows it."""

MISSING = Answer(404, "ResourceNotFoundException", b'{"Message":"Function not found"}')
BUSY = Answer(429, "TooManyRequestsException")
# A hanging service costs its test this long; a busy machine has its time elsewhere.
IMPATIENT = lambda_invoke.CONFIG.merge(AioConfig(read_timeout=0.5))
PATIENT = lambda_invoke.CONFIG.merge(AioConfig(connect_timeout=20, read_timeout=20))
NOW = 4_000_000_000
"""Later than any test runs, so that nothing expires."""


@pytest.fixture
async def invoker(
    gateway: "ScriptedGateway", aws_session: "AioSession", fake_credentials: dict[str, str]
) -> AsyncIterator[LambdaInvoker]:
    """Give workers behind a service that answers as a test says."""
    async with aws_session.create_client(
        "lambda", endpoint_url=gateway.url, config=PATIENT
    ) as client:
        yield LambdaInvoker(client, "gatepost-dev-fanout")


async def test_a_job_arrives_as_it_is(invoker: LambdaInvoker, gateway: "ScriptedGateway") -> None:
    """As JSON from which the worker reads the same job."""
    await invoker.take(JOB)
    [(_, body)] = gateway.posts
    assert msgspec.convert(json.loads(body), Job) == JOB


@pytest.mark.parametrize(
    ("script", "attempts"),
    [([BUSY, answers.BROKEN, answers.OK], 3), ([answers.OK], 1)],
)
async def test_what_was_surely_not_taken_is_repeated(
    invoker: LambdaInvoker, gateway: "ScriptedGateway", script: "list[Script]", attempts: int
) -> None:
    """The service said so."""
    gateway.scripts[TOOK] = list(script)
    await invoker.take(JOB)
    assert gateway.attempts[TOOK] == attempts


@pytest.mark.parametrize(
    ("script", "attempts"), [([BUSY], 3), ([MISSING], 1), (["drop"], 1), ([answers.BROKEN], 3)]
)
async def test_what_is_not_taken_or_nobody_knows_is_an_error(
    invoker: LambdaInvoker, gateway: "ScriptedGateway", script: "list[Script]", attempts: int
) -> None:
    """Which names the function; a link that broke is not tried again, as the job may run."""
    gateway.scripts[TOOK] = list(script)
    with pytest.raises(NotTaken, match="gatepost-dev-fanout: "):
        await invoker.take(JOB)
    assert gateway.attempts[TOOK] == attempts


async def test_no_answer_in_time_is_an_error(
    aws_session: "AioSession", gateway: "ScriptedGateway", fake_credentials: dict[str, str]
) -> None:
    """After one attempt."""
    gateway.scripts[TOOK] = ["hang"]
    async with aws_session.create_client(
        "lambda", endpoint_url=gateway.url, config=IMPATIENT
    ) as client:
        with pytest.raises(NotTaken, match="timeout"):
            await LambdaInvoker(client, "f").take(JOB)
    assert gateway.attempts[TOOK] == 1


async def test_the_longest_message_fits_with_all_shards_of_a_million(
    invoker: LambdaInvoker, gateway: "ScriptedGateway"
) -> None:
    """Twice its length when every character is escaped; more shards than that are refused."""
    largest = Job("chat:a", tuple(range(1024)), '"' * 32_768)
    await invoker.take(largest)
    assert len(gateway.posts[0][1]) < JOB_BYTES_MAX / 2
    with pytest.raises(NotTaken, match="at most 240000"):
        await invoker.take(Job("chat:a", tuple(range(50_000)), ""))
    assert len(gateway.posts) == 1


class Context:
    """Lambda's context, of an invocation that has so many seconds left."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """Say so."""
        return int(self._seconds * 1000)


@pytest.fixture
async def worker(
    table: "TableCase", gateway: "ScriptedGateway", monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Handler[Any]]:
    """Give the worker as Lambda would call it; what it hands on comes to the gateway as well."""
    variables = {
        "TABLE_NAME": table.table_name,
        "FANOUT_FUNCTION": "gatepost-dev-fanout",
        "AWS_ENDPOINT_URL_DYNAMODB": table.proxy.url,
        "AWS_ENDPOINT_URL_LAMBDA": gateway.url,
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": gateway.url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    handler = Handler(fanout, lambda: Environment(is_worker=True))
    yield handler
    await asyncio.to_thread(handler.close)


async def fill(table: "TableCase") -> None:
    """Subscribe three connections to `chat:a`."""
    for name in ("a=", "b=", "c="):
        identity = Identity(f"user-{name}", grants=EVERYTHING)
        one = Connection(name, identity, NOW * 1000, NOW + 720, NOW + 7500)
        await table.store.connections.open(one, now=NOW)
        await table.store.subscriptions.add(one, ["chat:a"], subscriptions_max=9, now=NOW)
        await table.store.presence.enter("chat:a", identity, name, expires_at=NOW + 720)


async def test_a_worker_sends_prunes_and_says_how_it_went(
    worker: Handler[Any], table: "TableCase", gateway: "ScriptedGateway"
) -> None:
    """With the actions on the table that pruning needs, and none that infra does not grant."""
    await fill(table)
    table.proxy.permissions.clear()
    gateway.scripts["b="] = [answers.GONE]
    gateway.scripts["c="] = [answers.FORBIDDEN]
    job = {"channel": "chat:a", "shards": [0], "payload": '{"data":"é"}'}
    tally = await asyncio.to_thread(worker, job, Context(29))
    assert tally == {"delivered": 1, "failed": 1, "gone": 1}
    assert gateway.posts[0] == ("a=", '{"data":"é"}'.encode())
    assert "CONN#b=" not in {row["pk"]["S"] for row in await table.items()}
    assert table.proxy.permissions == granted("FanoutRole")


async def test_a_worker_whose_time_is_short_hands_its_job_on(
    worker: Handler[Any], table: "TableCase", gateway: "ScriptedGateway"
) -> None:
    """To the function that the settings name."""
    await fill(table)
    await table.put({**items.shards_key("chat:a"), "shards": items.number(2)})
    late = Subscription("d=", "chat:a", "dan", 1, None, NOW + 7500)
    await table.put(items.by_channel_item(late))
    job = {"channel": "chat:a", "shards": [0, 1], "payload": "{}", "after": "b="}
    tally = await asyncio.to_thread(worker, job, Context(9))
    assert tally == {"delivered": 1, "failed": 0, "gone": 0}
    rest = {"channel": "chat:a", "shards": [1], "payload": "{}", "hop": 2}
    assert [(to, json.loads(body)) for to, body in gateway.posts] == [("c=", {}), (TOOK, rest)]


async def test_a_worker_keeps_to_its_part_of_the_quota(
    worker: Handler[Any], gateway: "ScriptedGateway", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever publishes is not held up by it: few subscribers are reached at once."""
    monkeypatch.setenv("FANOUT_QUOTA", "250")
    monkeypatch.setenv("FANOUT_SHARE", "0.8")
    monkeypatch.setenv("FANOUT_WORKERS", "4")

    async def took(*, is_worker: bool) -> float:
        environment = Environment(is_worker=is_worker)
        transport = await environment.transport()
        await transport.send("warm=", b"x")
        began = time.perf_counter()
        await asyncio.gather(*(transport.send(f"{number}=", b"x") for number in range(30)))
        await environment.close()
        return time.perf_counter() - began

    assert await took(is_worker=True) >= 30 / (0.8 * 250 / 4) - 0.05
    assert len(gateway.posts) == 31
    assert await took(is_worker=False) < 30 / (0.8 * 250 / 4)
