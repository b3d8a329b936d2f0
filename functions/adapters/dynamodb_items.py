"""The key scheme of the table, and rows as DynamoDB items. Nothing else knows either.

row                              pk                       sk
connection                       CONN#<id>                META
subscription, by connection      CONN#<id>                CHAN#<channel>
subscription, by channel         CHAN#<channel>#<shard>   CONN#<id>
shard count of a channel         CHAN#<channel>           SHARDS
connection of a user             USER#<user>              CONN#<id>
block of a user                  USER#<user>              BLOCK
channel that has subscribers     CHAN#<channel>           OCCUPIED
presence of a user in a channel  PRES#<channel>           USER#<user>
channel head                     LOG#<channel>            HEAD
publication                      LOG#<channel>            PUB#<epoch>#<offset, zero padded>
idempotency key                  LOG#<channel>            KEY#<key>#<user>

Neither connection ids nor channel names hold a `#`. Every row but the shard count, which must
never shrink, has `expires_at`, epoch seconds; the table's TTL removes it up to days later, so
readers ask `is_live`.
"""

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec import Raw

from functions.core.permissions import Grant, Identity
from functions.core.ports import (
    Claim,
    Connection,
    Entry,
    Head,
    PresentUser,
    Published,
    Subscription,
)
from functions.core.protocol import Position

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import AttributeValueTypeDef

    Item: TypeAlias = dict[str, AttributeValueTypeDef]
    Key: TypeAlias = Item

CONNECTION: Final = "CONN#"
CHANNEL: Final = "CHAN#"
USER: Final = "USER#"
USER_END: Final = "USER$"
"""Sorts after every key that begins with USER, and before every other."""

SUBSCRIPTION_PREFIX: Final = CHANNEL
"""How the sort keys of a connection's subscriptions begin."""

_NEVER: Final = 253_402_300_800
"""The year 10000."""


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


def occupied_key(channel: str) -> "Key":
    """Give the key of the note that a channel has subscribers."""
    return key(CHANNEL + channel, "OCCUPIED")


def user_pk(user: str) -> str:
    """Give the partition of a user's connections and block."""
    return USER + user


def user_key(user: str, connection_id: str) -> "Key":
    """Give the key of one connection of a user."""
    return key(user_pk(user), CONNECTION + connection_id)


def block_key(user: str) -> "Key":
    """Give the key of a user's block, which holds until its `expires_at`."""
    return key(user_pk(user), "BLOCK")


def identity_attributes(identity: Identity) -> "Item":
    """Give what a connection's row holds of an identity beside the user."""
    return {
        "info": json_text(identity.info),
        "grants": json_text(identity.grants),
        "authorized_until": number(moment(identity.authorized_until)),
    }


def connection_item(connection: Connection) -> "Item":
    """Make the row of a connection that has no subscription yet."""
    return {
        **connection_key(connection.connection_id),
        "user": {"S": connection.identity.user},
        **identity_attributes(connection.identity),
        "connected_at_ms": number(connection.connected_at_ms),
        "lease_until": number(connection.lease_until),
        "subscriptions": number(0),
        "expires_at": number(connection.expires_at),
    }


def read_connection(item: "Item") -> Connection:
    """Read the row of a connection."""
    return Connection(
        connection_id=item["pk"]["S"].removeprefix(CONNECTION),
        identity=Identity(
            user=item["user"]["S"],
            info=msgspec.json.decode(item["info"]["S"], type=dict[str, object]),
            grants=msgspec.json.decode(item["grants"]["S"], type=tuple[Grant, ...]),
            authorized_until=_read_moment(item),
        ),
        connected_at_ms=int(item["connected_at_ms"]["N"]),
        lease_until=int(item["lease_until"]["N"]),
        expires_at=int(item["expires_at"]["N"]),
    )


def user_item(connection: Connection) -> "Item":
    """Make the row that finds a connection by its user."""
    return {
        **user_key(connection.identity.user, connection.connection_id),
        "expires_at": number(connection.expires_at),
    }


def by_connection_item(subscription: Subscription) -> "Item":
    """Make a subscription's row beside its connection."""
    return {
        **by_connection_key(subscription.connection_id, subscription.channel),
        **_subscription_attributes(subscription),
        "user": {"S": subscription.user},
        "shard": number(subscription.shard),
    }


def by_channel_item(subscription: Subscription) -> "Item":
    """Make a subscription's row in its channel."""
    return {
        **by_channel_key(subscription.connection_id, subscription.channel, subscription.shard),
        **_subscription_attributes(subscription),
    }


def read_subscription(item: "Item") -> Subscription:
    """Read a subscription's row beside its connection."""
    return Subscription(
        connection_id=item["pk"]["S"].removeprefix(CONNECTION),
        channel=item["sk"]["S"].removeprefix(SUBSCRIPTION_PREFIX),
        user=item["user"]["S"],
        shard=int(item["shard"]["N"]),
        authorized_until=_read_moment(item),
        expires_at=int(item["expires_at"]["N"]),
    )


def is_authorized(item: "Item", now: int) -> bool:
    """Say whether a subscription's row is to be served at `now` (epoch seconds)."""
    return int(item["authorized_until"]["N"]) > now


def subscriber(item: "Item") -> str:
    """Read the connection id from a subscription's row in its channel."""
    return item["sk"]["S"].removeprefix(CONNECTION)


