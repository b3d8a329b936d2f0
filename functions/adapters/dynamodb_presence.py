"""PresenceStore (core/ports.py) over one table: a row a user and channel, with a set in it.

Adding to a set and taking from it are atomic and give what it held, which tells the first
connection of a user from the second without a transaction.
"""

from collections.abc import Collection
from contextlib import suppress

from functions.adapters import dynamodb_items as items
from functions.adapters.dynamodb_table import Refused, Table
from functions.core.permissions import Identity
from functions.core.ports import PresencePage, PresentUser


class DynamoDBPresence:
    """State of who is where."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def enter(
        self, channel: str, identity: Identity, connection_id: str, *, expires_at: int
    ) -> Collection[str]:
        """Add to the set; the row's other attributes are the newest connection's."""
        before = await self._table.update(
            items.presence_key(channel, identity.user),
            "SET info = :info, expires_at = :expires_at ADD members :member",
            {
                ":info": items.json_text(identity.info),
                ":expires_at": items.number(expires_at),
                ":member": {"SS": [connection_id]},
            },
            returning="ALL_OLD",
        )
        return items.members(before)

    async def leave(self, channel: str, user: str, connection_id: str) -> Collection[str] | None:
        """Take from the set, and remove the row when nothing is left in it."""
        key = items.presence_key(channel, user)
        try:
            left = await self._table.update(
                key,
                "DELETE members :member",
                {":member": {"SS": [connection_id]}, ":id": {"S": connection_id}},
                condition="contains(members, :id)",
                returning="ALL_NEW",
            )
        except Refused:
            return None
        rest = items.members(left)
        if not rest:
            await self._drop_empty(key)
        return rest

    async def alive(self, connection_ids: Collection[str], *, now: int) -> Collection[str]:
        """Read the connections' rows."""
        rows = await self._table.get_all(map(items.connection_key, connection_ids))
        found = [items.read_connection(row) for row in rows if items.is_live(row, now)]
        return {each.connection_id for each in found if each.lease_until > now}

    async def page(
        self, channel: str, *, limit: int, now: int, after: str | None = None
    ) -> PresencePage:
        """Read up to `limit` entries, and the connections that stand in them."""
        rows = await self._table.query_between(
            items.presence_pk(channel),
            (items.USER if after is None else items.user_sk(after) + "\0", items.USER_END),
            limit=limit,
            now=now,
        )
        entries = [items.read_presence(row) for row in rows]
        alive = await self.alive({each for entry in entries for each in entry.connections}, now=now)
        users = [
            PresentUser(entry.user, connections, entry.info)
            for entry in entries
            if (connections := sorted(set(entry.connections).intersection(alive)))
        ]
        more = len(rows) == limit
        return PresencePage(users, items.present_user(rows[-1]) if more else None)

    async def count(self, channel: str, *, at_most: int, now: int) -> int:
        """Count entries, page by page: with long `info` a page ends at 1 MB before `at_most`."""
        return await self._table.count(
            items.presence_pk(channel), items.USER, at_most=at_most, now=now
        )

    async def _drop_empty(self, key: "items.Key") -> None:
        with suppress(Refused):  # somebody has entered meanwhile
            await self._table.delete(key, condition="attribute_not_exists(members)")
