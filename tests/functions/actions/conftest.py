"""Asking, as a connection whose message came in."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest

from functions.actions.dispatch import respond
from functions.actions.registry import ACTIONS
from functions.core.context import Context
from functions.core.errors import ClosingKind

Reply: TypeAlias = dict[str, object]
Ask: TypeAlias = Callable[..., Awaitable[Reply]]


@dataclass
class Asking:
    """The connection that asks; `ended` are the reasons that it was ended for."""

    surroundings: Context
    ended: list[ClosingKind] = field(default_factory=list)

    async def context(self) -> Context:
        """Give the surroundings."""
        return self.surroundings

    async def end(self, kind: ClosingKind) -> None:
        """Note why."""
        self.ended.append(kind)


@pytest.fixture
def asking(context: Context) -> Asking:
    """Give the connection `me=`."""
    return Asking(context)


@pytest.fixture
def ask(asking: Asking) -> Ask:
    """Send a request and read its reply, which is never too long."""

    async def send(action: str, **fields: object) -> Reply:
        text = await respond(json.dumps({"action": action, **fields}), ACTIONS, asking)
        assert len(text.encode()) <= 96 * 1024
        reply: Reply = json.loads(text)
        assert reply["type"] == "reply"
        return reply

    return send


def code(reply: Reply) -> object:
    """Give the code of a reply's error."""
    error = reply["error"]
    assert isinstance(error, dict), reply
    assert reply["ok"] is False
    return error["code"]


def result(reply: Reply) -> dict[str, object]:
    """Give a reply's result."""
    found = reply["result"]
    assert isinstance(found, dict)
    assert reply["ok"] is True
    return found
