"""The entry points as Lambda calls them, over a real table and a scripted gateway."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
import yaml

from functions.connect import connect
from functions.core.permissions import EVERYTHING, Identity
from functions.disconnect import disconnect
from functions.message import message
from functions.refresh import VerifyingEnvironment, refresh
from functions.runtime.entrypoint import Handler
from functions.runtime.settings import SettingsError
from functions.runtime.wiring import Environment
from tests.contract import scripted_gateway as answers
from tests.signing import SECRET, token

if TYPE_CHECKING:
    from tests.contract.conftest import TableCase
    from tests.contract.scripted_gateway import ScriptedGateway

Call = Callable[..., Awaitable[dict[str, object]]]

CONNECTED_AT = 4_000_000_000_000  # milliseconds; later than any test runs, so that nothing expires


class Template(yaml.SafeLoader):
    """Reads CloudFormation's YAML; what `!GetAtt` and its like stand for is left open."""


Template.add_multi_constructor("!", lambda loader, suffix, node: None)


ANN: Final = Identity("ann", {"name": "Ann"}, EVERYTHING)


def event(
    connection_id: str, identity: Identity | None = ANN, **fields: object
) -> Mapping[str, Any]:
    """Make an event of a connection that an authorizer vouches for."""
    context: dict[str, object] = {"connectionId": connection_id, "connectedAt": CONNECTED_AT}
    if identity is not None:
        context["authorizer"] = {
            "principalId": identity.user,
            "identity": msgspec.json.encode(identity).decode(),
        }
    return {"requestContext": context, **fields}


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
        "JWT_SECRET": SECRET,
        "AWS_ENDPOINT_URL_DYNAMODB": table.proxy.url,
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": gateway.url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
async def call(environ: dict[str, str]) -> AsyncIterator[Call]:
    """Call a handler, each kept for the test, in a thread as the gateway here needs our loop."""
    handlers: dict[str, Handler[Any]] = {
        "connect": Handler(connect, Environment),
        "disconnect": Handler(disconnect, Environment),
        "message": Handler(message, Environment),
        "refresh": Handler(refresh, VerifyingEnvironment),
    }

    async def invoke(name: str, connection_id: str, **fields: object) -> dict[str, object]:
        handler, given = handlers[name], event(connection_id, **fields)  # type: ignore[arg-type] # identity is one
        return await asyncio.to_thread(handler, given)

    yield invoke
    for handler in handlers.values():
        await asyncio.to_thread(handler.close)


async def ask(call: Call, connection_id: str, **request: object) -> dict[str, Any]:
    """Have a request answered that succeeds; give the result."""
    name = "refresh" if request["action"] == "refresh" else "message"
    reply = body_of(await call(name, connection_id, body=json.dumps(request)))
    assert reply["ok"] is True, reply
    result: dict[str, Any] = reply.get("result", {})  # type: ignore[assignment] # JSON
    return result


async def test_a_message_goes_all_the_way(
    call: Call, table: "TableCase", gateway: "ScriptedGateway"
) -> None:
    """Two connect, subscribe and publish; one is gone and pruned; closing leaves nothing."""
    for name, user in (("a=", "ann"), ("b=", "ben")):
        identity = Identity(user, grants=EVERYTHING)
        assert await call("connect", name, identity=identity) == {"statusCode": 200}
        body = '{"action":"subscribe","channel":"game:a"}'
        assert body_of(await call("message", name, identity=identity, body=body))["ok"] is True
    gateway.posts.clear()
    gateway.scripts["b="] = [answers.GONE]
    reply = await call(
        "message", "a=", body='{"action":"publish","channel":"game:a","data":"hi","id":1}'
    )
    assert body_of(reply) == {"type": "reply", "ok": True, "id": 1}
    heard, left = [(to, json.loads(payload)) for to, payload in gateway.posts]
    assert (heard[0], heard[1]["data"]) == ("a=", "hi")
    assert heard[1]["from"] == {"user": "ann", "connection": "a="}
    assert (left[0], left[1]["type"], left[1]["from"]["user"]) == ("a=", "leave", "ben")
    assert {row["pk"]["S"] for row in await table.items()} & {"CONN#b=", "USER#ben"} == set()
    assert await call("disconnect", "a=") == {"statusCode": 200}
    assert await table.items() == []


