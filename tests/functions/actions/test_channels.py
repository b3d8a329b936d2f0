"""`subscribe`, `unsubscribe` and `publish` as requests."""

import json
from collections.abc import Awaitable, Callable

import pytest

from functions.actions.dispatch import respond
from functions.actions.registry import ACTIONS
from functions.core.context import Context
from tests.fakes import MemoryStore, MemoryTransport

Ask = Callable[..., Awaitable[dict[str, object]]]


@pytest.fixture
def ask(context: Context) -> Ask:
    """Send a request and read its reply."""

    async def open_context() -> Context:
        return context

    async def send(action: str, **fields: object) -> dict[str, object]:
        body = json.dumps({"action": action, **fields})
        reply: dict[str, object] = json.loads(await respond(body, ACTIONS, open_context))
        return reply

    return send


def code(reply: dict[str, object]) -> object:
    """Give the code of a reply's error."""
    error = reply["error"]
    assert isinstance(error, dict)
    return error["code"]


async def test_one_channel_gets_one_result(ask: Ask, store: MemoryStore) -> None:
    """The short form of a request."""
    reply = await ask("subscribe", channel="chat:a")
    assert reply["result"] == {"channels": [{"channel": "chat:a"}]}
    assert list(store.subscriptions) == [("chat:a", "me=")]


async def test_a_bad_name_among_channels_is_its_own_error(ask: Ask, store: MemoryStore) -> None:
    """The others are subscribed to; results keep the order asked for."""
    reply = await ask("subscribe", channels=[{"channel": "bad"}, {"channel": "chat:a"}])
    result = reply["result"]
    assert isinstance(result, dict)
    bad, good = result["channels"]
    assert (bad["channel"], bad["error"]["code"]) == ("bad", 107)
    assert good == {"channel": "chat:a"}
    assert list(store.subscriptions) == [("chat:a", "me=")]


async def test_only_bad_names_subscribe_to_nothing(ask: Ask, store: MemoryStore) -> None:
    """And the request itself is fine."""
    reply = await ask("subscribe", channels=[{"channel": "bad"}])
    assert reply["ok"] is True
    assert store.subscriptions == {}


async def test_a_bad_name_alone_is_the_requests_error(ask: Ask) -> None:
    """In the short form."""
    assert code(await ask("subscribe", channel="bad")) == 107


async def test_recovering_without_history_recovers_nothing_and_says_so(ask: Ask) -> None:
    """A client must know that it missed something."""
    reply = await ask("subscribe", channel="chat:a", recover={"epoch": "e", "offset": 3})
    lost = {"channel": "chat:a", "recovered": False, "publications": [], "more": False}
    assert reply["result"] == {"channels": [lost]}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"channels": []},
        {"channels": [{"channel": f"chat:{number}"} for number in range(21)]},
        {"channels": [{"channel": "chat:a"}], "channel": "chat:b"},
        {"channels": "chat:a"},
        {"channels": [{"name": "chat:a"}]},
        {"channel": 5},
        {"channel": "chat:a", "recover": {"epoch": "e"}},
    ],
)
async def test_a_malformed_subscribe_names_the_field(ask: Ask, fields: dict[str, object]) -> None:
    """1 to 20 channels, or one."""
    reply = await ask("subscribe", **fields)
    assert code(reply) == 107
    assert "channel" in str(reply["error"]) or "recover" in str(reply["error"])


async def test_publishing_replies_with_nothing(ask: Ask, transport: MemoryTransport) -> None:
    """No history, so there is no position; `key` is accepted."""
    await ask("subscribe", channel="chat:a")
    assert await ask("publish", channel="chat:a", data={"a": 1}, key="k") == {
        "type": "reply",
        "ok": True,
    }
    assert json.loads(transport.sent[0][1])["data"] == {"a": 1}


async def test_publish_without_echo_spares_the_sender(ask: Ask, transport: MemoryTransport) -> None:
    """`echo` is true unless it says otherwise."""
    await ask("subscribe", channel="chat:a")
    await ask("publish", channel="chat:a", data=1, echo=False)
    assert transport.sent == []


@pytest.mark.parametrize(
    "fields",
    [
        {"channel": "chat:a"},
        {"data": 1},
        {"channel": "bad", "data": 1},
        {"channel": "chat:a", "data": 1, "key": "x" * 65},
        {"channel": "chat:a", "data": 1, "key": ""},
        {"channel": "chat:a", "data": 1, "echo": "no"},
    ],
)
async def test_a_malformed_publish_is_refused(ask: Ask, fields: dict[str, object]) -> None:
    """107 for a field that is missing or of a wrong type."""
    assert code(await ask("publish", **fields)) == 107


async def test_unsubscribing_replies_with_nothing(ask: Ask, store: MemoryStore) -> None:
    """Not being subscribed is fine."""
    await ask("subscribe", channel="chat:a")
    assert await ask("unsubscribe", channel="chat:a", id=3) == {
        "type": "reply",
        "ok": True,
        "id": 3,
    }
    assert store.subscriptions == {}
    assert (await ask("unsubscribe", channel="chat:a"))["ok"] is True
    assert code(await ask("unsubscribe", channel="bad")) == 107
