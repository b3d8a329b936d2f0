"""Store over DynamoDB: one table behind the four parts of the port, and the client under it.

There are two clients. Ours (dynamodb_client) takes endpoint and credentials from the environment
variables that Lambda sets. Where they don't tell all, it is aiobotocore's, imported only then.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from functions.adapters.credentials import CA_BUNDLE_VARIABLE
from functions.adapters.dynamodb_access import read_access
from functions.adapters.dynamodb_client import Client
from functions.adapters.dynamodb_connections import DynamoDBConnections
from functions.adapters.dynamodb_log import DynamoDBLog
from functions.adapters.dynamodb_presence import DynamoDBPresence
from functions.adapters.dynamodb_subscriptions import DynamoDBSubscriptions
from functions.adapters.dynamodb_table import Table
from functions.adapters.trust import trusting
from functions.core.ports import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiobotocore.config import AioConfig
    from aiobotocore.session import AioSession
    from types_aiobotocore_dynamodb import DynamoDBClient


def prepare(environ: Mapping[str, str]) -> None:
    """Do what opening a Store will take, but for what needs an event loop: no socket is opened.

    While an environment starts, Lambda gives it all of a processor, and may keep it as a snapshot.
    """
    access = read_access(environ)
    if access is None:
        import aiobotocore.session  # noqa: F401, PLC0415 - slow, and seldom needed
    elif access.endpoint.is_tls:
        trusting(environ.get(CA_BUNDLE_VARIABLE))


@asynccontextmanager
async def open_store(
    session: "Callable[[], AioSession]", table_name: str, environ: Mapping[str, str]
) -> AsyncIterator[Store]:
    """Open a Store on a table, with a client of its own; `session` is asked for only if needed."""
    access = read_access(environ)
    if access is not None:
        bundle = environ.get(CA_BUNDLE_VARIABLE)
        client = Client(access, trusting(bundle) if access.endpoint.is_tls else None)
        try:
            # It has the part of aiobotocore's interface that Table uses.
            yield store_over(cast("DynamoDBClient", client), table_name)
        finally:
            await client.close()
    else:
        async with session().create_client("dynamodb", config=botocores_config()) as other:
            yield store_over(other, table_name)


def botocores_config() -> "AioConfig":
    """Give the settings of aiobotocore's client; our own has the same."""
    from aiobotocore.config import AioConfig  # noqa: PLC0415 - the same

    # Botocore's legacy mode repeats throttled requests and lost answers after 50 and 100 ms for
    # DynamoDB; its other modes wait up to a second before the first repetition.
    return AioConfig(
        connect_timeout=2,
        read_timeout=3,  # three attempts fit into the 10 s of connect and disconnect
        max_pool_connections=50,
        retries={"mode": "legacy", "total_max_attempts": 3},
    )


def store_over(client: "DynamoDBClient", table_name: str) -> Store:
    """Give the Store over a table and a client that is open."""
    table = Table(client, table_name)
    return Store(
        connections=DynamoDBConnections(table),
        subscriptions=DynamoDBSubscriptions(table),
        log=DynamoDBLog(table),
        presence=DynamoDBPresence(table),
    )