def subscribers_after(connection_id: str | None) -> str:
    """Give the sort key after which the rows of a channel come that follow a connection's."""
    return CONNECTION + (connection_id or "")


def sharded_channel(item: "Item") -> str:
    """Read the channel from the row of its shard count."""
    return item["pk"]["S"].removeprefix(CHANNEL)


def read_shards(item: "Item") -> int:
    """Read a channel's shard count; a channel without the row has one shard."""
    return int(item["shards"]["N"])


def presence_pk(channel: str) -> str:
    """Give the partition of a channel's presence."""
    return f"PRES#{channel}"


def user_sk(user: str) -> str:
    """Give the sort key of a user in a channel."""
    return USER + user


def presence_key(channel: str, user: str) -> "Key":
    """Give the key of a user's entry in a channel."""
    return key(presence_pk(channel), user_sk(user))


def members(item: "Item") -> frozenset[str]:
    """Read the connections in a user's entry; none of an entry that is not there."""
    return frozenset(item["members"]["SS"]) if "members" in item else frozenset()


def present_user(item: "Item") -> str:
    """Read the user from an entry."""
    return item["sk"]["S"].removeprefix(USER)


def read_presence(item: "Item") -> PresentUser:
    """Read a user's entry, with all connections that stand in it."""
    return PresentUser(
        user=present_user(item),
        connections=sorted(members(item)),
        info=msgspec.json.decode(item["info"]["S"], type=dict[str, object]),
    )


def log_pk(channel: str) -> str:
    """Give the partition of a channel's log."""
    return f"LOG#{channel}"


def head_key(channel: str) -> "Key":
    """Give the key of the end of a channel's log."""
    return key(log_pk(channel), "HEAD")


def entry_sk(epoch: str, offset: int) -> str:
    """Give the sort key of a place in a log, which sorts as its offset does."""
    return f"PUB#{epoch}#{offset:012d}"


def claim_key(claim: Claim) -> "Key":
    """Give the key of an idempotency key; a user's name may hold any character, so it is last."""
    return key(log_pk(claim.channel), f"KEY#{len(claim.key)}#{claim.key}#{claim.user}")


def claim_item(claim: Claim, *, claimed_at: float, expires_at: int) -> "Item":
    """Make the row of an idempotency key that has no publication yet."""
    return {
        **claim_key(claim),
        "claimant": {"S": claim.token},
        "claimed_at_ms": milliseconds(claimed_at),
        "expires_at": number(expires_at),
    }


def read_published(item: "Item") -> Published | None:
    """Read what was published under an idempotency key."""
    if "log_offset" not in item:
        return None
    position = Position(item["log_epoch"]["S"], int(item["log_offset"]["N"]))
    return Published(position, fanned="fanned" in item)


def head_item(channel: str, head: Head, *, expires_at: int) -> "Item":
    """Make the row of a log's end."""
    return {
        **head_key(channel),
        "log_epoch": {"S": head.position.epoch},
        "log_offset": number(head.position.offset),
        "created_at_ms": milliseconds(head.created_at),
        "moved_at_ms": milliseconds(head.moved_at),
        "expires_at": number(expires_at),
    }


def read_head(item: "Item") -> Head:
    """Read the row of a log's end."""
    return Head(
        position=Position(item["log_epoch"]["S"], int(item["log_offset"]["N"])),
        created_at=int(item["created_at_ms"]["N"]) / 1000,
        moved_at=int(item["moved_at_ms"]["N"]) / 1000,
    )


def entry_item(channel: str, epoch: str, entry: Entry, *, expires_at: int) -> "Item":
    """Make the row of a place in a log; that of a closed hole has no payload."""
    item: Item = {
        **key(log_pk(channel), entry_sk(epoch, entry.offset)),
        "at_ms": milliseconds(entry.at),
        "expires_at": number(expires_at),
    }
    if entry.payload is not None:
        item["payload"] = {"S": bytes(entry.payload).decode()}
    return item


def read_entry(item: "Item") -> Entry:
    """Read the row of a place in a log."""
    payload = item.get("payload")
    return Entry(
        offset=int(item["sk"]["S"].rpartition("#")[2]),
        payload=None if payload is None else Raw(payload["S"].encode()),
        at=int(item["at_ms"]["N"]) / 1000,
    )


def is_live(item: "Item", now: int) -> bool:
    """Say whether a row still counts at `now` (epoch seconds)."""
    return int(item["expires_at"]["N"]) > now


def moment(at: int | None) -> int:
    """Give a moment that compares: never is later than any other."""
    return _NEVER if at is None else at


def json_text(value: object) -> "AttributeValueTypeDef":
    """Give an attribute value of type S that holds JSON."""
    return {"S": msgspec.json.encode(value).decode()}


def _read_moment(item: "Item") -> int | None:
    at = int(item["authorized_until"]["N"])
    return None if at == _NEVER else at


def _subscription_attributes(subscription: Subscription) -> "Item":
    return {
        "authorized_until": number(moment(subscription.authorized_until)),
        "expires_at": number(subscription.expires_at),
    }


def milliseconds(at: float) -> "AttributeValueTypeDef":
    """Give an attribute value of type N for a moment in epoch seconds."""
    return number(round(at * 1000))


def number(value: int) -> "AttributeValueTypeDef":
    """Give an attribute value of type N."""
    return {"N": str(value)}
