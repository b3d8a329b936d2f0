"""What the contract of Store runs against: the fake of the unit tests, and the adapter over tables.

The tables are on moto, on moto having a bad day, and on dynoxide (npm), which is right under
concurrency where moto is not.
"""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session

from functions.adapters import dynamodb, management_api_aiobotocore, management_api_http
from functions.adapters import dynamodb_items as items
from functions.adapters.dynamodb_access import read_access
from functions.adapters.dynamodb_client import Client
from functions.adapters.management_api import ManagementApiTransport, Opening
from functions.core.ports import Store
from tests.conftest import FAKE_CREDENTIALS, fresh_table
from tests.contract.fault_proxy import FaultProxy, fault_proxy
from tests.contract.scripted_gateway import ScriptedGateway, scripted_gateway
from tests.fake_rows import Rows
from tests.fakes import memory_store

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

    from functions.adapters.dynamodb_items import Item, Key

OURS = "ours"
AIOBOTOCORE = "aiobotocore"
"""The clients of a table. The second is the oracle of the first."""

# A lost answer costs a test this long, not the seconds of CONFIG.
IMPATIENT = dynamodb.botocores_config().merge(AioConfig(read_timeout=1))

OpenTransport = Callable[[Opening], AbstractAsyncContextManager[ManagementApiTransport]]
TRANSPORTS = {
    "http": management_api_http.open_transport,
    "aiobotocore": management_api_aiobotocore.open_transport,
}


@dataclass(frozen=True, slots=True)
class TableCase:
    """A Store over a table of its own, and a client for the same table that meets no fault."""

    store: Store
    client: "DynamoDBClient"
    table_name: str
    proxy: FaultProxy

    async def items(self) -> "list[Item]":
        """Read the whole table."""
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.table_name, ConsistentRead=True
        )
        return [item async for page in pages for item in page["Items"]]

    async def put(self, item: "Item") -> None:
        """Write a row."""
        await self.client.put_item(TableName=self.table_name, Item=item)

    async def delete(self, key: "Key") -> None:
        """Remove a row."""
        await self.client.delete_item(TableName=self.table_name, Key=key)

    async def block(self, user: str, until: int) -> None:
        """Block a user until a moment (epoch seconds)."""
        await self.put({**items.block_key(user), "expires_at": items.number(until)})

    async def split(self, channel: str, shards: int) -> None:
        """Give a channel so many shards."""
        await self.put({**items.shards_key(channel), "shards": items.number(shards)})

    async def rows(self) -> int:
        """Count all rows."""
        return len(await self.items())


@dataclass(frozen=True, slots=True)
class StoreCase:
    """A Store, and what a test of the contract may do behind its back.

    Where it `repeats`, answers get lost, and what was done is done again.
    """

    store: Store
    block: Callable[[str, int], Awaitable[None]]
    split: Callable[[str, int], Awaitable[None]]
    rows: Callable[[], Awaitable[int]]
    repeats: bool = False


@pytest.fixture(scope="session")
def aws_session() -> AioSession:
    """Give one session for all clients: it reads the services' models once."""
    return get_session()


@asynccontextmanager
async def open_ours(endpoint: str) -> AsyncIterator["DynamoDBClient"]:
    """Keep the client that is used in Lambda."""
    access = read_access({**FAKE_CREDENTIALS, "AWS_ENDPOINT_URL_DYNAMODB": endpoint})
    assert access
    client = Client(access, None, read_timeout_s=1)
    yield cast("DynamoDBClient", client)
    await client.close()


@asynccontextmanager
async def open_table(
    endpoint: str, session: AioSession, client_kind: str = OURS
) -> AsyncIterator[TableCase]:
    """Keep a fresh table, a client for it, and a Store that reaches it through a fault proxy."""
    async with AsyncExitStack() as stack:
        table_name = stack.enter_context(fresh_table(endpoint))
        proxy = await stack.enter_async_context(fault_proxy(endpoint))
        client = await stack.enter_async_context(
            session.create_client("dynamodb", endpoint_url=endpoint)
        )
        through_proxy = await stack.enter_async_context(
            open_ours(proxy.url)
            if client_kind == OURS
            else session.create_client("dynamodb", endpoint_url=proxy.url, config=IMPATIENT)
        )
        store = dynamodb.store_over(through_proxy, table_name)
        yield TableCase(store, client, table_name, proxy)


@pytest.fixture
async def table(
    moto_endpoint: str, aws_session: AioSession, fake_credentials: dict[str, str]
) -> AsyncIterator[TableCase]:
    """Give a Store over a table on moto; faults are the test's to inject."""
    async with open_table(moto_endpoint, aws_session) as case:
        yield case


@pytest.fixture
async def fast_table(
    dynoxide_endpoint: str, aws_session: AioSession, fake_credentials: dict[str, str]
) -> AsyncIterator[TableCase]:
    """Give a Store over a table that is atomic under concurrency, on dynoxide."""
    async with open_table(dynoxide_endpoint, aws_session) as case:
        yield case


@pytest.fixture(
    params=[
        "memory",
        "moto",
        "bad day",
        "bad day by aiobotocore",
        pytest.param("dynoxide", marks=pytest.mark.dynoxide),
    ]
)
async def case(
    request: pytest.FixtureRequest, aws_session: AioSession, fake_credentials: dict[str, str]
) -> AsyncIterator[StoreCase]:
    """Give every kind of Store in turn."""
    if request.param == "memory":
        yield _memory_case()
        return
    fixture = "dynoxide_endpoint" if request.param == "dynoxide" else "moto_endpoint"
    kind = AIOBOTOCORE if AIOBOTOCORE in request.param else OURS
    async with open_table(request.getfixturevalue(fixture), aws_session, kind) as case:
        repeats = "bad day" in request.param
        if repeats:
            case.proxy.have_a_bad_day()
        yield StoreCase(case.store, case.block, case.split, case.rows, repeats=repeats)


def _memory_case() -> StoreCase:
    kept = Rows()
    store = memory_store(kept)

    async def block(user: str, until: int) -> None:
        kept.blocks[user] = until

    async def rows() -> int:
        return kept.count()

    async def split(channel: str, shards: int) -> None:
        kept.shards[channel] = shards

    return StoreCase(store, block, split, rows)


@pytest.fixture(params=TRANSPORTS)
def open_transport(
    request: pytest.FixtureRequest, aws_session: AioSession, fake_credentials: dict[str, str]
) -> OpenTransport:
    """Give every way to open a Transport in turn."""
    opened_by = TRANSPORTS[request.param]
    return lambda opening: opened_by(aws_session, opening)


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    """Give a management API that answers as a test says."""
    async with scripted_gateway() as running:
        yield running


@pytest.fixture
def unused_endpoint() -> Iterator[str]:
    """Give a URL where nobody listens: the port is held, and refuses."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