async def test_roles_grant_what_their_functions_ask_of_the_table(
    call: Call, table: "TableCase", gateway: "ScriptedGateway"
) -> None:
    """All of it, as AWS would refuse the rest where a stand-in lets it pass, and nothing more."""
    asked: dict[str, set[str]] = {}
    ben = Identity("ben", grants=EVERYTHING)

    def note(name: str) -> None:
        asked.setdefault(name, set()).update(table.proxy.permissions)
        table.proxy.permissions.clear()

    for name in ("a=", "gone=", "b="):
        await call("connect", name)
        note("ConnectRole")
        await ask(call, name, action="subscribe", channels=[{"channel": "chat:a"}])
        note("MessageRole")
    gateway.scripts["gone="] = [answers.GONE]
    first = await ask(call, "a=", action="publish", channel="chat:a", data=1, key="k")
    for request in (
        {"action": "publish", "channel": "chat:a", "data": 1, "key": "k"},
        {"action": "subscribe", "channel": "chat:a", "recover": {**first, "offset": 0}},
        {"action": "subscribe", "channel": "ticker:b"},
        {"action": "unsubscribe", "channel": "ticker:b"},
        {"action": "history", "channel": "chat:a"},
        {"action": "presence", "channel": "chat:a"},
        {"action": "presenceStats", "channel": "chat:a"},
        {"action": "signal", "channel": "game:a", "data": 1},
        {"action": "ping", "positions": {"chat:a": first}},
    ):
        await ask(call, "a=", **request)
    note("MessageRole")
    await call("connect", "c=", identity=ben)
    note("ConnectRole")
    await call("message", "c=", identity=ben, body='{"action":"subscribe","channel":"chat:a"}')
    note("MessageRole")
    for name in ("b=", "c="):  # a tab of a user who stays, and a user who goes
        await call("disconnect", name)
    note("DisconnectRole")
    narrow = [{"channel": "chat:b", "allow": ["subscribe"]}]
    await ask(call, "a=", action="subscribe", channel="chat:b")
    note("MessageRole")
    await ask(call, "a=", action="refresh", token=token(sub="ann", permissions=narrow))
    await call("refresh", "a=", body=json.dumps({"action": "refresh", "token": token("x" * 32)}))
    note("RefreshRole")
    assert asked == {name: granted(name) for name in asked}


def granted(role: str) -> set[str]:
    """Give the actions on the table that infra/permissions.yml grants a role."""
    text = (Path(__file__).parents[2] / "infra/permissions.yml").read_text(encoding="utf-8")
    document = yaml.load(text, Template)  # noqa: S506 - Template is a SafeLoader
    [policy] = document["Resources"][role]["Properties"]["Policies"]
    actions = [each["Action"] for each in policy["PolicyDocument"]["Statement"]]
    return {action for each in actions for action in each if action.startswith("dynamodb:")}


async def test_without_an_authorizer_nobody_gets_in(
    environ: dict[str, str], table: "TableCase"
) -> None:
    """403 at the handshake, 101 for a message, and no row."""
    environment = Environment()
    result = await connect(environment, event("a=", None))
    assert result["statusCode"] == 403
    reply = body_of(await message(environment, event("a=", None, body='{"action":"ping","id":4}')))
    assert (reply["id"], str(reply["error"]).count("101")) == (4, 1)
    assert await table.items() == []
    await environment.close()


async def test_a_blocked_user_is_refused(call: Call, table: "TableCase") -> None:
    """403, and no row but the block."""
    await table.block("ann", until=CONNECTED_AT)
    assert (await call("connect", "a="))["statusCode"] == 403
    assert await table.rows() == 1


async def test_whom_the_authorizer_vouches_for_is_stored(call: Call, table: "TableCase") -> None:
    """User and info, from its context."""
    await call("connect", "a=")
    [row] = [row for row in await table.items() if row["sk"] == {"S": "META"}]
    assert (row["user"], row["info"]) == ({"S": "ann"}, {"S": '{"name":"Ann"}'})


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
