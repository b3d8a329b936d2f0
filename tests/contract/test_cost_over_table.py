"""What `gatepost cost` counts of the table is what the functions ask of it.

Each action runs over a real table behind a proxy that counts; publications and subscriptions are
compared with the page by tests/gatepost/cost/test_counting.py.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from functions.actions import ping
from functions.actions.namespaces import NAMESPACES
from functions.core import channels, closing
from functions.core.channels import Wanted
from gatepost.cost.counting import REQUESTS
from tests.contract.opening import opened

if TYPE_CHECKING:
    from tests.contract.conftest import TableCase

pytestmark = pytest.mark.dynoxide

OPERATIONS = {
    "GetItem": "get",
    "BatchGetItem": "batch_get",
    "Query": "query",
    "PutItem": "put",
    "UpdateItem": "update",
    "DeleteItem": "delete",
    "TransactWriteItems": "transact",
}


def modelled(*actions: str) -> dict[str, int]:
    """What the model counts for several actions together, by DynamoDB's operations."""
    rows = [asdict(REQUESTS[action]) for action in actions]
    counted = {name: sum(row[field] for row in rows) for name, field in OPERATIONS.items()}
    return {name: count for name, count in counted.items() if count}


def asked(table: "TableCase") -> dict[str, int]:
    """What was asked since the last look; a batch of deletes is taken as one for each row."""
    counted = dict(table.proxy.requests)
    table.proxy.requests.clear()
    batches = counted.pop("BatchWriteItem", 0)
    if batches:
        counted["DeleteItem"] = counted.get("DeleteItem", 0) + batches
    return counted


async def test_connecting_subscribing_pinging_and_closing_ask_what_the_model_counts(
    fast_table: "TableCase",
) -> None:
    """Of one client in one channel with history and presence."""
    context = await opened(fast_table, NAMESPACES, "c1=")
    assert asked(fast_table) == modelled("connect")
    await channels.subscribe(context, [Wanted("chat:a")])
    await channels.unsubscribe(context, "chat:a")
    asked(fast_table)
    [subscribed] = await channels.subscribe(context, [Wanted("chat:a")])
    assert isinstance(subscribed, channels.Subscribed)
    assert asked(fast_table) == modelled("subscribe")
    position = subscribed.position
    assert position is not None
    await ping.ping(context, ping.Ping({"chat:a": position}))
    assert asked(fast_table) == modelled("ping")
    await closing.close_connection(context, context.connection_id)
    assert asked(fast_table) == modelled("disconnect", "leave")
