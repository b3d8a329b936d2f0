"""The three entry points as Lambda calls them, over a real table and a scripted gateway."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
import yaml

from functions.connect import connect
from functions.core.permissions import EVERYTHING, Identity
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
    """Make an event of a connection that an authorizer vouches for."""
    identity = Identity(f"user-of-{connection_id}", {"name": "N"}, EVERYTHING)
    return {
        "requestContext": {
            "connectionId": connection_id,
            "connectedAt": CONNECTED_AT,
            "authorizer": {"identity": msgspec.json.encode(identity).decode()},
        },
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


async def ask(call: Call, connection_id: str, action: str, **fields: object) -> dict[str, object]:
    """Send a request and read its reply, which is no error."""
    body = json.dumps({"action": action, **fields})
    reply = body_of(await call("message", connection_id, body=body))
    assert reply["ok"] is True, reply
    return reply


async def test_a_message_goes_all_the_way(
    call: Call, table: "TableCase", gateway: "ScriptedGateway"
) -> None:
    """Two connect, subscribe and publish; one is gone and pruned; closing leaves nothing."""
    for name in ("a=", "b="):
        assert await call("connect", name) == {"statusCode": 200}
        await ask(call, name, "subscribe", channel="game:a")
    gateway.scripts["b="] = [answers.GONE]
    gateway.posts.clear()
    reply = await ask(call, "a=", "publish", channel="game:a", data="hi", id=1)
    assert reply == {"type": "reply", "ok": True, "id": 1}
    publication, leave = (json.loads(payload) for to, payload in gateway.posts if to == "a=")
    assert publication["data"] == "hi"
    assert publication["from"] == {"user": "user-of-a=", "connection": "a="}
    assert (leave["type"], leave["from"]["connection"]) == ("leave", "b=")
    left = {row["pk"]["S"] for row in await table.items()}
    assert left & {"CONN#b=", "USER#user-of-b="} == set()
    assert await call("disconnect", "a=") == {"statusCode": 200}
    assert await table.items() == []


async def test_roles_grant_what_their_functions_ask_of_the_table(
    call: Call, table: "TableCase", gateway: "ScriptedGateway"
) -> None:
    """All of it, as AWS would refuse the rest where a stand-in lets it pass, and nothing more."""
    asked = table.proxy.permissions
    for name in ("a=", "b=", "gone="):
        await call("connect", name)
    assert asked == granted("ConnectRole")
    asked.clear()
    for name in ("a=", "b=", "gone="):
        await ask(call, name, "subscribe", channel="chat:a")
    gateway.scripts["gone="] = [answers.GONE]
    await ask(call, "a=", "publish", channel="chat:a", data=1, key="k")
    await ask(call, "a=", "ping", positions={"chat:a": {"epoch": "e", "offset": 1}})
    for action in ("history", "presence", "presenceStats", "unsubscribe"):
        await ask(call, "a=", action, channel="chat:a")
    assert asked == granted("MessageRole")
    asked.clear()
    await call("disconnect", "b=")
    assert asked == granted("DisconnectRole")


def granted(role: str) -> set[str]:
    """Give the actions on the table that infra/permissions.yml grants a role."""
    text = (Path(__file__).parents[2] / "infra/permissions.yml").read_text(encoding="utf-8")
    document = yaml.load(text, Template)  # noqa: S506 - Template is a SafeLoader
    [policy] = document["Resources"][role]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    actions = {action for each in statements for action in each["Action"]}
    return {action for action in actions if action.startswith("dynamodb:")}


async def test_whom_no_authorizer_vouches_for_is_refused(
    environ: dict[str, str], table: "TableCase"
) -> None:
    """403 at the handshake, 101 for a message, and no row."""
    stranger = {"requestContext": {"connectionId": "a=", "connectedAt": CONNECTED_AT}}
    environment = Environment()
    result = await connect(environment, stranger)
    assert result["statusCode"] == 403
    body = '{"action":"ping","id":4}'
    reply = body_of(await message(environment, {**stranger, "body": body}))
    assert (reply["id"], str(reply["error"]).count("101")) == (4, 1)
    assert await table.items() == []
    await environment.close()


async def test_a_blocked_user_is_refused(call: Call, table: "TableCase") -> None:
    """403 at the handshake, and no row but the block."""
    await table.block("user-of-a=", 2**40)
    assert (await call("connect", "a="))["statusCode"] == 403
    assert await table.rows() == 1


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
