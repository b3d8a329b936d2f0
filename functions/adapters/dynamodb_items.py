"""The key scheme of the table, and rows as DynamoDB items. Nothing else knows either.

row                              pk                       sk
connection                       CONN#<id>                META
subscription, by connection      CONN#<id>                CHAN#<channel>
subscription, by channel         CHAN#<channel>#<shard>   CONN#<id>
shard count of a channel         CHAN#<channel>           SHARDS
connection of a user             USER#<user>              CONN#<id>
block of a user                  USER#<user>              BLOCK

Neither connection ids nor channel names hold a `#`. Every row has `expires_at`, epoch seconds; the
table's TTL removes it up to days later, so readers ask `is_live`.
"""

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec import Struct

from functions.core.ports import Connection

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import AttributeValueTypeDef

    Item: TypeAlias = dict[str, AttributeValueTypeDef]
    Key: TypeAlias = Item

CONNECTION: Final = "CONN#"
CHANNEL: Final = "CHAN#"
SUBSCRIPTION_PREFIX: Final = CHANNEL
"""How the sort keys of a connection's subscriptions begin."""


class Subscription(Struct, frozen=True):
    """One (channel, connection) pair; the row by connection knows the shard of the other row."""

    connection_id: str
    channel: str
    shard: int
    expires_at: int


def key(pk: str, sk: str) -> "Key":
    """Give a primary key."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def connection_pk(connection_id: str) -> str:
    """Give the partition of a connection and of its subscriptions."""
    return CONNECTION + connection_id


def channel_pk(channel: str, shard: int) -> str:
    """Give the partition of one shard of a channel's subscribers."""
    return f"{CHANNEL}{channel}#{shard}"


def connection_key(connection_id: str) -> "Key":
    """Give the key of a connection."""
    return key(connection_pk(connection_id), "META")


def by_connection_key(connection_id: str, channel: str) -> "Key":
    """Give the key of a subscription's row beside its connection."""
    return key(connection_pk(connection_id), SUBSCRIPTION_PREFIX + channel)


def by_channel_key(connection_id: str, channel: str, shard: int) -> "Key":
    """Give the key of a subscription's row in its channel."""
    return key(channel_pk(channel, shard), CONNECTION + connection_id)


def shards_key(channel: str) -> "Key":
    """Give the key of a channel's shard count."""
    return key(CHANNEL + channel, "SHARDS")


def user_key(user: str, connection_id: str) -> "Key":
    """Give the key of one connection of a user."""
    return key(f"USER#{user}", CONNECTION + connection_id)


def block_key(user: str) -> "Key":
    """Give the key of a user's block, which holds until its `expires_at`."""
    return key(f"USER#{user}", "BLOCK")


def connection_item(connection: Connection) -> "Item":
    """Make the row of a connection that has no subscription yet."""
    return {
        **connection_key(connection.connection_id),
        "user": {"S": connection.user},
        "info": {"S": msgspec.json.encode(connection.info).decode()},
        "connected_at_ms": number(connection.connected_at_ms),
        "lease_until": number(connection.lease_until),
        "subscriptions": number(0),
        "expires_at": number(connection.expires_at),
    }


def read_connection(item: "Item") -> Connection:
    """Read the row of a connection."""
    return Connection(
        connection_id=item["pk"]["S"].removeprefix(CONNECTION),
        user=item["user"]["S"],
        info=msgspec.json.decode(item["info"]["S"], type=dict[str, str]),
        connected_at_ms=int(item["connected_at_ms"]["N"]),
        lease_until=int(item["lease_until"]["N"]),
        expires_at=int(item["expires_at"]["N"]),
    )


def user_item(connection: Connection) -> "Item":
    """Make the row that finds a connection by its user."""
    return {
        **user_key(connection.user, connection.connection_id),
        "expires_at": number(connection.expires_at),
    }


def by_connection_item(subscription: Subscription) -> "Item":
    """Make a subscription's row beside its connection."""
    return {
        **by_connection_key(subscription.connection_id, subscription.channel),
        "shard": number(subscription.shard),
        "expires_at": number(subscription.expires_at),
    }


def by_channel_item(subscription: Subscription) -> "Item":
    """Make a subscription's row in its channel."""
    return {
        **by_channel_key(subscription.connection_id, subscription.channel, subscription.shard),
        "expires_at": number(subscription.expires_at),
    }


def read_subscription(item: "Item") -> Subscription:
    """Read a subscription's row beside its connection."""
    return Subscription(
        connection_id=item["pk"]["S"].removeprefix(CONNECTION),
        channel=item["sk"]["S"].removeprefix(SUBSCRIPTION_PREFIX),
        shard=int(item["shard"]["N"]),
        expires_at=int(item["expires_at"]["N"]),
    )


def subscriber(item: "Item") -> str:
    """Read the connection id from a subscription's row in its channel."""
    return item["sk"]["S"].removeprefix(CONNECTION)


def read_shards(item: "Item | None") -> int:
    """Read a channel's shard count; a channel without the row has one shard."""
    return 1 if item is None else int(item["shards"]["N"])


def is_live(item: "Item", now: int) -> bool:
    """Say whether a row still counts at `now` (epoch seconds)."""
    return int(item["expires_at"]["N"]) > now


def number(value: int) -> "AttributeValueTypeDef":
    """Give an attribute value of type N."""
    return {"N": str(value)}
