"""Channel names, and subscribing, unsubscribing and publishing over the in-memory ports."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from functions.core import channels, limits
from functions.core.context import Context
from functions.core.errors import ProtocolError
from functions.core.ports import Conflict
from tests.fakes import MemoryStore, MemoryTransport


class ConflictingStore(MemoryStore):
    """A Store where others are always faster."""

    async def add_subscriptions(self, *args: object, **kwargs: object) -> None:
        """Fail."""
        raise Conflict

    async def remove_subscription(self, connection_id: str, channel: str) -> None:
        """Fail."""
        raise Conflict


def code_of(name: str) -> int:
    """Give the code that a name is refused with; 0 for a good one."""
    try:
        channels.check_name(name)
    except ProtocolError as error:
        return error.kind.code
    return 0


@pytest.mark.parametrize("name", ["a:b", "chat:room:1", "A_.-9:_.:-", "n:" + "x" * 126, "a::"])
def test_a_name_is_a_namespace_and_a_rest(name: str) -> None:
    """The rest may hold further colons; 128 characters in all."""
    assert code_of(name) == 0


@pytest.mark.parametrize(
    "name", ["", "a", "a:", ":b", ":", "a b:c", "a:b\n", "ä:b", "a:b#0", "a:\u0661", "a/b:c"]
)
def test_another_name_is_a_bad_request(name: str) -> None:
    """107: the client can't mean an existing channel."""
    assert code_of(name) == 107


def test_a_name_of_129_characters_is_over_the_limit() -> None:
    """106, as the protocol's table says of name lengths."""
    assert code_of("n:" + "x" * 127) == 106


@given(st.text(alphabet="ab:#/ \n.-_é", max_size=140))
def test_a_name_is_good_exactly_when_the_grammar_says_so(name: str) -> None:
    """Checked against the rule written in another way."""
    namespace, colon, rest = name.partition(":")
    good = bool(namespace and colon and rest) and not re.search(r"[^A-Za-z0-9_.:-]", name)
    assert (code_of(name) == 0) == (good and len(name) <= 128)


async def test_a_publication_reaches_subscribers_with_its_sender(
    context: Context, make_context: Callable[[str], Context], transport: MemoryTransport
) -> None:
    """One payload, encoded once, the same bytes for all."""
    other = make_context("you=")
    await channels.subscribe(context, ["chat:a"])
    await channels.subscribe(other, ["chat:a"])
    tally = await channels.publish(context, "chat:a", Raw(b'{"text":"hi"}'))
    assert tally.delivered == 2
    assert {to for to, _ in transport.sent} == {"me=", "you="}
    assert len({id(payload) for _, payload in transport.sent}) == 1
    assert json.loads(transport.sent[0][1]) == {
        "type": "publication",
        "id": "id-1",
        "channel": "chat:a",
        "data": {"text": "hi"},
        "from": {"user": "user-of-me=", "connection": "me="},
        "at": 1_800_000_000_500,
    }


async def test_without_echo_the_sender_is_left_out(
    context: Context, make_context: Callable[[str], Context], transport: MemoryTransport
) -> None:
    """Every other subscriber still gets it."""
    await channels.subscribe(context, ["chat:a"])
    await channels.subscribe(make_context("you="), ["chat:a"])
    await channels.publish(context, "chat:a", Raw(b"1"), echo=False)
    assert [to for to, _ in transport.sent] == ["you="]


async def test_data_may_have_the_limits_bytes_and_no_more(context: Context) -> None:
    """28 KiB as encoded by the client."""
    await channels.publish(context, "chat:a", Raw(b"1" * limits.DATA_BYTES_MAX))
    with pytest.raises(ProtocolError, match="106 data: it has 28673 bytes"):
        await channels.publish(context, "chat:a", Raw(b"1" * (limits.DATA_BYTES_MAX + 1)))


async def test_the_101st_subscription_is_over_the_limit(context: Context) -> None:
    """106, and the client is told the limit."""
    for start in range(0, 100, 20):
        await channels.subscribe(context, [f"chat:{start + number}" for number in range(20)])
    with pytest.raises(ProtocolError, match=r"106 channels: .* 100 "):
        await channels.subscribe(context, ["chat:last"])


async def test_a_channel_named_twice_is_subscribed_to_once(
    context: Context, store: MemoryStore
) -> None:
    """A transaction can't write one row twice."""
    await channels.subscribe(context, ["chat:a", "chat:a"])
    assert list(store.subscriptions) == [("chat:a", "me=")]


async def test_a_closed_connection_is_told_to_connect_again(
    context: Context, store: MemoryStore
) -> None:
    """101: nothing that it repeats will work."""
    await store.close_connection("me=")
    with pytest.raises(ProtocolError, match=r"101 .*connect again"):
        await channels.subscribe(context, ["chat:a"])


async def test_unsubscribing_is_idempotent(context: Context, store: MemoryStore) -> None:
    """Not being subscribed is fine."""
    await channels.subscribe(context, ["chat:a"])
    await channels.unsubscribe(context, "chat:a")
    await channels.unsubscribe(context, "chat:a")
    assert store.subscriptions == {}


async def test_a_conflict_that_lasts_is_temporary(transport: MemoryTransport) -> None:
    """111, for both ways."""
    context = Context(
        connection_id="me=",
        user="ann",
        connected_at_ms=0,
        store=ConflictingStore(),
        transport=transport,
        clock=lambda: 0.0,
        new_id=str,
    )
    with pytest.raises(ProtocolError, match="111"):
        await channels.subscribe(context, ["chat:a"])
    with pytest.raises(ProtocolError, match="111"):
        await channels.unsubscribe(context, "chat:a")
