"""Lambda's Invoke on the HTTP port, as boto3 and aiobotocore see it."""

import asyncio
import base64
import json
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import boto3
import pytest
from aiobotocore.session import get_session
from botocore.config import Config
from botocore.exceptions import ClientError

from gatepost.emulator.lambda_api import (
    ASYNC_BYTES_MAX,
    DEAD_LETTER_LENGTH,
    LOG_TAIL_BYTES,
    SYNC_BYTES_MAX,
    LambdaApi,
)
from gatepost.emulator.pages import Pages
from gatepost.gateway.core.deployment import Deployment, Function
from gatepost.gateway.core.inputs import Failed, NotInvocable, Outcome, Returned
from gatepost.gateway.runner.invocation import NOBODY, Caller

if TYPE_CHECKING:
    from gatepost.gateway.core.commands import Report
    from tests.conftest import Eventually

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:shop-dev-f"
BROKEN = Failed("ValueError", "broken", ("  File x, line 1\n",))
DEPLOYMENT = Deployment(
    "shop",
    "dev",
    "eu-west-1",
    "123456789012",
    Path(),
    (),
    {
        "shop-dev-f": Function("shop-dev-f", "f.handler", "python3.13", Path()),
        "shop-dev-g": Function(
            "shop-dev-g", "g.handler", "python3.13", Path(), event_age_s_max=90, dead_letters=True
        ),
        "shop-dev-once": Function(
            "shop-dev-once", "o.handler", "python3.13", Path(), retry_attempts=0
        ),
    },
)


class Scripted:
    """An Invoker that gives the outcomes of a list in turn, then echoes."""

    def __init__(self) -> None:
        self.outcomes: deque[Outcome] = deque()
        self.events: list[Any] = []
        self.callers: list[Caller] = []
        self.log: list[str] = []

    async def invoke(self, function: str, event: bytes, caller: Caller = NOBODY) -> Outcome:
        """Take note of the event and who sent it; give the log to whoever wants it."""
        self.events.append(json.loads(event))
        self.callers.append(caller)
        if caller.on_log is not None:
            for line in self.log:
                caller.on_log(line)
        return self.outcomes.popleft() if self.outcomes else Returned(event)


class Port:
    """A running HTTP port with Invoke."""

    def __init__(self, *, retry_minute_s: float = 0.0) -> None:
        self.functions = Scripted()
        self.reports: list[Report] = []
        self.pages = Pages(DEPLOYMENT, gateway_port=1)
        self.pages.serve(
            LambdaApi(
                DEPLOYMENT,
                self.functions,
                host="localhost",
                on_report=self.reports.append,
                retry_minute_s=retry_minute_s,
            ).add_to
        )

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.pages.port}"

    async def invoke(self, **given: object) -> dict[str, Any]:
        """Call boto3's `lambda.invoke`, in a thread; `Payload` comes back as bytes."""

        def call() -> dict[str, Any]:
            client = boto3.client(
                "lambda", endpoint_url=self.url, config=Config(retries={"max_attempts": 0})
            )
            try:
                answer: dict[str, Any] = client.invoke(**{"FunctionName": "shop-dev-f", **given})
                return {**answer, "Payload": answer["Payload"].read()}
            finally:
                client.close()

        return await asyncio.to_thread(call)

    async def refused(self, **given: object) -> tuple[str, int, str]:
        """Code, status and message of the error that a call ends with."""
        with pytest.raises(ClientError) as caught:
            await self.invoke(**given)
        response: Any = caught.value.response
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        return response["Error"]["Code"], status, response["Error"]["Message"]


@pytest.fixture
async def port(fake_credentials: dict[str, str]) -> AsyncIterator[Port]:
    """A running port whose retries come at once."""
    port = Port()
    await port.pages.start("127.0.0.1", 0)
    yield port
    await port.pages.close()


async def test_a_synchronous_invocation_gives_the_result_back(port: Port) -> None:
    """With the version that ran."""
    answer = await port.invoke(Payload=b'{"a": 1}')
    assert (answer["StatusCode"], answer["Payload"]) == (200, b'{"a": 1}')
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer


async def test_without_payload_the_event_is_an_empty_object(port: Port) -> None:
    """As Lambda has it."""
    await port.invoke()
    assert port.functions.events == [{}]


async def test_aiobotocore_invokes_too(port: Port) -> None:
    """The client of this template's own functions."""
    async with get_session().create_client("lambda", endpoint_url=port.url) as client:
        answer = await client.invoke(FunctionName=ARN, Payload=b"[1]")
        async with answer["Payload"] as stream:
            assert await stream.read() == b"[1]"


