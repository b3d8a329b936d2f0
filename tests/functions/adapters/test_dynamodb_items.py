"""The key scheme, and rows there and back."""

from hypothesis import given
from hypothesis import strategies as st

from functions.adapters import dynamodb_items as items
from functions.core.ports import Connection

CONNECTION_IDS = st.from_regex(r"[A-Za-z0-9_-]{15}=", fullmatch=True)
CHANNELS = st.from_regex(r"[A-Za-z0-9_.-]{1,20}:[A-Za-z0-9_.:-]{1,20}", fullmatch=True)
SECONDS = st.integers(0, 2**40)


@given(CONNECTION_IDS, st.text(min_size=1), st.dictionaries(st.text(), st.text()), SECONDS)
def test_a_connection_comes_back_from_its_row(
    connection_id: str, user: str, info: dict[str, str], at: int
) -> None:
    """Whatever the user is called."""
    connection = Connection(
        connection_id=connection_id,
        user=user,
        info=info,
        connected_at_ms=at * 1000,
        lease_until=at,
        expires_at=at + 1,
    )
    assert items.read_connection(items.connection_item(connection)) == connection


@given(CONNECTION_IDS, CHANNELS, st.integers(0, 64), SECONDS)
def test_a_subscription_comes_back_from_both_rows(
    connection_id: str, channel: str, shard: int, at: int
) -> None:
    """The row beside the connection knows all, that in the channel whom to send to."""
    subscription = items.Subscription(connection_id, channel, shard, at)
    assert items.read_subscription(items.by_connection_item(subscription)) == subscription
    assert items.subscriber(items.by_channel_item(subscription)) == connection_id


def test_keys_are_those_of_the_architecture() -> None:
    """What stands in a deployed table must be found by the next version."""
    assert items.connection_key("c=") == items.key("CONN#c=", "META")
    assert items.by_connection_key("c=", "a:b") == items.key("CONN#c=", "CHAN#a:b")
    assert items.by_channel_key("c=", "a:b", 3) == items.key("CHAN#a:b#3", "CONN#c=")
    assert items.shards_key("a:b") == items.key("CHAN#a:b", "SHARDS")
    assert items.user_key("ann", "c=") == items.key("USER#ann", "CONN#c=")
    assert items.block_key("ann") == items.key("USER#ann", "BLOCK")


def test_a_row_lives_until_its_moment() -> None:
    """At that second it is gone."""
    assert items.is_live({"expires_at": {"N": "10"}}, 9)
    assert not items.is_live({"expires_at": {"N": "10"}}, 10)


def test_a_channel_without_a_count_has_one_shard() -> None:
    """The row is written when a channel first grows."""
    assert items.read_shards(None) == 1
    assert items.read_shards({"shards": {"N": "4"}}) == 4
