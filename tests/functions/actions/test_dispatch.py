"""From a request's text to a reply's."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, Struct

from functions.actions.dispatch import Action, respond
from functions.core.context import Context
from functions.core.errors import (
    EXPIRED,
    NOT_AVAILABLE,
    TOKEN_EXPIRED,
    UNAUTHORIZED,
    ClosingKind,
    ProtocolError,
)
from functions.core.ports import Conflict
from tests.functions.actions.conftest import Asking

Respond = Callable[[str], Awaitable[dict[str, object]]]


class Add(Struct):
    """The fields of an action for tests."""

    a: int
    b: int = 1


async def add(context: Context, request: Add) -> dict[str, object]:
    """Add."""
    return {"sum": request.a + request.b}


async def say_nothing(context: Context, request: Add) -> None:
    """Succeed."""


async def refuse(context: Context, request: Add) -> None:
    """Refuse in the protocol's terms."""
    raise ProtocolError(NOT_AVAILABLE, "not here")


async def be_late(context: Context, request: Add) -> None:
    """Refuse, and have the connection closed."""
    raise ProtocolError(TOKEN_EXPIRED, closing=EXPIRED)


async def collide(context: Context, request: Add) -> None:
    """Meet others that write the same rows."""
    raise Conflict


async def fail(context: Context, request: Add) -> None:
    """Fail as code with a fault does."""
    raise ZeroDivisionError("secret")


async def give_nonsense(context: Context, request: Add) -> object:
    """Return what JSON has no form for."""
    return object()


class Hold(Struct):
    """The field of an action that takes any data."""

    data: Raw


async def hold(context: Context, request: Hold) -> dict[str, object]:
    """Give the data back."""
    return {"data": request.data}


ACTIONS: dict[str, Action[Any]] = {
    action.__name__: Action(Add, action)
    for action in (add, say_nothing, refuse, be_late, collide, fail, give_nonsense)
} | {"hold": Action(Hold, hold)}


class Stranger:
    """A connection that no authorizer vouches for, and whose end can't be written."""

    async def context(self) -> Context:
        """Refuse."""
        raise ProtocolError(UNAUTHORIZED, closing=EXPIRED)

    async def end(self, kind: ClosingKind) -> None:
        """Fail."""
        raise ConnectionError("the table is away")


@pytest.fixture
def ask(asking: Asking) -> Respond:
    """Send a request's text, and read the reply."""

    async def send(body: str) -> dict[str, object]:
        reply: dict[str, object] = json.loads(await respond(body, ACTIONS, asking))
        assert reply["type"] == "reply"
        return reply

    return send


async def test_an_action_gets_its_fields_and_its_result_is_the_replys(ask: Respond) -> None:
    """Unknown fields are ignored, so that a newer client can talk to an older function."""
    reply = await ask('{"action":"add","id":"x","a":2,"b":3,"new":1}')
    assert reply == {"type": "reply", "ok": True, "id": "x", "result": {"sum": 5}}


async def test_nothing_returned_is_a_reply_without_result(ask: Respond) -> None:
    """Never an empty body."""
    reply = await ask('{"action":"say_nothing","a":1}')
    assert reply == {"type": "reply", "ok": True}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"action":"fail","id":1,"a":1}', 100),
        ('{"action":"give_nonsense","id":1,"a":1}', 100),
        ('{"action":"jump","id":1}', 104),
        ('{"action":"","id":1}', 104),
        ('{"action":"add","id":1,"x":"' + "y" * 32768 + '"}', 106),
        ('{"id":1}', 107),
        ('{"action":"add","id":1}', 107),
        ('{"action":"refuse","id":1,"a":1}', 108),
        ('{"action":"be_late","id":1,"a":1}', 109),
        ('{"action":"collide","id":1,"a":1}', 111),
    ],
)
async def test_every_failure_is_a_reply_with_the_requests_id(
    ask: Respond, body: str, code: int
) -> None:
    """The client matches it, whatever went wrong."""
    reply = await ask(body)
    error = reply["error"]
    assert isinstance(error, dict)
    assert (reply["ok"], reply["id"], error["code"]) == (False, 1, code)


async def test_a_fault_of_ours_is_logged_and_not_shown(
    ask: Respond, caplog: pytest.LogCaptureFixture
) -> None:
    """The traceback goes to the log, counted for an alarm; `internal error` to the client."""
    reply = await ask('{"action":"fail","a":1}')
    error = {"code": 100, "message": "internal error", "temporary": True}
    assert reply["error"] == error
    assert "ZeroDivisionError" in caplog.text
    assert [record.__dict__["metrics"] for record in caplog.records] == [{"ActionsFailed": 1}]


async def test_who_is_not_vouched_for_gets_a_reply_too() -> None:
    """101, with the request's id."""
    reply = json.loads(await respond('{"action":"add","id":9,"a":1}', ACTIONS, Stranger()))
    assert (reply["id"], reply["error"]["code"]) == (9, 101)


async def test_an_error_that_closes_ends_the_connection(ask: Respond, asking: Asking) -> None:
    """Its reply goes out all the same; no other error ends anything."""
    for action in ("refuse", "fail", "jump", "be_late"):
        await ask(f'{{"action":"{action}","a":1}}')
    assert asking.ended == [EXPIRED]


async def test_an_end_that_fails_costs_nobody_the_reply(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; the next request of the connection tries again."""
    await respond('{"action":"add","a":1}', ACTIONS, Stranger())
    assert "closing failed code=3005" in caplog.text


@given(st.text())
async def test_any_text_gets_a_reply(body: str) -> None:
    """Nothing that a client sends raises, lone surrogates neither."""
    assert json.loads(await respond(body, ACTIONS, Stranger()))["ok"] is False


@pytest.mark.parametrize("data", ["\ud800", '"\udfff"', '"\\ud800"', '"\\ud800 and more text"'])
async def test_half_a_character_is_refused(ask: Respond, data: str) -> None:
    """107 wherever it stands: a text frame that holds one would break its receiver's link."""
    reply = await ask(f'{{"action":"hold","data":{data}}}')
    assert (reply["ok"], str(reply["error"]).count("107")) == (False, 1)


@pytest.mark.parametrize("data", ["NaN", "Infinity", "nul", "01", "1.", "[1,]", "'a'", '"\x01"'])
async def test_data_that_is_no_json_is_refused(ask: Respond, data: str) -> None:
    """107: it is passed on unread, so it has to be right before."""
    reply = await ask(f'{{"action":"hold","data":{data}}}')
    assert (reply["ok"], str(reply["error"]).count("107")) == (False, 1)
