"""Outlet over SQS and EventBridge, on the wire: moto serves both."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Raw

from functions.adapters.eventbridge import EventBusOutlet
from functions.core.happenings import Happening, OutletError
from functions.core.protocol import Position
from functions.runtime.settings import SettingsError
from functions.runtime.wiring import Environment

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from types_aiobotocore_sqs import SQSClient

AT = 1_800_000_000_000
HAPPENINGS = (
    Happening("published", "chat:a", AT, "ann", Raw(b'{"n": 1}'), Position("e", 1)),
    Happening("vacated", "chat:é", AT + 1),
)
WRITTEN = (
    {
        "version": 1,
        "kind": "published",
        "channel": "chat:a",
        "at": AT,
        "user": "ann",
        "data": {"n": 1},
        "position": {"epoch": "e", "offset": 1},
    },
    {"version": 1, "kind": "vacated", "channel": "chat:é", "at": AT + 1},
)


@pytest.fixture
def environ(moto_endpoint: str, fake_credentials: dict[str, str]) -> dict[str, str]:
    """What a deployment sets, but for the outlets."""
    return {"TABLE_NAME": "none"}


@pytest.fixture
async def sqs(
    moto_endpoint: str, aws_session: "AioSession", fake_credentials: dict[str, str]
) -> AsyncIterator["SQSClient"]:
    """A client that looks into queues."""
    async with aws_session.create_client("sqs", endpoint_url=moto_endpoint) as client:
        yield client


@pytest.fixture
async def queue_url(sqs: "SQSClient") -> str:
    """A queue of the test's own."""
    created = await sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex}")
    return created["QueueUrl"]


async def received(sqs: "SQSClient", queue_url: str) -> list[dict[str, object]]:
    """Give what is in the queue, in no order."""
    answer = await sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture
async def environment(
    environ: dict[str, str], moto_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Environment]:
    """An environment whose settings the test completes; it reaches moto as the emulator's does."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_endpoint)
    environment = Environment(environ)
    yield environment
    await environment.close()


async def test_happenings_arrive_in_the_queue(
    environment: Environment, environ: dict[str, str], sqs: "SQSClient", queue_url: str
) -> None:
    """Each as one message of JSON; what a happening lacks is left out."""
    environ["EVENT_QUEUE_URL"] = queue_url
    outlet = await environment.queue()
    for happening in HAPPENINGS:
        await outlet.put(happening)
    found = await received(sqs, queue_url)
    assert sorted(found, key=lambda each: str(each["at"])) == list(WRITTEN)
    assert await environment.queue() is outlet


@pytest.fixture
async def bus(
    sqs: "SQSClient", queue_url: str, aws_session: "AioSession", moto_endpoint: str
) -> str:
    """A bus whose rule sends publications to the queue."""
    attributes = await sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    name = f"bus-{uuid.uuid4().hex}"
    async with aws_session.create_client("events", endpoint_url=moto_endpoint) as events:
        await events.create_event_bus(Name=name)
        pattern = json.dumps({"source": ["gatepost"], "detail-type": ["published"]})
        await events.put_rule(Name="rule", EventBusName=name, EventPattern=pattern)
        arn = attributes["Attributes"]["QueueArn"]
        await events.put_targets(
            Rule="rule", EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}]
        )
    return name


async def test_happenings_arrive_on_the_event_bus(
    environment: Environment,
    environ: dict[str, str],
    bus: str,
    *,
    sqs: "SQSClient",
    queue_url: str,
) -> None:
    """A rule that matches source and kind finds them, with the moment at which they happened."""
    environ["EVENT_BUS_NAME"] = bus
    outlet = await environment.event_bus()
    for happening in HAPPENINGS:
        await outlet.put(happening)
    [event] = await received(sqs, queue_url)
    assert event["detail"] == WRITTEN[0]
    assert event["time"] == "2027-01-15T08:00:00Z"


async def test_what_is_not_taken_is_an_error(
    environment: Environment, environ: dict[str, str], queue_url: str
) -> None:
    """For the log: a bus or queue that does not exist."""
    environ["EVENT_QUEUE_URL"] = queue_url + "-none"
    with pytest.raises(ClientError, match="queue does not exist"):
        await (await environment.queue()).put(HAPPENINGS[0])


async def test_an_entry_that_fails_alone_is_an_error_too() -> None:
    """EventBridge answers 200 and counts it (its page on PutEvents)."""

    class Client:
        async def put_events(self, **_: object) -> dict[str, object]:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}

    outlet = EventBusOutlet(Client(), "bus")  # type: ignore[arg-type] # the one call that is made
    with pytest.raises(OutletError, match="InternalFailure"):
        await outlet.put(HAPPENINGS[0])


async def test_nobody_waits_long_for_an_outlet_that_is_not_there(
    environment: Environment,
    environ: dict[str, str],
    unused_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two attempts, and botocore's error."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", unused_endpoint)
    environ["EVENT_QUEUE_URL"] = f"{unused_endpoint}/123456789012/none"
    with pytest.raises(BotoCoreError):
        await (await environment.queue()).put(HAPPENINGS[0])


async def test_a_missing_setting_is_named(environment: Environment) -> None:
    """A hook was named and nothing set for it."""
    with pytest.raises(SettingsError, match="EVENT_QUEUE_URL is not set"):
        await environment.queue()
    with pytest.raises(SettingsError, match="EVENT_BUS_NAME is not set"):
        await environment.event_bus()
