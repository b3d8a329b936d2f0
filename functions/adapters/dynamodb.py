"""Store over DynamoDB: one table behind the four parts of the port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from functions.adapters.dynamodb_connections import DynamoDBConnections
from functions.adapters.dynamodb_log import DynamoDBLog
from functions.adapters.dynamodb_presence import DynamoDBPresence
from functions.adapters.dynamodb_subscriptions import DynamoDBSubscriptions
from functions.adapters.dynamodb_table import CONFIG, Table
from functions.core.ports import Store

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from types_aiobotocore_dynamodb import DynamoDBClient


@asynccontextmanager
async def open_store(session: "AioSession", table_name: str) -> AsyncIterator[Store]:
    """Open a Store on a table, with a client of its own."""
    async with session.create_client("dynamodb", config=CONFIG) as client:
        yield store_over(client, table_name)


def store_over(client: "DynamoDBClient", table_name: str) -> Store:
    """Give the Store over a table and a client that is open."""
    table = Table(client, table_name)
    return Store(
        connections=DynamoDBConnections(table),
        subscriptions=DynamoDBSubscriptions(table),
        log=DynamoDBLog(table),
        presence=DynamoDBPresence(table),
    )
