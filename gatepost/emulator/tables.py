"""The table endpoint of a run: starts the stand-in, or takes a given one, and creates the tables.

Tables get the schema that the template declares. A table that exists is left as it is, so that a
lasting endpoint keeps its rows from run to run.
"""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from gatepost.emulator.errors import UserError
from gatepost.gateway.core.deployment import Table

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0


class StandIn:
    """moto's server in a process of its own (see dynamodb_server.py)."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Start the server; its URL. Raises UserError when it says nothing in time."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gatepost.emulator.dynamodb_server"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is the emulator's to handle
        )
        stdout = cast("asyncio.StreamReader", self._process.stdout)
        try:
            line = await asyncio.wait_for(stdout.readline(), START_TIMEOUT_S)
        except TimeoutError:
            line = b""
        if not line:
            await self.stop()
            raise UserError(
                "The DynamoDB stand-in (moto server) did not start; what it printed stands above. "
                "`make setup` reinstalls it, `--dynamodb URL` uses another."
            )
        return f"http://127.0.0.1:{int(line)}"

    async def ended(self) -> int:
        """Wait until the server has ended, by itself or not; its exit code."""
        process = self._process
        return 0 if process is None else await process.wait()

    async def stop(self) -> None:
        """End the server; leaves no process behind."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def create_tables(tables: Iterable[Table], endpoint: str, region: str) -> None:
    """Create what is missing. Raises UserError naming the table or the endpoint at fault."""
    await asyncio.to_thread(_create_tables, tuple(tables), endpoint, region)


def _create_tables(tables: tuple[Table, ...], endpoint: str, region: str) -> None:
    # No profile of the developer's: one that does not exist would fail here.
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    session.set_credentials("local", "local", "local")
    client = session.create_client(
        "dynamodb",
        region_name=region,
        endpoint_url=endpoint,
        config=Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2}),
    )
    try:
        for table in tables:
            _create_table(client, table, endpoint)
    finally:
        client.close()


def _create_table(client: Any, table: Table, endpoint: str) -> None:  # noqa: ANN401 - botocore
    try:
        client.create_table(**table.create)
        if table.ttl_attribute:
            client.update_time_to_live(
                TableName=table.name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute},
            )
    except client.exceptions.ResourceInUseException:
        return
    except (ClientError, ParamValidationError) as error:
        raise UserError(f"Table {table.name} can't be created: {error}") from error
    except BotoCoreError as error:
        raise UserError(
            f"No DynamoDB answers at {endpoint}: {error} "
            "Start it first, or leave out --dynamodb to use the built-in one."
        ) from error


def is_url(text: str) -> bool:
    """Say whether `text` can be an endpoint: http or https, with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False
