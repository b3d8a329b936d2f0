"""What tests of every kind share: a DynamoDB to talk to, a table, and waiting without sleeping.

Fixtures of one kind of test live in the conftest.py of its folder. A test module that wants the
type of a fixture imports it under TYPE_CHECKING (`from tests.conftest import Eventually`).
"""

import asyncio
import inspect
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import pytest

T = TypeVar("T")

REGION = "us-east-1"
FAKE_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}

# One request at a time: moto's DynamoDB copies and restores whole tables in a transaction, so that
# under threads acknowledged writes of others get lost.
MOTO_SERVER = """
import logging
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
logging.getLogger("werkzeug").setLevel(logging.ERROR)
app = DomainDispatcherApplication(create_backend_app)
server = make_server("127.0.0.1", 0, app, threaded=False)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is installed (GATEPOST_REQUIRE_ALL, set by .ci/run), a skip is a failure."""
    report = yield
    if (
        report.skipped
        and os.environ.get("GATEPOST_REQUIRE_ALL")
        and not hasattr(report, "wasxfail")
    ):
        report.outcome = "failed"
        report.longrepr = (
            f"skipped, and nothing may be with GATEPOST_REQUIRE_ALL: {report.longrepr}"
        )
    return report


class Eventually(Protocol):
    """What the fixture `eventually` gives."""

    async def __call__(self, check: Callable[[], T | Awaitable[T]], *, within_s: float = 5.0) -> T:
        """Wait for `check` to return something true, and return that."""
        ...


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Call `check` (sync or async) until what it returns is true; give that back, or fail."""

    async def wait(check: Callable[[], T | Awaitable[T]], *, within_s: float = 5.0) -> T:
        deadline = time.monotonic() + within_s
        while True:
            result = check()
            value: T = await result if inspect.isawaitable(result) else result
            if value:
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"did not become true within {within_s} s: {check}, last {value!r}")
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def fake_credentials(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Put obviously fake AWS credentials and a region into the environment; no profile is read."""
    for name, value in FAKE_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return FAKE_CREDENTIALS


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """Give the URL of a moto server in a process of its own, one for the whole test run."""
    with subprocess.Popen(
        [sys.executable, "-c", MOTO_SERVER], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            port = process.stdout.readline().strip()
            assert port, "the moto server did not start; its error is above"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture
def table_name(moto_endpoint: str, fake_credentials: dict[str, str]) -> Iterator[str]:
    """Give the name of a fresh table on the moto server, with the schema of infra/."""
    with fresh_table(moto_endpoint) as name:
        yield name


@contextmanager
def fresh_table(endpoint: str) -> Iterator[str]:
    """Keep a table with the schema of infra/ on a DynamoDB endpoint; give its name."""
    import boto3  # noqa: PLC0415 - slow to import, and most tests need no table

    client = boto3.client("dynamodb", endpoint_url=endpoint)
    name = f"gatepost-{uuid.uuid4().hex[:12]}"
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    try:
        yield name
    finally:
        client.delete_table(TableName=name)
        client.close()