async def test_a_failure_is_told_as_the_runtime_reported_it(port: Port) -> None:
    """The call itself succeeds."""
    port.functions.outcomes.append(BROKEN)
    answer = await port.invoke(Payload=b"{}")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"]) == {
        "errorMessage": "broken",
        "errorType": "ValueError",
        "stackTrace": ["  File x, line 1\n"],
    }
    assert port.reports[-1].detail == "ValueError: broken"


async def test_a_synchronous_invocation_is_told_its_client_context(port: Port) -> None:
    """On its way to the runtime it is ASCII on one line, whatever it holds."""
    said = {"custom": {"name": "grüezi\r\n👋"}}
    encoded = base64.b64encode(json.dumps(said, ensure_ascii=False, indent=1).encode()).decode()
    await port.invoke(ClientContext=encoded)
    (caller,) = port.functions.callers
    assert caller.client_context.isascii()
    assert "\n" not in caller.client_context
    assert json.loads(caller.client_context) == said


async def test_an_asynchronous_invocation_has_no_client_context(
    port: Port, eventually: "Eventually"
) -> None:
    """Invoke: "for synchronous invocations only"."""
    await port.invoke(ClientContext="e30=", InvocationType="Event", LogType="Tail")
    await eventually(lambda: port.functions.callers)
    assert port.functions.callers == [NOBODY]


@pytest.mark.parametrize("given", ["{}", "e30", "bm8=", "WzFd", base64.b64encode(b"[" * 2600)])
async def test_a_client_context_is_a_json_object_in_base64(port: Port, given: str | bytes) -> None:
    """Anything else is no invocation."""
    text = given if isinstance(given, str) else given.decode()
    message = "Client context must be a valid Base64-encoded JSON object."
    expected = ("InvalidRequestContentException", 400, message)
    assert await port.refused(ClientContext=text) == expected
    assert not port.functions.events


async def test_a_client_context_has_a_largest_size(port: Port) -> None:
    """3,583 bytes of Base64."""
    code, status, _ = await port.refused(ClientContext="A" * 3584)
    assert (code, status) == ("InvalidRequestContentException", 400)


async def test_the_tail_of_the_log_comes_along_on_request(port: Port) -> None:
    """Its last 4 KiB, of a failed invocation too; without the request there is none."""
    port.functions.log = ["first " + "x" * LOG_TAIL_BYTES, "grüezi", "last"]
    port.functions.outcomes.append(BROKEN)
    answer = await port.invoke(LogType="Tail")
    tail = base64.b64decode(answer["LogResult"])
    assert len(tail) == LOG_TAIL_BYTES
    assert tail.endswith("x\ngrüezi\nlast\n".encode())
    assert answer["FunctionError"] == "Unhandled"
    assert "LogResult" not in await port.invoke()
    assert "LogResult" not in await port.invoke(LogType="None")


@pytest.mark.parametrize(
    "name",
    [
        ARN,
        f"{ARN}:$LATEST",
        "123456789012:function:shop-dev-f",
        "function:shop-dev-f",
        "shop-dev-f:$LATEST",
    ],
)
async def test_a_function_has_many_names(port: Port, name: str) -> None:
    """Name, ARN and what lies between."""
    assert (await port.invoke(FunctionName=name))["StatusCode"] == 200


@pytest.mark.parametrize(
    ("given", "arn"),
    [
        ({"FunctionName": "other"}, ARN.replace("shop-dev-f", "other")),
        ({"FunctionName": f"{ARN}:live"}, f"{ARN}:live"),
        ({"Qualifier": "3"}, f"{ARN}:3"),
    ],
)
async def test_what_is_not_deployed_is_not_found(
    port: Port, given: dict[str, str], arn: str
) -> None:
    """There are no versions and no aliases here."""
    expected = ("ResourceNotFoundException", 404, f"Function not found: {arn}")
    assert await port.refused(**given) == expected


@pytest.mark.parametrize("name", ["a b", "arn:aws:s3:::shop-dev-f", "shop-dev-f:", "a:b:c"])
async def test_what_is_no_name_is_refused(port: Port, name: str) -> None:
    """SDKs refuse most of these themselves."""
    path = f"/2015-03-31/functions/{name}/invocations"
    async with aiohttp.ClientSession() as session, session.post(port.url + path) as response:
        assert response.status == 400
        assert response.headers["x-amzn-ErrorType"] == "ValidationException"
    assert port.functions.events == []


async def test_a_payload_must_be_json(port: Port) -> None:
    """The function is not asked."""
    code, status, message = await port.refused(Payload=b"{")
    assert (code, status) == ("InvalidRequestContentException", 400)
    assert message.startswith("Could not parse request body into json: ")
    code, _, _ = await port.refused(Payload=b'"\xff"')
    assert code == "InvalidRequestContentException"
    assert port.functions.events == []


