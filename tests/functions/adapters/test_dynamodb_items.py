"""The key scheme, and rows there and back."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, json

from functions.adapters import dynamodb_items as items
from functions.core.permissions import Grant, Identity
from functions.core.ports import Claim, Connection, Entry, Head, Subscription
from functions.core.protocol import Position

CONNECTION_IDS = st.from_regex(r"[A-Za-z0-9_-]{15}=", fullmatch=True)
CHANNELS = st.from_regex(r"[A-Za-z0-9_.-]{1,20}:[A-Za-z0-9_.:-]{1,20}", fullmatch=True)
SECONDS = st.integers(0, 2**40)


@given(
    connection_id=CONNECTION_IDS,
    user=st.text(min_size=1),
    info=st.dictionaries(st.text(), st.text()),
    until=st.none() | SECONDS,
    at=SECONDS,
)
def test_a_connection_comes_back_from_its_row(
    connection_id: str, user: str, info: dict[str, object], *, until: int | None, at: int
) -> None:
    """Whatever the user is called, with permissions and their end."""
    connection = Connection(
        connection_id=connection_id,
        identity=Identity(user, info, (Grant("chat:*", ("publish", "history")),), until),
        connected_at_ms=at * 1000,
        lease_until=at,
        expires_at=at + 1,
    )
    assert items.read_connection(items.connection_item(connection)) == connection


@given(CONNECTION_IDS, CHANNELS, st.none() | SECONDS, SECONDS)
def test_a_subscription_comes_back_from_both_rows(
    connection_id: str, channel: str, until: int | None, at: int
) -> None:
    """The row beside the connection knows all, that in the channel whom to send to, until when."""
    subscription = Subscription(connection_id, channel, "ann", 3, until, at)
    assert items.read_subscription(items.by_connection_item(subscription)) == subscription
    by_channel = items.by_channel_item(subscription)
    assert items.subscriber(by_channel) == connection_id
    assert items.is_authorized(by_channel, at) is (until is None or until > at)


@given(st.integers(1, 10**12 - 1), st.none() | st.text(), st.integers(0, 2**42))
def test_a_place_in_a_log_comes_back_from_its_row(
    offset: int, payload: str | None, at_ms: int
) -> None:
    """A publication byte for byte, and a hole that was closed."""
    raw = None if payload is None else Raw(json.encode(payload))
    entry = Entry(offset, raw, at_ms / 1000)
    assert items.read_entry(items.entry_item("a:b", "e", entry, expires_at=5)) == entry


@given(st.lists(st.integers(1, 10**12 - 1), min_size=2))
def test_places_are_sorted_as_their_offsets_are(offsets: list[int]) -> None:
    """A query gives them in the order of their keys."""
    keys = [items.entry_sk("e", offset) for offset in sorted(offsets)]
    assert keys == sorted(keys)


def test_a_head_comes_back_from_its_row() -> None:
    """To the millisecond."""
    head = Head(Position("e", 7), created_at=1.25, moved_at=2.375)
    assert items.read_head(items.head_item("a:b", head, expires_at=9)) == head


@given(*[st.text(max_size=5)] * 4)
def test_two_keys_of_two_users_are_never_one(user: str, key: str, other: str, third: str) -> None:
    """Whatever characters they hold."""
    one, two = Claim("a:b", user, key, "t"), Claim("a:b", other, third, "t")
    assert (items.claim_key(one) == items.claim_key(two)) is ((user, key) == (other, third))


def test_keys_are_those_of_the_architecture() -> None:
    """What stands in a deployed table must be found by the next version."""
    assert items.connection_key("c=") == items.key("CONN#c=", "META")
    assert items.by_connection_key("c=", "a:b") == items.key("CONN#c=", "CHAN#a:b")
    assert items.by_channel_key("c=", "a:b", 3) == items.key("CHAN#a:b#3", "CONN#c=")
    assert items.shards_key("a:b") == items.key("CHAN#a:b", "SHARDS")
    assert items.user_key("ann", "c=") == items.key("USER#ann", "CONN#c=")
    assert items.block_key("ann") == items.key("USER#ann", "BLOCK")
    assert items.presence_key("a:b", "ann") == items.key("PRES#a:b", "USER#ann")
    assert items.head_key("a:b") == items.key("LOG#a:b", "HEAD")
    assert items.key(items.log_pk("a:b"), items.entry_sk("e", 7)) == items.key(
        "LOG#a:b", "PUB#e#000000000007"
    )
    assert items.claim_key(Claim("a:b", "ann", "k#1", "t")) == items.key("LOG#a:b", "KEY#3#k#1#ann")


def test_a_row_lives_until_its_moment() -> None:
    """At that second it is gone."""
    assert items.is_live({"expires_at": {"N": "10"}}, 9)
    assert not items.is_live({"expires_at": {"N": "10"}}, 10)


def test_a_count_of_shards_comes_back() -> None:
    """With its channel; the row is written when a channel first grows."""
    row = {**items.shards_key("a:b"), "shards": items.number(4)}
    assert (items.sharded_channel(row), items.read_shards(row)) == ("a:b", 4)
