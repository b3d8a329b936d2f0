"""One set of questions, two gateways: the local one, and with TARGET=aws the real one.

The project in tests/fixtures/projects/probe does what a client tells it. Locally `gatepost dev`
runs it. For AWS it is deployed once, and TARGET_URL says where; without that or without
credentials TARGET=aws skips (docs/how-to/test-against-aws.md).
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from websockets.asyncio.client import connect

from tests.conftest import REGION
from tests.e2e.conftest import RunningEmulator

PROBE = "tests/fixtures/projects/probe/serverless.yml"
ANSWER_S_MAX = 40.0


class Target:
    """A gateway that runs the probe: where it is, and who may call its management API."""

    def __init__(self, url: str, *, management_url: str, session: boto3.Session) -> None:
        self.url = url
        self.management = session.client(
            "apigatewaymanagementapi",
            endpoint_url=management_url,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def connect(self, query: str = "", **options: Any) -> connect:  # noqa: ANN401 - websockets' own
        """Connect a client."""
        return connect(f"{self.url}{query}", open_timeout=ANSWER_S_MAX, **options)

    async def call(self, operation: str, **parameters: object) -> Any:  # noqa: ANN401 - boto3's own
        """Call the management API."""
        return await asyncio.to_thread(getattr(self.management, operation), **parameters)


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """The gateway that TARGET names: `local` (the default) or `aws`."""
    if os.environ.get("TARGET", "local") == "aws":
        yield on_aws()
        return
    running = RunningEmulator("--template", PROBE)
    session = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
    )
    local = Target(running.url, management_url=running.management_url, session=session)
    yield local
    local.management.close()
    running.stop_now()


def on_aws() -> Target:
    """Return the deployed probe, or skip and say what is missing."""
    url = os.environ.get("TARGET_URL", "")
    if not url.startswith("wss://"):
        pytest.skip("TARGET=aws needs TARGET_URL, the wss:// address of the deployed probe")
    session = boto3.Session()
    try:
        session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        pytest.skip(f"TARGET=aws needs credentials: {error}")
    return Target(url, management_url=url.replace("wss://", "https://"), session=session)