@pytest.mark.parametrize(
    ("kind", "bytes_max"), [("RequestResponse", SYNC_BYTES_MAX), ("Event", ASYNC_BYTES_MAX)]
)
async def test_a_payload_may_be_so_large(port: Port, kind: str, bytes_max: int) -> None:
    """6 MB, and 1 MB for an event."""
    largest = b'"' + b"x" * (bytes_max - 2) + b'"'
    assert (await port.invoke(InvocationType=kind, Payload=largest))["StatusCode"] in (200, 202)
    text = f"Request must be smaller than {bytes_max} bytes for the InvokeFunction operation"
    assert await port.refused(InvocationType=kind, Payload=largest + b" ") == (
        "RequestTooLargeException",
        413,
        text,
    )


async def test_a_dry_run_invokes_nothing(port: Port) -> None:
    """It says whether it could."""
    assert (await port.invoke(InvocationType="DryRun"))["StatusCode"] == 204
    assert (await port.refused(InvocationType="DryRun", FunctionName="other"))[1] == 404
    assert port.functions.events == []


async def test_what_cant_be_run_now_is_throttled(port: Port) -> None:
    """A full queue, for instance."""
    port.functions.outcomes.append(NotInvocable("too many"))
    assert await port.refused() == ("TooManyRequestsException", 429, "too many")


async def test_an_event_is_accepted_at_once_and_tried_three_times(
    port: Port, eventually: "Eventually"
) -> None:
    """Then it is given up, in one line of the log."""
    port.functions.outcomes.extend([BROKEN] * 3)
    answer = await port.invoke(InvocationType="Event", Payload=b"[1]")
    assert (answer["StatusCode"], answer["Payload"]) == (202, b"")
    await eventually(lambda: port.reports)
    assert port.functions.events == [[1]] * 3
    (report,) = port.reports
    assert (report.kind, report.route_key, report.status) == ("invoke", "f", 500)
    assert report.detail == "given up after 3 attempts: ValueError: broken"


async def test_an_event_that_would_be_too_old_is_given_up_as_a_dead_letter(
    port: Port, eventually: "Eventually"
) -> None:
    """Its age counts AWS's minutes; the log has what a queue of dead letters would get."""
    port.functions.outcomes.extend([BROKEN] * 4)
    payload = json.dumps({"n": 1, "text": "x" * 300}).encode()
    await port.invoke(FunctionName="shop-dev-g", InvocationType="Event", Payload=payload)
    await eventually(lambda: port.reports)
    assert len(port.functions.events) == 2
    shown = payload.decode()[:DEAD_LETTER_LENGTH]
    assert port.reports[-1].detail == (
        "given up after 2 attempts, as it would be older than 90 s: ValueError: broken; "
        f"dead letter: {shown}…"
    )


async def test_an_event_that_is_tried_once_is_given_up_at_once(
    port: Port, eventually: "Eventually"
) -> None:
    """As the workers of this template are."""
    port.functions.outcomes.append(BROKEN)
    await port.invoke(FunctionName="shop-dev-once", InvocationType="Event", Payload=b"{}")
    await eventually(lambda: port.reports)
    assert port.reports[-1].detail == "given up after 1 attempt: ValueError: broken"


async def test_an_event_that_succeeds_is_not_tried_again(
    port: Port, eventually: "Eventually"
) -> None:
    """After a failure as well."""
    port.functions.outcomes.append(BROKEN)
    await port.invoke(InvocationType="Event", Payload=b"[2]")
    await eventually(lambda: port.reports)
    assert port.functions.events == [[2]] * 2
    assert port.reports[0].status == 202


async def test_closing_gives_up_events_that_wait_for_a_retry(
    fake_credentials: dict[str, str], eventually: "Eventually"
) -> None:
    """Nothing outlives the port."""
    port = Port(retry_minute_s=1000)
    await port.pages.start("127.0.0.1", 0)
    port.functions.outcomes.append(BROKEN)
    await port.invoke(InvocationType="Event")
    await eventually(lambda: port.functions.events)
    await asyncio.wait_for(port.pages.close(), 5)
    assert port.reports == []


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.test"}, {"Host": "evil.test:3000"}, {"Origin": "null"}]
)
async def test_a_foreign_page_invokes_nothing(port: Port, headers: dict[str, str]) -> None:
    """A simple request needs no preflight, so it is refused here."""
    path = "/2015-03-31/functions/shop-dev-f/invocations"
    async with (
        aiohttp.ClientSession() as session,
        session.post(port.url + path, data=b"{}", headers=headers) as response,
    ):
        assert response.status == 403
    assert port.functions.events == []
