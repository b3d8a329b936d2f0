"""The key scheme, and rows there and back."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, json

from functions.adapters import dynamodb_items as items
from functions.core.permissions import Grant, Identity
from functions.core.ports import Claim, Connection, Entry, Subscription

CONNECTION_IDS = st.from_regex(r"[A-Za-z0-9_-]{15}=", fullmatch=True)
CHANNELS = st.from_regex(r"[A-Za-z0-9_.-]{1,20}:[A-Za-z0-9_.:-]{1,20}", fullmatch=True)
SECONDS = st.integers(0, 2**37 - 1)


UNTIL = st.none() | SECONDS
GRANTS = st.builds(
    Grant, st.text(min_size=1, max_size=128), st.sampled_from([(), ("publish", "history")])
)
IDENTITIES = st.builds(
    Identity,
    user=st.text(min_size=1),
    info=st.dictionaries(st.text(), st.text() | st.integers(-9, 9) | st.none()),
    grants=st.lists(GRANTS).map(tuple),
    authorized_until=UNTIL,
)


@given(CONNECTION_IDS, IDENTITIES, SECONDS)
def test_a_connection_comes_back_from_its_row(
    connection_id: str, identity: Identity, at: int
) -> None:
    """Whatever the user is called, and whatever others see of him."""
    connection = Connection(
        connection_id=connection_id,
        identity=identity,
        connected_at_ms=at * 1000,
        lease_until=at,
        expires_at=at + 1,
    )
    assert items.read_connection(items.connection_item(connection)) == connection


SUBSCRIPTIONS = st.builds(
    Subscription,
    connection_id=CONNECTION_IDS,
    channel=CHANNELS,
    user=st.text(min_size=1),
    shard=st.integers(0, 64),
    authorized_until=UNTIL,
    expires_at=SECONDS,
)


@given(SUBSCRIPTIONS)
def test_a_subscription_comes_back_from_both_rows(subscription: Subscription) -> None:
    """That beside the connection knows all, that in the channel whom to reach and until when."""
    assert items.read_subscription(items.by_connection_item(subscription)) == subscription
    by_channel = items.by_channel_item(subscription)
    assert items.subscriber(by_channel) == subscription.connection_id
    until = subscription.authorized_until
    assert items.is_authorized(by_channel, 0) == (until is None or until > 0)
    assert items.is_authorized(by_channel, 2**37) == (until is None)


@given(CHANNELS, st.integers(1, 10**12 - 1), st.none() | st.text(), SECONDS)
def test_an_entry_comes_back_from_its_row(
    channel: str, offset: int, text: str | None, at: int
) -> None:
    """A publication's bytes as they were, and the hole as none."""
    payload = None if text is None else Raw(json.encode(text))
    entry = Entry(offset, payload, at / 8)
    assert items.read_entry(items.entry_item(channel, "e1", entry, expires_at=at)) == entry


@given(st.integers(1, 10**12 - 1), st.integers(1, 10**12 - 1))
def test_places_in_a_log_sort_as_their_offsets(one: int, other: int) -> None:
    """So that a range of offsets is a range of keys."""
    assert (items.entry_sk("e1", one) < items.entry_sk("e1", other)) == (one < other)


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
    assert items.entry_sk("e1", 7) == "PUB#e1#000000000007"
    assert items.claim_key(Claim("a:b", "ann", "k", "t")) == items.key("LOG#a:b", "KEY#1#k#ann")


def test_a_row_lives_until_its_moment() -> None:
    """At that second it is gone."""
    assert items.is_live({"expires_at": {"N": "10"}}, 9)
    assert not items.is_live({"expires_at": {"N": "10"}}, 10)


def test_a_shard_count_is_read_with_its_channel() -> None:
    """Many are read at once, in no order."""
    row = {**items.shards_key("a:b"), "shards": items.number(4)}
    assert (items.sharded_channel(row), items.read_shards(row)) == ("a:b", 4)
