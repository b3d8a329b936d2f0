"""The HTTP API's entry point as Lambda calls it, over a real table and a scripted gateway."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from functions.api import CompanionEnvironment, api
from functions.companion.authentication import KeysError
from functions.core import channels, connections
from functions.core.context import Context
from functions.core.permissions import EVERYTHING, Identity
from functions.runtime.entrypoint import Handler
from functions.runtime.wiring import Environment
from tests.contract import scripted_gateway as answers

if TYPE_CHECKING:
    from tests.contract.conftest import TableCase
    from tests.contract.scripted_gateway import ScriptedGateway

Call = Callable[..., Awaitable[tuple[int, Any]]]

KEY = "a-key"


class Template(yaml.SafeLoader):
    """Reads CloudFormation's YAML; what `!GetAtt` and its like stand for is left open."""


Template.add_multi_constructor("!", lambda loader, suffix, node: None)


@pytest.fixture
def environ(
    table: "TableCase", gateway: "ScriptedGateway", monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Set what a deployment sets, and the endpoints that the emulator sets."""
    variables = {
        "TABLE_NAME": table.table_name,
        "API_KEYS": hashlib.sha256(KEY.encode()).hexdigest(),
        "AWS_ENDPOINT_URL_DYNAMODB": table.proxy.url,
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": gateway.url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
async def call(environ: dict[str, str]) -> AsyncIterator[Call]:
    """Call the handler, in a thread as the gateway here needs our loop."""
    handler = Handler(api, CompanionEnvironment)

    async def invoke(path: str, query: str = "", **body: object) -> tuple[int, Any]:
        method = "POST" if body else "GET"
        event = {
            "version": "2.0",
            "rawQueryString": query,
            "headers": {"authorization": f"Bearer {KEY}"},
            "body": json.dumps(body),
            "requestContext": {
                "http": {"method": method, "path": f"/v1/{path}", "sourceIp": "192.0.2.1"}
            },
        }
        result = await asyncio.to_thread(handler, event)
        return int(str(result["statusCode"])), json.loads(str(result["body"]))

    yield invoke
    await asyncio.to_thread(handler.close)


async def subscribed(environment: Environment, connection_id: str, *names: str) -> None:
    """Open a connection of Ann that is subscribed to channels."""
    now = time.time()
    services = await environment.services()
    context = Context(
        store=services.store,
        transport=services.transport,
        clock=services.clock,
        sleep=services.sleep,
        new_id=services.new_id,
        namespaces=services.namespaces,
        buckets=services.buckets,
        outlets=services.outlets,
        connection_id=connection_id,
        identity=Identity("ann", {}, EVERYTHING),
        connected_at_ms=int(now * 1000),
    )
    await connections.open_connection(
        services.store,
        connection_id,
        context.identity,
        connected_at_ms=context.connected_at_ms,
        now=int(now),
    )
    await channels.subscribe(context, [channels.Wanted(name) for name in names])


async def test_the_role_grants_what_the_function_asks_of_the_table(
    call: Call, table: "TableCase", gateway: "ScriptedGateway"
) -> None:
    """All of it and nothing more: a stand-in lets pass what AWS would refuse."""
    environment = Environment()
    await subscribed(environment, "a=", "chat:a", "game:a")
    await subscribed(environment, "gone=", "chat:a")
    await environment.close()
    gateway.scripts["gone="] = [answers.GONE]
    table.proxy.permissions.clear()
    one = {"channel": "chat:a", "data": 1, "key": "k"}
    assert await call("publish", **one) == await call("publish", **one)
    assert (await call("batch", publications=[one, {"channel": "game:a", "data": 2}]))[0] == 200
    assert len((await call("history", "channel=chat:a"))[1]["publications"]) == 1
    assert list((await call("presence", "channel=chat:a"))[1]["users"]) == ["ann"]
    assert await call("stats", "channel=game:a") == (200, {"connections": 1, "users": 1})
    assert await call("send", user="ann", data=1) == (200, {"delivered": 1, "failed": 0})
    assert await call("health") == (200, {"ok": True})
    assert await call("kick", user="ann") == (200, {"connections": 1})
    assert set(table.proxy.permissions) == granted("ApiRole")


def granted(role: str) -> set[str]:
    """Give the actions on the table that infra/permissions.yml grants a role."""
    text = (Path(__file__).parents[2] / "infra/permissions.yml").read_text(encoding="utf-8")
    document = yaml.load(text, Template)  # noqa: S506 - Template is a SafeLoader
    [policy] = document["Resources"][role]["Properties"]["Policies"]
    return {
        action
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        if action.startswith("dynamodb:")
    }


async def test_without_a_table_the_api_is_unwell(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 says no more; who may know is told that it is the table."""
    monkeypatch.setenv("TABLE_NAME", "none")
    status, problem = await call("health")
    assert (status, problem["detail"]) == (503, "not all parts answer")
    assert await call("health/parts") == (200, {"table": False, "gateway": True})


async def test_with_no_permission_to_reach_connections_the_api_is_unwell(
    call: Call, gateway: "ScriptedGateway"
) -> None:
    """The gateway answers 403; that must not pass for a connection that is gone."""
    gateway.scripts["health-check"] = [answers.FORBIDDEN]
    assert (await call("health"))[0] == 503
    gateway.scripts["health-check"] = [answers.INVALID_ID]
    assert (await call("health"))[0] == 200


async def test_a_wrong_key_setting_stops_the_function(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than locking everybody out in silence."""
    monkeypatch.setenv("API_KEYS", KEY)
    with pytest.raises(KeysError, match="entry 1"):
        CompanionEnvironment()
