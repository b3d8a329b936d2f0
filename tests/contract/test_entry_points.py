"""The three entry points as Lambda calls them, over a real table and a scripted gateway."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from functions.connect import connect
from functions.disconnect import disconnect
from functions.message import message
from functions.runtime.entrypoint import Handler
from functions.runtime.settings import SettingsError
from functions.runtime.wiring import Environment
from tests.contract import scripted_gateway as answers

if TYPE_CHECKING:
    from tests.contract.conftest import TableCase
    from tests.contract.scripted_gateway import ScriptedGateway

Call = Callable[..., Awaitable[dict[str, object]]]

CONNECTED_AT = 4_000_000_000_000  # milliseconds; later than any test runs, so that nothing expires


class Template(yaml.SafeLoader):
    """Reads CloudFormation's YAML; what `!GetAtt` and its like stand for is left open."""


Template.add_multi_constructor("!", lambda loader, suffix, node: None)


def event(connection_id: str, **fields: object) -> dict[str, object]:
    """Make an event of a connection."""
    return {
        "requestContext": {"connectionId": connection_id, "connectedAt": CONNECTED_AT},
        **fields,
    }


def body_of(result: Mapping[str, object]) -> dict[str, object]:
    """Read the JSON in a result."""
    body: dict[str, object] = json.loads(str(result["body"]))
    return body


@pytest.fixture
def environ(
    table: "TableCase",
    gateway: "ScriptedGateway",
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """Set what a deployment sets, and the endpoints that the emulator sets."""
    variables = {
        "TABLE_NAME": table.table_name,
        "AUTH": "anonymous",
        "AWS_ENDPOINT_URL_DYNAMODB": table.proxy.url,
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": gateway.url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
async def call(environ: dict[str, str]) -> AsyncIterator[Call]:
    """Call a handler, each kept for the test, in a thread as the gateway here needs our loop."""
    handlers = {
        handle.__name__: Handler(handle, Environment) for handle in (connect, disconnect, message)
    }

    async def invoke(name: str, connection_id: str, **fields: object) -> dict[str, object]:
        return await asyncio.to_thread(handlers[name], event(connection_id, **fields))

    yield invoke
    for handler in handlers.values():
        await asyncio.to_thread(handler.close)


async def test_a_message_goes_all_the_way(
    call: Call, table: "TableCase", gateway: "ScriptedGateway"
) -> None:
    """Two connect, subscribe and publish; one is gone and pruned; closing leaves nothing."""
    for name in ("a=", "b="):
        assert await call("connect", name) == {"statusCode": 200}
        reply = await call("message", name, body='{"action":"subscribe","channel":"chat:a"}')
        assert body_of(reply)["ok"] is True
    gateway.scripts["b="] = [answers.GONE]
    reply = await call(
        "message", "a=", body='{"action":"publish","channel":"chat:a","data":"hi","id":1}'
    )
    assert body_of(reply) == {"type": "reply", "ok": True, "id": 1}
    [(to, payload)] = gateway.posts
    publication = json.loads(payload)
    assert (to, publication["data"]) == ("a=", "hi")
    assert publication["from"] == {"user": "anon-a=", "connection": "a="}
    assert {row["pk"]["S"] for row in await table.items()} & {"CONN#b=", "USER#anon-b="} == set()
    assert await call("disconnect", "a=") == {"statusCode": 200}
    assert await table.items() == []


async def test_roles_grant_what_their_functions_ask_of_the_table(
    call: Call, table: "TableCase", gateway: "ScriptedGateway"
) -> None:
    """All of it, as AWS would refuse the rest where a stand-in lets it pass, and nothing more."""
    gateway.scripts["gone="] = [answers.GONE]
    for name in ("a=", "gone="):
        await call("connect", name)
        await call("message", name, body='{"action":"subscribe","channel":"chat:a"}')
    table.proxy.permissions.clear()
    for body in (
        '{"action":"subscribe","channel":"chat:b"}',
        '{"action":"unsubscribe","channel":"chat:b"}',
        '{"action":"publish","channel":"chat:a","data":1}',
        '{"action":"ping"}',
    ):
        assert body_of(await call("message", "a=", body=body))["ok"] is True
    by_message = set(table.proxy.permissions)
    table.proxy.permissions.clear()
    await call("connect", "b=")
    await call("disconnect", "a=")
    by_others = set(table.proxy.permissions)
    assert by_message == granted("MessageRole")
    assert by_others == granted("ConnectionsRole")


def granted(role: str) -> set[str]:
    """Give the actions on the table that infra/permissions.yml grants a role."""
    text = (Path(__file__).parents[2] / "infra/permissions.yml").read_text(encoding="utf-8")
    document = yaml.load(text, Template)  # noqa: S506 - Template is a SafeLoader
    [policy] = document["Resources"][role]["Properties"]["Policies"]
    return set(policy["PolicyDocument"]["Statement"][0]["Action"])


async def test_without_anonymous_access_nobody_gets_in(
    environ: dict[str, str], table: "TableCase", monkeypatch: pytest.MonkeyPatch
) -> None:
    """403 at the handshake, 101 for a message, and no row."""
    monkeypatch.delenv("AUTH")
    environment = Environment()
    result = await connect(environment, event("a="))
    assert result["statusCode"] == 403
    reply = body_of(await message(environment, event("a=", body='{"action":"ping","id":4}')))
    assert (reply["id"], str(reply["error"]).count("101")) == (4, 1)
    assert await table.items() == []
    await environment.close()


async def test_a_name_that_is_too_long_is_refused(call: Call, table: "TableCase") -> None:
    """400, and no row."""
    result = await call("connect", "a=", queryStringParameters={"name": "x" * 65})
    assert result["statusCode"] == 400
    assert await table.items() == []


async def test_only_the_anonymous_choose_their_name(call: Call, table: "TableCase") -> None:
    """Whom an authorizer vouches for may not call himself somebody else."""
    query = {"queryStringParameters": {"name": "Mallory"}}
    await call("connect", "a=", **query)
    vouched = event("b=", **query)
    vouched["requestContext"] = {
        "connectionId": "b=",
        "connectedAt": CONNECTED_AT,
        "authorizer": {"principalId": "ann"},
    }
    environment = Environment()
    await connect(environment, vouched)
    await environment.close()
    rows = [row for row in await table.items() if row["sk"] == {"S": "META"}]
    assert {row["user"]["S"]: row["info"]["S"] for row in rows} == {
        "anon-a=": '{"name":"Mallory"}',
        "ann": "{}",
    }


async def test_a_connection_that_cant_be_stored_is_an_error(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raised, so that the gateway refuses the handshake (B-043)."""
    monkeypatch.setenv("TABLE_NAME", "no-such-table")
    handler = Handler(connect, Environment)
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        await asyncio.to_thread(handler, event("a="))
    await asyncio.to_thread(handler.close)


async def test_a_missing_management_endpoint_is_named(environ: dict[str, str]) -> None:
    """Rather than a guess of botocore's that no host answers (B-339)."""
    del environ["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"]
    environment = Environment(environ)
    with pytest.raises(SettingsError, match="AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI is not set"):
        await environment.transport()
    await environment.close()
